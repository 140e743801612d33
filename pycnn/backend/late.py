"""Checks of what a device computes, made when somebody reads it anyway: to look at each step would be to wait."""

from contextvars import ContextVar

import numpy as np

_MOST = 64  # checks that wait, and keep their arrays: then the device is waited for once

_late = ContextVar("pycnn_late_checks", default=None)


class LateChecks:
    """Context manager: inside, and in this thread, checks that a NaN tells the need of are kept for ``settle``."""

    def __init__(self):
        self._kept = []  # (array with a NaN if something is wrong, function that looks what it is, its arguments)

    def __deepcopy__(self, memo):
        return LateChecks()

    def __reduce__(self):
        return LateChecks, ()

    def __enter__(self):
        self._token = _late.set(self)

    def __exit__(self, *exception):
        _late.reset(self._token)

    def keep(self, array, function, args):
        """Call a function later, if the array holds a NaN by then."""
        self._kept.append((array, function, args))
        if len(self._kept) == _MOST:
            total = sum(array.sum() for array, *_ in self._kept)
            self.settle(bool(total != total))

    def settle(self, wrong):
        """Make the checks that were kept, unless nothing can be wrong, and forget them."""
        kept, self._kept = self._kept, []
        for _, function, args in kept if wrong else ():
            function(*args)


def check_nan(array, function, *args):
    """Call a function that raises an error if ``array`` holds a NaN for a reason; later, if that is allowed."""
    late = _late.get()
    if late is None or isinstance(array, (np.ndarray, np.generic)):
        function(*args)
    else:
        late.keep(array, function, args)
