"""Sums and products of two arrays, and the gradients of products."""

import numpy as np

from pycnn.backend.reference.result import deliver


def add(a, b, out=None):
    return deliver(a + b, out, a.dtype)


def add_clipped(a, b, low, high, out=None):
    return deliver(np.clip(a + b, low, high), out, a.dtype)


def multiply(a, b, out=None):
    return deliver(a * b, out, a.dtype)


def multiply_grad(gy, a, b, out=None):
    return deliver(gy * b, out, a.dtype), sum_products(gy, a, b.shape)


def sum_products(a, b, shape, out=None):
    products = a if b is None else a * b
    new = a.ndim - len(shape)
    stretched = tuple(i for i in range(a.ndim) if i < new or shape[i - new] != a.shape[i])
    return deliver(products.sum(axis=stretched).reshape(shape), out, a.dtype)
