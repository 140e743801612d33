"""Memory that a kernel needs only while it runs: kept by each thread, so that its pages are faulted in once."""

import threading
from math import prod

import numpy as np

_ALIGNMENT = 64  # a cache line, and a vector of AVX-512
_local = threading.local()


def workspace(shape, dtype):
    """An uninitialised, aligned array; the same memory at the next call in this thread."""
    dtype = np.dtype(dtype)
    nbytes = prod(shape) * dtype.itemsize
    memory = getattr(_local, "memory", None)
    if memory is None or memory.nbytes < nbytes:
        raw = np.empty(nbytes + _ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % _ALIGNMENT
        memory = _local.memory = raw[start : start + nbytes]
    return memory[:nbytes].view(dtype).reshape(shape)
