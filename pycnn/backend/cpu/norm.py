"""Sums over rows and batch normalisation on the CPU."""

import numpy as np

from pycnn_ext import norm as ext


def sum_rows(x, out=None):
    x = np.ascontiguousarray(x)
    out = np.empty(x.shape[-1], x.dtype) if out is None else out
    ext.sum_rows(x, out)
    return out


def batch_norm_statistics(x):
    x = np.ascontiguousarray(x)
    mean, variance = np.empty((2, x.shape[-1]), x.dtype)
    ext.batch_norm_statistics(x, mean, variance)
    return mean, variance


def batch_norm_forward(x, mean, variance, gamma, beta, epsilon, out=None):
    out = np.empty(x.shape, x.dtype) if out is None else out
    ext.batch_norm_forward(*_contiguous(x, mean, variance, gamma, beta), epsilon, out)
    return out


def batch_norm_grad(gy, x, mean, variance, gamma, epsilon, out=None):
    out = np.empty(x.shape, x.dtype) if out is None else out
    sums = np.empty((2, x.shape[-1]), x.dtype)
    ext.batch_norm_grad(*_contiguous(gy, x, mean, variance, gamma), epsilon, out, sums)
    gbeta, ggamma = sums
    return out, ggamma, gbeta


def _contiguous(*arrays):
    return [None if a is None else np.ascontiguousarray(a) for a in arrays]
