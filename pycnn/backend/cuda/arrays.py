"""Arrays of the GPU: CuPy's."""

from math import prod

import cupy as cp
import numpy as np

from pycnn.backend.cuda import memory, uploads
from pycnn.backend.cuda.launch import elementwise_blocks, launch
from pycnn.backend.names import REDUCTIONS

_REDUCTIONS = (None, *REDUCTIONS)  # in the order of kernels/arrays.cu

name = "cuda"
xp = cp
half_wide = True


def asarray(x, dtype=None):
    return cp.asarray(x, dtype=dtype)


def upload(arrays):
    return uploads.upload(arrays)


def to_numpy(x, copy=False):
    return cp.asnumpy(x)


def is_array(x):
    return isinstance(x, cp.ndarray)


def random_uniform(generator, shape, dtype):
    return _random("random_uniform", generator, shape, dtype)


def random_normal(generator, shape, dtype):
    return _random("random_normal", generator, shape, dtype)


def _random(kernel, generator, shape, dtype):
    out, key = result(shape, dtype), generator.integers(-(1 << 63), 1 << 63)
    launch("random", kernel, elementwise_blocks(out.size), out, key, out.size)
    return out


def update_at(target, index, values, reduction=None):
    if target.dtype.kind == "f":
        _update_at("update_at", target, index, values, reduction)
    else:
        wide = target.astype(np.int64)
        _update_at("update_integers_at", wide, index, values, reduction)
        target[...] = wide.astype(target.dtype)


def _update_at(kernel, target, index, values, reduction):
    parts = index if isinstance(index, tuple) else (index,)
    rows = all(hasattr(p, "dtype") and p.dtype.kind in "iu" for p in parts)  # then whole rows behind them are taken
    outer = target.shape[: len(parts)] if rows else target.shape
    places = cp.arange(prod(outer)).reshape(outer)[index]
    values = cp.broadcast_to(cp.asarray(values, target.dtype), (*places.shape, *target.shape[len(outer) :]))
    if values.size:
        places = contiguous(places.reshape(-1))
        order, how = cp.argsort(places, kind="stable"), _REDUCTIONS.index(reduction)
        sizes = (values.size // places.size, values.size)
        blocks = elementwise_blocks(values.size)
        launch("arrays", kernel, blocks, target, places, order, contiguous(values), how, *sizes)


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
