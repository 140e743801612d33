"""What backends raise."""


class BackendUnavailableError(RuntimeError):
    """A backend was asked for by name and cannot work here."""
