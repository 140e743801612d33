"""Pooling on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.compiled import run
from pycnn_ext import pool as ext


def _extreme_forward(x, geometry, minimum, out, index, with_index):
    x = np.ascontiguousarray(x)
    shape = geometry.output_shape(len(x), x.shape[3])
    places = geometry.pool_size[0] * geometry.pool_size[1]
    out = result(shape, x.dtype, out)
    if with_index and index is None:
        index = result(shape, np.uint8 if places <= 255 else np.int32)
    run(ext.extreme_forward, x, geometry, minimum, out, index)
    return out, index


def max_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
    return _extreme_forward(x, geometry, False, out, index, with_index)


def min_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
    return _extreme_forward(x, geometry, True, out, index, with_index)


def extreme_pool2d_input_grad(gy, index, geometry, out=None):
    gy, index = contiguous(gy, index)
    out = result(geometry.input_shape(len(gy), gy.shape[3]), gy.dtype, out)
    run(ext.extreme_grad, gy, index, geometry, out)
    return out


def avg_pool2d_forward(x, geometry, count_include_pad=False, out=None):
    x = np.ascontiguousarray(x)
    out = result(geometry.output_shape(len(x), x.shape[3]), x.dtype, out)
    run(ext.avg_forward, x, geometry, count_include_pad, out)
    return out


def avg_pool2d_input_grad(gy, geometry, count_include_pad=False, out=None):
    gy = np.ascontiguousarray(gy)
    out = result(geometry.input_shape(len(gy), gy.shape[3]), gy.dtype, out)
    run(ext.avg_grad, gy, geometry, count_include_pad, out)
    return out
