"""Memory that a kernel needs only while it runs: kept by each thread, so that its pages are faulted in once."""

import threading
from math import prod

import numpy as np

CACHE_LINE = 64  # bytes, and of a vector of AVX-512
_MOST_VIEWS = 256


class _Memory(threading.local):
    def __init__(self):
        self.bytes = np.empty(0, np.uint8)
        self.views = {}  # (shape, dtype) -> the array: making one takes longer than a small kernel


_memory = _Memory()


def workspace(shape, dtype):
    """An uninitialised, aligned array; the same memory at the next call in this thread."""
    view = _memory.views.get((shape, dtype))
    return _make(shape, dtype) if view is None else view


def held():
    """Bytes that this thread keeps."""
    return _memory.bytes.nbytes


def release():
    """Keep nothing in this thread until a kernel asks."""
    _memory.__init__()


def _make(shape, dtype):
    nbytes = prod(shape) * np.dtype(dtype).itemsize
    if _memory.bytes.nbytes < nbytes or len(_memory.views) >= _MOST_VIEWS:
        _memory.views.clear()
    if not nbytes:
        return np.empty(shape, dtype)
    if _memory.bytes.nbytes < nbytes:
        raw = np.empty(nbytes + CACHE_LINE, np.uint8)
        start = -raw.ctypes.data % CACHE_LINE
        _memory.bytes = raw[start : start + nbytes]
    view = _memory.views[shape, dtype] = _memory.bytes[:nbytes].view(dtype).reshape(shape)
    return view
