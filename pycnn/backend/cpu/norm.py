"""Sums over rows and batch normalisation on the CPU."""

import numpy as np

from pycnn.backend.cpu.activation import ACTIVATION_NUMBERS
from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.compiled import run
from pycnn_ext import norm as ext


def sum_rows(x, out=None):
    x = np.ascontiguousarray(x)
    out = result(x.shape[-1:], x.dtype, out)
    run(ext.sum_rows, x, out)
    return out


def batch_norm_statistics(x):
    x = np.ascontiguousarray(x)
    mean, variance = np.empty((2, x.shape[-1]), x.dtype)
    ext.batch_norm_statistics(x, mean, variance)
    return mean, variance


def batch_norm_forward(x, mean, variance, gamma, beta, epsilon, residual=None, activation=None, out=None):
    out = result(x.shape, x.dtype, out)
    x, mean, variance, gamma, beta, residual = contiguous(x, mean, variance, gamma, beta, residual)
    number = ACTIVATION_NUMBERS[activation]
    run(ext.batch_norm_forward, x, mean, variance, gamma, beta, epsilon, residual, number, out)
    return out


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
    out = result(x.shape, x.dtype, out)
    sums = np.empty((2, x.shape[-1]), x.dtype)
    arrays = contiguous(gy, x, y, mean, variance, gamma, beta)
    number = ACTIVATION_NUMBERS[activation]
    ext.batch_norm_grad(*arrays, epsilon, number, own_statistics, residual_grad, out, sums)
    gbeta, ggamma = sums
    return out, ggamma, gbeta
