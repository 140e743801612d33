"""Softmax along the last axis on the GPU, and its cross-entropy."""

import numpy as np

from pycnn.backend.cuda.arithmetic import sum_middle
from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import blocks_for, launch

THREADS = 256


def _run(kernel, x, *arguments):
    """Launch a kernel on the rows of x, each shared by up to 256 threads: some columns for each."""
    columns = x.shape[-1]
    lanes = 1 << min(max(blocks_for(columns, 4) - 1, 0).bit_length(), 8)
    rows = x.size // max(columns, 1)
    launch("softmax", kernel, blocks_for(rows, THREADS // lanes), *arguments, (rows, columns, lanes))


def _forward(x, logarithm, out):
    x = contiguous(x)
    out = result(x.shape, x.dtype, out)
    _run("softmax_forward", x, x, out, logarithm)
    return out


def _grad(gy, y, logarithm, out):
    gy, y = contiguous(gy, y)
    out = result(gy.shape, gy.dtype, out)
    _run("softmax_grad", gy, gy, y, out, logarithm)
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
    x, targets = contiguous(x, targets)
    out = result(() if mean else x.shape[:-1], x.dtype, out)
    if not x.size:
        out.fill(np.nan if mean else 0)
        return out
    labels, targets = (None, targets) if targets.dtype.kind == "f" else (targets.astype(np.int64, copy=False), None)
    losses = result(x.shape[:-1], x.dtype) if mean else out
    count = losses.size if mean else 1
    terms = (1 - smoothing, smoothing / x.shape[-1], 1 / count)
    _run("cross_entropy", x, x, labels, targets, losses, gradient, *terms)
    return sum_middle(losses, None, (1, losses.size, 1), out, count) if mean else out
