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


def cross_entropy(x, targets, smoothing=0.0, mean=False, gradient=None, out=None):
    classes = x.shape[-1]
    if targets.dtype.kind != "f":
        known = (targets >= 0) & (targets < classes)
        targets = np.where(known[..., None], targets[..., None] == np.arange(classes), np.nan)
    else:
        targets = targets * (1 - smoothing) + smoothing / classes
    log_y = log_softmax_forward(x)
    loss = -(targets * np.where(targets == 0, 0, log_y)).sum(axis=-1)
    if gradient is not None:
        gradient[...] = np.exp(log_y) * targets.sum(axis=-1, keepdims=True) - targets
        if mean:
            gradient /= loss.size
    return deliver(loss.mean() if mean else loss, out, x.dtype)
