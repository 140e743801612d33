"""Sums and products of arrays on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.compiled import run
from pycnn.backend.stretching import stretching, without_repetitions
from pycnn_ext import arithmetic as ext


def add(a, b, out=None):
    return _combine(a, b, False, out)


def add_clipped(a, b, low, high, out=None):
    _, middle, inner = stretching(a.shape, b.shape)
    a = np.ascontiguousarray(a)
    out = result(a.shape, a.dtype, out)
    run(ext.add_clipped, a, np.ascontiguousarray(b), low, high, middle, inner, out)
    return out


def multiply(a, b, out=None):
    return _combine(a, b, True, out)


def _combine(a, b, multiplies, out):
    if 0 in a.strides and a.shape == b.shape:
        a, b = b, a
    b = without_repetitions(b, a.shape)
    _, middle, inner = stretching(a.shape, b.shape)
    a = np.ascontiguousarray(a)
    out = result(a.shape, a.dtype, out)
    run(ext.combine, a, np.ascontiguousarray(b), multiplies, middle, inner, out)
    return out


def multiply_grad(gy, a, b, out=None):
    if a.shape == b.shape:
        return multiply(gy, b, out), multiply(gy, a)
    out = result(a.shape, a.dtype, out)
    return out, _sum(gy, a, b, out, np.empty(b.shape, b.dtype))


def sum_products(a, b, shape, out=None):
    return _sum(a, b, None, None, result(shape, a.dtype, out))


def _sum(gy, a, b, ga, out):
    if not gy.size:
        out.fill(0)
        return out
    gy, a, b = contiguous(gy, a, b)
    ext.multiply_grad(gy, a, b, *stretching(gy.shape, out.shape), ga, out)
    return out
