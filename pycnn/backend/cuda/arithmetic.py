"""Sums and products of arrays on the GPU."""

from pycnn.backend.cuda import rows
from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import elementwise_blocks, launch
from pycnn.backend.dtypes import widened
from pycnn.backend.stretching import stretching, without_repetitions


def add(a, b, out=None):
    return _combine(a, b, False, out)


def add_clipped(a, b, low, high, out=None):
    _, middle, inner = stretching(a.shape, b.shape)
    a, b = contiguous(a, b)
    out = result(a.shape, a.dtype, out)
    launch("arithmetic", "add_clipped", elementwise_blocks(a.size), a, b, out, low, high, middle, inner, a.size)
    return out


def multiply(a, b, out=None):
    return _combine(a, b, True, out)


def _combine(a, b, multiplies, out):
    if 0 in a.strides and a.shape == b.shape:
        a, b = b, a
    b = without_repetitions(b, a.shape)
    _, middle, inner = stretching(a.shape, b.shape)
    a, b = contiguous(a, b)
    out = result(a.shape, a.dtype, out)
    launch("arithmetic", "combine", elementwise_blocks(a.size), a, b, out, multiplies, middle, inner, a.size)
    return out


def multiply_grad(gy, a, b, out=None):
    if a.shape == b.shape:
        return multiply(gy, b, out), multiply(gy, a)
    outer, middle, inner = stretching(a.shape, b.shape)
    gy, a, b = contiguous(gy, a, b)
    out = result(a.shape, a.dtype, out)
    shape, grid = rows.sums(outer, middle, inner)
    parts = result((outer, grid[1], inner), widened(a.dtype))
    launch("arithmetic", "multiply_grad", grid, gy, a, b, out, parts, shape)
    return out, join(parts, result(b.shape, parts.dtype))


def sum_products(a, b, shape, out=None):
    a, b = contiguous(a, b)
    return sum_middle(a, b, stretching(a.shape, tuple(shape)), result(shape, widened(a.dtype), out))


def sum_middle(a, b, shape, out, divisor=1):
    """Fill ``out`` with the sums of a * b, or of a, over the middle of (outer, middle, inner), divided."""
    outer, middle, inner = shape
    shape, grid = rows.sums(outer, middle, inner)
    slices = grid[1]
    if slices == 1:
        launch("arithmetic", "sum_products", grid, a, b, out, shape, divisor)
        return out
    parts = result((outer, slices, inner), out.dtype)
    launch("arithmetic", "sum_products", grid, a, b, parts, shape, 1)
    return join(parts, out, divisor)


def join(parts, out, divisor=1):
    """Fill ``out`` (outer, inner) with the sums of what was found in slices, ``parts`` (outer, slices, inner)."""
    shape, grid = rows.joined(*parts.shape)
    launch("arithmetic", "sum_products", grid, parts, None, out, shape, divisor)
    return out
