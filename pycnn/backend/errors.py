"""What backends raise."""


class OutOfMemoryError(MemoryError):
    """A device has not the memory that was asked for; the message says what it had, and what helps."""


class BackendUnavailableError(RuntimeError):
    """A backend was asked for by name and cannot work here."""
