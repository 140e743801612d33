"""Arrays of the host: NumPy itself."""

import numpy as np

from pycnn.backend.cpu import memory, workspace
from pycnn.backend.host_memory import host_memory

name = "cpu"
half_wide = False
xp = np


def asarray(x, dtype=None):
    return np.asarray(x, dtype=dtype)


def upload(arrays):
    return [asarray(a) for a in arrays]


def to_numpy(x, copy=False):
    return memory.copy(x) if copy else np.asarray(x)


def is_array(x):
    return isinstance(x, np.ndarray)


def result(shape, dtype, out=None):
    """``out``, or a new array for a kernel to fill."""
    return memory.empty(shape, dtype) if out is None else out


def contiguous(*arrays):
    """The arrays, each in a row; None stays."""
    return [None if a is None else np.ascontiguousarray(a) for a in arrays]


def random_uniform(generator, shape, dtype):
    return generator.random(shape, dtype=dtype)


def random_normal(generator, shape, dtype):
    return generator.standard_normal(shape, dtype=dtype)


def update_at(target, index, values, reduction=None):
    if reduction is None:
        target[index] = values
    else:
        getattr(np, reduction).at(target, index, values)


def memory_info():
    return host_memory(workspace.held() + memory.held())


def free_pool():
    workspace.release()
    memory.release()
