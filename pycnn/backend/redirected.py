"""A plan that reads what it is given, and writes into new memory, instead of copies to and from its own."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds

from pycnn.backend.recorded import arrays_in


class _Change(NamedTuple):
    """A call that reads or writes the arrays, and which of its arguments do: (key, array, window of it or None)."""

    index: int
    call: partial
    positional: list
    named: list


class Redirected:
    """Calls in which other arrays take the place of some.

    Parameters
    ----------
    calls : list of callables
    changes : list of _Change
    """

    def __init__(self, calls, changes):
        self._calls, self._changes = calls, changes

    def run(self, replay, arrays):
        """Repeat the calls with ``arrays``, which lie in a row each, in place of those that were recorded."""
        calls = self._calls
        try:
            for index, call, positional, named in self._changes:
                args = list(call.args)
                for key, which, window in positional:
                    args[key] = _seen(arrays[which], window)
                others = {key: _seen(arrays[which], window) for key, which, window in named}
                calls[index] = partial(call.func, *args, **call.keywords | others)
            replay(calls)
        finally:
            for index, call, _, _ in self._changes:  # which hold none of the caller's memory
                calls[index] = call


def _seen(array, window):
    return array if window is None else np.ndarray(window[0], array.dtype, array, *window[1:])


def redirected(calls, arrays):
    """Return what runs ``calls`` on other arrays than ``arrays``, or None if a call hides how it uses them.

    Parameters
    ----------
    calls : list of callables
    arrays : list of (array, int)
        Arrays in a row, and which call is the first that can use each: before, its memory may be that of others.
    """
    changes = []
    for index, call in enumerate(calls):
        present = [(which, array) for which, (array, first) in enumerate(arrays) if index >= first]
        if type(call) is not partial:
            return None
        positional, named = _places(enumerate(call.args), present), _places(call.keywords.items(), present)
        owner = getattr(call.func, "__self__", None)
        if positional is None or named is None or any(_meet(owner, array) for _, array in present):
            return None
        if positional or named:
            changes.append(_Change(index, call, positional, named))
    return Redirected(calls, changes)


def _places(arguments, present):
    """Where the arguments are windows of the arrays; None if one is hidden in another."""
    places = []
    for key, value in arguments:
        for which, array in present:
            if not _meet(value, array):
                continue
            if not isinstance(value, np.ndarray) or value.dtype != array.dtype:
                return None
            (begin, end), (first, last) = byte_bounds(array), byte_bounds(value)
            offset = value.__array_interface__["data"][0] - begin
            if first < begin or last > end:  # it is a part of what the call uses
                return None
            whole = offset == 0 and value.shape == array.shape and value.strides == array.strides
            places.append((key, which, None if whole else (value.shape, offset, value.strides)))
    return places


def _meet(value, array):
    return any(np.may_share_memory(part, array) for part in arrays_in(value) if part.size)
