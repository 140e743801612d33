"""Pooling on the GPU: a thread for each result, gradients gathered from all windows that hold a place."""

import numpy as np

from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import elementwise_blocks, launch


def _shape(geometry, channels):
    """``struct PoolShape`` of ``kernels/pool.cu``."""
    return (
        *geometry.input_size,
        *geometry.output_size,
        *geometry.pool_size,
        *geometry.strides,
        *geometry.padding[0],
        *geometry.padding[1],
        channels,
    )


def _run(kernel, out, arrays, geometry, *numbers):
    shape = _shape(geometry, out.shape[3])
    launch("pool", kernel, elementwise_blocks(out.size), *arrays, shape, *numbers, out.size)


def _bytes_or_ints(index):
    """The index as the kernels take it: in one of two arguments, by its dtype."""
    if index is None:
        return None, None
    return (index, None) if index.dtype == np.uint8 else (None, index)


def _extreme_forward(x, geometry, minimum, out, index, with_index):
    x = contiguous(x)
    shape = geometry.output_shape(len(x), x.shape[3])
    places = geometry.pool_size[0] * geometry.pool_size[1]
    out = result(shape, x.dtype, out)
    if with_index and index is None:
        index = result(shape, np.uint8 if places <= 255 else np.int32)
    _run("extreme_pool2d_forward", out, (x, out, *_bytes_or_ints(index)), geometry, minimum)
    return out, index


def max_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
    return _extreme_forward(x, geometry, False, out, index, with_index)


def min_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
    return _extreme_forward(x, geometry, True, out, index, with_index)


def extreme_pool2d_input_grad(gy, index, geometry, out=None):
    gy, index = contiguous(gy, index)
    out = result(geometry.input_shape(len(gy), gy.shape[3]), gy.dtype, out)
    _run("extreme_pool2d_input_grad", out, (gy, *_bytes_or_ints(index), out), geometry)
    return out


def avg_pool2d_forward(x, geometry, count_include_pad=False, out=None):
    x = contiguous(x)
    out = result(geometry.output_shape(len(x), x.shape[3]), x.dtype, out)
    _run("avg_pool2d_forward", out, (x, out), geometry, count_include_pad)
    return out


def avg_pool2d_input_grad(gy, geometry, count_include_pad=False, out=None):
    gy = contiguous(gy)
    out = result(geometry.input_shape(len(gy), gy.shape[3]), gy.dtype, out)
    _run("avg_pool2d_input_grad", out, (gy, out), geometry, count_include_pad)
    return out
