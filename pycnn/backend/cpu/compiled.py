"""Calls of compiled code: all that a plan repeats of a kernel whose Python around them would decide the same again."""

import threading
from functools import partial

import numpy as np

from pycnn.backend.recorded import arrays_in


class _Notes(threading.local):
    calls = None  # a list, while this thread asks for the calls and makes none


_notes = _Notes()


def run(function, *args):
    """Call a function that changes nothing but the arrays among its arguments, or that it is a method of."""
    if _notes.calls is None:
        function(*args)
    else:
        _notes.calls.append(partial(function, *args))


def calls_of(kernel, arguments):
    """Return the calls that ``kernel(**arguments)`` makes by ``run``, as functions without arguments.

    The arguments include room for all results. None for a kernel that works by other means, and is run, or on arrays
    that are not among its arguments: memory that it borrows, copies of what does not lie in a row.
    """
    given = list(arrays_in(arguments))
    _notes.calls = []
    try:
        kernel(**arguments)
        calls = _notes.calls
    finally:
        _notes.calls = None
    used = arrays_in([(getattr(call.func, "__self__", None), call.args) for call in calls])
    known = all(any(np.may_share_memory(array, other) for other in given) for array in used if array.size)
    return calls if calls and known else None
