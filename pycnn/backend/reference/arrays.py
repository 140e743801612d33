"""Arrays of the host: NumPy itself."""

import numpy as np

from pycnn.backend.host_memory import host_memory

name = "reference"
half_wide = False
xp = np


def asarray(x, dtype=None):
    return np.asarray(x, dtype=dtype)


def upload(arrays):
    return [asarray(a) for a in arrays]


def to_numpy(x, copy=False):
    return np.array(x) if copy else np.asarray(x)


def is_array(x):
    return isinstance(x, np.ndarray)


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
    return host_memory()


def free_pool():
    """Nothing is kept."""
