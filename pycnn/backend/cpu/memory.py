"""Memory of large results. It is kept when they are gone: the system clears each page that it gives, which takes longer
than many a kernel that fills it. They begin at cache lines, so that they can be written past the caches.
"""

import os
from math import prod

import numpy as np

from pycnn.backend.arena import Arena

_LARGE = 1 << 20  # bytes; finding a place takes some microseconds

_arena = Arena()


def empty(shape, dtype):
    """An uninitialised array."""
    large = prod(shape) * np.dtype(dtype).itemsize >= _LARGE
    return _arena.empty(shape, dtype) if large else np.empty(shape, dtype)


def copy(array):
    """A copy in a row."""
    if array.nbytes < _LARGE:
        return array.copy()
    copied = _arena.empty(array.shape, array.dtype)
    copied[...] = array
    return copied


def held():
    """Bytes that are kept and that no array has."""
    return _arena.unused


def release():
    """Keep nothing: what arrays still have goes back to the system with them."""
    global _arena
    _arena = Arena()


os.register_at_fork(after_in_child=release)  # in which another thread may have been at it
