"""Batch normalisation over all axes but the last, summed in float64."""

import numpy as np

from pycnn.backend.reference.activation import activation_forward, activation_grad
from pycnn.backend.reference.result import deliver


def sum_rows(x, out=None):
    return deliver(_rows(x).sum(axis=0), out, x.dtype)


def batch_norm_statistics(x):
    rows = _rows(x)
    count = max(len(rows), 1)
    mean = rows.sum(axis=0) / count
    variance = np.square(rows - mean).sum(axis=0) / count
    return mean.astype(x.dtype), variance.astype(x.dtype)


def batch_norm_forward(x, mean, variance, gamma, beta, epsilon, residual=None, activation=None, out=None):
    y = (x - mean) / np.sqrt(variance + epsilon)
    if gamma is not None:
        y = gamma * y
    if beta is not None:
        y = y + beta
    if residual is not None:
        y = y + residual
    if activation is not None:
        y = activation_forward(y, activation)
    return deliver(y, out, x.dtype)


def batch_norm_grad(
    gy,
    x,
    mean,
    variance,
    gamma,
    epsilon,
    y=None,
    activation=None,
    out=None,
    residual_grad=None,
    beta=None,
    own_statistics=True,
):
    if activation is not None:
        y = batch_norm_forward(x, mean, variance, gamma, beta, epsilon, None, activation) if y is None else y
        gy = activation_grad(gy, None, y, activation)
    if residual_grad is not None:
        residual_grad[...] = gy
    g, rows = _rows(gy), _rows(x)
    deviation = np.sqrt(variance.astype(np.float64) + epsilon)
    normal = (rows - mean) / deviation
    ggamma, gbeta = (g * normal).sum(axis=0), g.sum(axis=0)
    gx = g / deviation
    if own_statistics:
        gx -= (gbeta + normal * ggamma) / max(len(g), 1) / deviation
    if gamma is not None:
        gx = gamma * gx
    return deliver(gx.reshape(x.shape), out, x.dtype), ggamma.astype(x.dtype), gbeta.astype(x.dtype)


def _rows(x):
    return x.reshape(-1, x.shape[-1]).astype(np.float64) if x.size else np.zeros((0, x.shape[-1]))
