"""Pooling of regions on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.compiled import run
from pycnn_ext import roi as ext


def _result(geometry, regions, channels, dtype, out):
    return result(geometry.output_shape(regions, channels), dtype, out)


def roi_pool_forward(x, rois, geometry, out=None, index=None, with_index=True):
    x, rois = contiguous(x, rois)
    out = _result(geometry, len(rois), x.shape[3], x.dtype, out)
    if with_index:
        places = np.int16 if x.shape[1] * x.shape[2] < 2**15 else np.int32  # half of what the gradient has to read
        index = _result(geometry, len(rois), x.shape[3], places, index)
    run(ext.pool_forward, x, rois, geometry, out, index)
    return out, index


def roi_pool_input_grad(gy, rois, index, geometry, out=None):
    gy, rois, index = contiguous(gy, rois, index)
    out = result(geometry.input_shape(gy.shape[3]), gy.dtype, out)
    run(ext.pool_grad, gy, rois, index, geometry, out)
    return out


def _forward(x, rois, geometry, warps, out):
    x, rois = contiguous(x, rois)
    out = _result(geometry, len(rois), x.shape[3], x.dtype, out)
    run(ext.sample_forward, x, rois, geometry, warps, out)
    return out


def _input_grad(gy, rois, geometry, warps, out):
    gy, rois = contiguous(gy, rois)
    out = result(geometry.input_shape(gy.shape[3]), gy.dtype, out)
    run(ext.sample_grad, gy, rois, geometry, warps, out)
    return out


def _rois_grad(gy, x, rois, geometry, warps, out):
    gy, x, rois = contiguous(gy, x, rois)
    out = result(rois.shape, rois.dtype, out)
    run(ext.sample_rois_grad, gy, x, rois, geometry, warps, out)
    return out


def roi_align_forward(x, rois, geometry, out=None):
    return _forward(x, rois, geometry, False, out)


def roi_align_input_grad(gy, rois, geometry, out=None):
    return _input_grad(gy, rois, geometry, False, out)


def roi_align_rois_grad(gy, x, rois, geometry, out=None):
    return _rois_grad(gy, x, rois, geometry, False, out)


def roi_warp_forward(x, rois, geometry, out=None):
    return _forward(x, rois, geometry, True, out)


def roi_warp_input_grad(gy, rois, geometry, out=None):
    return _input_grad(gy, rois, geometry, True, out)


def roi_warp_rois_grad(gy, x, rois, geometry, out=None):
    return _rois_grad(gy, x, rois, geometry, True, out)
