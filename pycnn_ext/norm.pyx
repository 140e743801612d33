"""Sums over rows, and batch normalisation's channel-wise maps. Matrices (rows, channels).

A sum is cut into slices whose number depends on the shape alone, and the slices are added in order.
"""

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK = 16384  # numbers a task


def slices(ptrdiff_t rows, ptrdiff_t channels):
    """Into how many slices the sums over so many rows are cut."""
    return max(1, min(64, rows * channels // BLOCK))


def sum_rows(x, partials, out):
    """out (C,) = sum over the rows of x (R, C), by way of partials (slices, C)."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t channels = len(out), rows = x.size // channels, parts = len(partials), i
    cdef ptrdiff_t step = channels * (8 if code == b"d" else 4)
    cdef const void *x_ = address(x, code)
    cdef char *partials_ = <char *>address(partials, code, True)
    cdef void *out_ = address(out, code, True)
    for i in prange(parts, nogil=True, num_threads=threads_for(rows * channels), schedule="static"):
        k.sum_rows(x_, channels, rows * i // parts, rows * (i + 1) // parts, partials_ + i * step)
    k.sum_slices(partials_, parts, channels, out_, 0, channels)


def sum_squares(x, mean, partials, out):
    """out (C,) = sum over the rows of (x - mean)^2."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t channels = len(out), rows = x.size // channels, parts = len(partials), i
    cdef ptrdiff_t step = channels * (8 if code == b"d" else 4)
    cdef const void *x_ = address(x, code)
    cdef const void *mean_ = address(mean, code)
    cdef char *partials_ = <char *>address(partials, code, True)
    cdef void *out_ = address(out, code, True)
    for i in prange(parts, nogil=True, num_threads=threads_for(rows * channels), schedule="static"):
        k.sum_squares(x_, mean_, channels, rows * i // parts, rows * (i + 1) // parts, partials_ + i * step)
    k.sum_slices(partials_, parts, channels, out_, 0, channels)


def sum_products(gy, x, mean, partials, out):
    """out (2, C) = sums over the rows of gy and of gy*(x - mean), by way of partials (slices, 2, C)."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t channels = len(mean), rows = x.size // channels, parts = len(partials), i
    cdef ptrdiff_t step = channels * (8 if code == b"d" else 4)
    cdef const void *gy_ = address(gy, code)
    cdef const void *x_ = address(x, code)
    cdef const void *mean_ = address(mean, code)
    cdef char *partials_ = <char *>address(partials, code, True)
    cdef void *out_ = address(out, code, True)
    for i in prange(parts, nogil=True, num_threads=threads_for(2 * rows * channels), schedule="static"):
        k.sum_products(gy_, x_, mean_, channels, rows * i // parts, rows * (i + 1) // parts,
                       partials_ + 2 * i * step, partials_ + (2 * i + 1) * step)
    k.sum_slices(partials_, parts, 2 * channels, out_, 0, 2 * channels)


def normalize(x, center, scale, shift, out):
    """out = (x - center)*scale + shift, channel by channel."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t channels = len(center), rows = x.size // channels, step = max(1, BLOCK // channels), i
    cdef const void *x_ = address(x, code)
    cdef const void *center_ = address(center, code)
    cdef const void *scale_ = address(scale, code)
    cdef const void *shift_ = address(shift, code)
    cdef void *out_ = address(out, code, True)
    for i in prange((rows + step - 1) // step, nogil=True, num_threads=threads_for(rows * channels), schedule="static"):
        k.normalize(x_, center_, scale_, shift_, channels, out_, i * step, min(rows, (i + 1) * step))


def normalize_grad(gy, x, center, scale, a, b, out):
    """out = scale*(gy - a - (x - center)*b), channel by channel."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t channels = len(center), rows = x.size // channels, step = max(1, BLOCK // channels), i
    cdef const void *gy_ = address(gy, code)
    cdef const void *x_ = address(x, code)
    cdef const void *center_ = address(center, code)
    cdef const void *scale_ = address(scale, code)
    cdef const void *a_ = address(a, code)
    cdef const void *b_ = address(b, code)
    cdef void *out_ = address(out, code, True)
    for i in prange((rows + step - 1) // step, nogil=True, num_threads=threads_for(rows * channels), schedule="static"):
        k.normalize_grad(gy_, x_, center_, scale_, a_, b_, channels, out_, i * step, min(rows, (i + 1) * step))
