"""Arrays of the GPU: CuPy's."""

import cupy as cp
import numpy as np

from pycnn.backend.cuda import memory

name = "cuda"
xp = cp


def asarray(x, dtype=None):
    return cp.asarray(x, dtype=dtype)


def to_numpy(x):
    return cp.asnumpy(x)


def is_array(x):
    return isinstance(x, cp.ndarray)


def random_uniform(generator, shape, dtype):
    return cp.asarray(generator.random(shape, dtype=np.dtype(dtype)))


def memory_info():
    return memory.info()


def free_pool():
    memory.free()


def contiguous(*arrays):
    """The arrays as kernels read them, C-contiguous, None where there is none: one by itself, several as a list."""
    made = [None if a is None else cp.asarray(a, order="C") for a in arrays]
    return made if len(made) > 1 else made[0]


def result(shape, dtype, out=None):
    """``out``, or a new array for a kernel to fill."""
    return cp.empty(shape, dtype) if out is None else out
