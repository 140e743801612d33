"""Softmax along the last axis on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import result
from pycnn.backend.cpu.compiled import run
from pycnn_ext import activation as ext


def _forward(x, logarithm, out):
    x = np.asarray(x, order="C")
    out = result(x.shape, x.dtype, out)
    if x.size:
        run(ext.softmax_forward, x, logarithm, out)
    return out


def _grad(gy, y, logarithm, out):
    gy, y = np.asarray(gy, order="C"), np.asarray(y, order="C")
    out = result(gy.shape, gy.dtype, out)
    if gy.size:
        run(ext.softmax_grad, gy, y, logarithm, out)
    return out


def softmax_forward(x, out=None):
    return _forward(x, False, out)


def softmax_grad(gy, y, out=None):
    return _grad(gy, y, False, out)


def log_softmax_forward(x, out=None):
    return _forward(x, True, out)


def log_softmax_grad(gy, y, out=None):
    return _grad(gy, y, True, out)


def cross_entropy(x, targets, smoothing=0.0, mean=False, gradient=None, out=None):
    x, targets = np.asarray(x, order="C"), np.asarray(targets, order="C")
    out = result(() if mean else x.shape[:-1], x.dtype, out)
    labels, targets = (None, targets) if targets.dtype.kind == "f" else (targets.astype(np.int64, copy=False), None)
    if x.size:
        run(ext.cross_entropy, x, labels, targets, smoothing, mean, out, gradient)
    else:
        out.fill(np.nan if mean else 0)
    return out
