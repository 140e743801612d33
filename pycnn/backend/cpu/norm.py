"""Sums over rows and batch normalisation on the CPU."""

import numpy as np

from pycnn_ext import norm as ext


def sum_rows(x, out=None):
    x = np.ascontiguousarray(x)
    channels = x.shape[-1]
    out = np.empty(channels, x.dtype) if out is None else out
    if channels:
        ext.sum_rows(x, _partials(x, channels), out)
    return out


def _partials(x, *shape):
    """Room for the partial sums of x's rows."""
    channels = x.shape[-1]
    return np.empty((ext.slices(x.size // channels, channels), *shape), x.dtype)


def batch_norm_statistics(x):
    x = np.ascontiguousarray(x)
    channels = x.shape[-1]
    rows = max(x.size // channels, 1)
    mean = sum_rows(x) / x.dtype.type(rows)
    variance = np.empty_like(mean)
    ext.sum_squares(x, mean, _partials(x, channels), variance)
    variance /= x.dtype.type(rows)
    return mean, variance


def _scale(variance, gamma, epsilon):
    inverse = 1 / np.sqrt(variance + variance.dtype.type(epsilon))
    return inverse if gamma is None else gamma * inverse


def batch_norm_forward(x, mean, variance, gamma, beta, epsilon, out=None):
    x = np.ascontiguousarray(x)
    out = np.empty_like(x) if out is None else out
    shift = np.zeros_like(mean) if beta is None else np.ascontiguousarray(beta)
    ext.normalize(x, np.ascontiguousarray(mean), _scale(variance, gamma, epsilon), shift, out)
    return out


def batch_norm_grad(gy, x, mean, variance, gamma, epsilon, out=None):
    gy, x, mean = np.ascontiguousarray(gy), np.ascontiguousarray(x), np.ascontiguousarray(mean)
    out = np.empty_like(x) if out is None else out
    channels = x.shape[-1]
    sums = np.empty((2, channels), x.dtype)
    ext.sum_products(gy, x, mean, _partials(x, 2, channels), sums)
    gbeta, products = sums
    inverse = _scale(variance, None, epsilon)
    rows = x.dtype.type(max(x.size // channels, 1))
    ext.normalize_grad(
        gy, x, mean, _scale(variance, gamma, epsilon), gbeta / rows, products * inverse * inverse / rows, out
    )
    return out, products * inverse, gbeta
