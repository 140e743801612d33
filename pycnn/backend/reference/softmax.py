"""Softmax along the last axis, its logarithm, and their gradients."""

import numpy as np

from pycnn.backend.reference.result import deliver


def softmax_forward(x, out=None):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return deliver(e / e.sum(axis=-1, keepdims=True), out, x.dtype)


def softmax_grad(gy, y, out=None):
    return deliver(y * (gy - (gy * y).sum(axis=-1, keepdims=True)), out, y.dtype)


def log_softmax_forward(x, out=None):
    shifted = x - x.max(axis=-1, keepdims=True)
    return deliver(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), out, x.dtype)


def log_softmax_grad(gy, y, out=None):
    return deliver(gy - np.exp(y) * gy.sum(axis=-1, keepdims=True), out, y.dtype)
