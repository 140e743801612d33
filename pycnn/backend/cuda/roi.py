"""Pooling of regions on the GPU: a thread for each result, gradients of maps gathered, a block for each box's own."""

import numpy as np

from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import elementwise_blocks, launch


def _shape(geometry, channels, warps=False):
    """``struct RoiShape`` of ``kernels/roi.cu``."""
    sizes = (geometry.batch, *geometry.input_size, channels, *geometry.output_size)
    return (*sizes, geometry.sampling_ratio, geometry.aligned, warps)


def roi_pool_forward(x, rois, geometry, out=None, index=None, with_index=True):
    x, rois = contiguous(x, rois)
    shape = geometry.output_shape(len(rois), x.shape[3])
    out = result(shape, x.dtype, out)
    if with_index:
        index = result(shape, np.int32, index)
    numbers = (_shape(geometry, x.shape[3]), geometry.spatial_scale, out.size)
    launch("roi", "roi_pool_forward", elementwise_blocks(out.size), x, rois, out, index, *numbers)
    return out, index


def roi_pool_input_grad(gy, rois, index, geometry, out=None):
    gy, rois, index = contiguous(gy, rois, index)
    out = result(geometry.input_shape(gy.shape[3]), gy.dtype, out)
    numbers = (_shape(geometry, gy.shape[3]), geometry.spatial_scale, len(rois), out.size)
    launch("roi", "roi_pool_input_grad", elementwise_blocks(out.size), gy, rois, index, out, *numbers)
    return out


def _forward(x, rois, geometry, warps, out):
    x, rois = contiguous(x, rois)
    out = result(geometry.output_shape(len(rois), x.shape[3]), x.dtype, out)
    numbers = (_shape(geometry, x.shape[3], warps), geometry.spatial_scale, out.size)
    launch("roi", "roi_sample_forward", elementwise_blocks(out.size), x, rois, out, *numbers)
    return out


def _input_grad(gy, rois, geometry, warps, out):
    gy, rois = contiguous(gy, rois)
    out = result(geometry.input_shape(gy.shape[3]), gy.dtype, out)
    numbers = (_shape(geometry, gy.shape[3], warps), geometry.spatial_scale, len(rois), out.size)
    launch("roi", "roi_sample_input_grad", elementwise_blocks(out.size), gy, rois, out, *numbers)
    return out


def _rois_grad(gy, x, rois, geometry, warps, out):
    gy, x, rois = contiguous(gy, x, rois)
    out = result(rois.shape, rois.dtype, out)
    numbers = (_shape(geometry, gy.shape[3], warps), geometry.spatial_scale)
    launch("roi", "roi_sample_rois_grad", len(rois), gy, x, rois, out, *numbers)
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
