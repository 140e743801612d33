"""Resizing and affine maps of images on the GPU: a thread for each result, gradients gathered."""

import numpy as np

from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import elementwise_blocks, launch

_FILL_MODES = ("constant", "nearest", "reflect", "wrap")  # in the order of kernels/resample.cu


def _resize(kernel, x, size, source_size, target_size, method, out):
    x = contiguous(x)
    out = result((len(x), *size, x.shape[3]), x.dtype, out)
    shape = (*source_size, *target_size, x.shape[3])
    launch("resample", kernel, elementwise_blocks(out.size), x, out, shape, method == "bilinear", out.size)
    return out


def resize2d_forward(x, size, method, out=None):
    return _resize("resize2d_forward", x, size, x.shape[1:3], size, method, out)


def resize2d_input_grad(gy, input_size, method, out=None):
    return _resize("resize2d_input_grad", gy, input_size, input_size, gy.shape[1:3], method, out)


def affine2d_forward(x, matrices, interpolation="bilinear", fill_mode="constant", fill_value=0.0, out=None):
    x, matrices = contiguous(x, matrices.astype(np.float64, copy=False))
    out = result(x.shape, x.dtype, out)
    blocks, mode = elementwise_blocks(x.size), _FILL_MODES.index(fill_mode)
    options = (interpolation == "bilinear", mode, fill_value)
    launch("resample", "affine2d_forward", blocks, x, matrices, out, x.shape[1:], *options, x.size)
    return out
