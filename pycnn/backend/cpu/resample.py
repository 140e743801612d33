"""Resizing and affine maps of images on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import result
from pycnn.backend.cpu.compiled import run
from pycnn_ext import resample as ext

_FILL_MODES = ("constant", "nearest", "reflect", "wrap")  # in the order of kernels.h


def resize2d_forward(x, size, method, out=None):
    x = np.ascontiguousarray(x)
    out = result((len(x), *size, x.shape[3]), x.dtype, out)
    run(ext.resize, x, method == "bilinear", out)
    return out


def resize2d_input_grad(gy, input_size, method, out=None):
    gy = np.ascontiguousarray(gy)
    out = result((len(gy), *input_size, gy.shape[3]), gy.dtype, out)
    run(ext.resize_grad, gy, method == "bilinear", out)
    return out


def affine2d_forward(x, matrices, interpolation="bilinear", fill_mode="constant", fill_value=0.0, out=None):
    x, matrices = np.ascontiguousarray(x), np.ascontiguousarray(matrices, np.float64)
    out = result(x.shape, x.dtype, out)
    run(ext.affine, x, matrices, interpolation == "bilinear", _FILL_MODES.index(fill_mode), fill_value, out)
    return out
