"""Sums over rows, and batch normalisation. Matrices (rows, channels).

A sum is cut into slices whose number depends on the shape alone, and the slices are added in order.
"""

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK = 16384  # numbers a task
cdef ptrdiff_t MOST_SLICES = 64


cdef struct Matrix:
    const Kernels *k
    ptrdiff_t rows, channels
    ptrdiff_t size    # bytes a number
    ptrdiff_t slices  # into which the sums over rows are cut
    ptrdiff_t step    # rows a task of what goes row by row


cdef Matrix matrix_of(x, char code) except *:
    cdef Matrix m
    m.k, m.size, m.channels = table(code), 8 if code == b"d" else 4, x.shape[x.ndim - 1]
    m.rows = x.size // max(1, m.channels)
    m.slices = max(1, min(MOST_SLICES, m.rows * m.channels // BLOCK))
    m.step = max(1, BLOCK // max(1, m.channels))
    return m


cdef char *room(const Matrix *m, ptrdiff_t vectors) except NULL:
    """Memory for so many vectors of one number a channel; to be freed."""
    cdef char *memory = <char *>malloc(max(1, vectors * m.channels * m.size))
    if memory == NULL:
        raise MemoryError
    return memory


cdef enum Sum:
    PLAIN, SQUARES, PRODUCTS


cdef void sum_slice(const Matrix *m, Sum kind, const char *gy, const char *x, const char *mean, char *partials,
                    ptrdiff_t i) noexcept nogil:
    cdef ptrdiff_t first = m.rows * i // m.slices, last = m.rows * (i + 1) // m.slices, vector = m.channels * m.size
    if kind == PLAIN:
        m.k.sum_rows(x, m.channels, first, last, partials + i * vector)
    elif kind == SQUARES:
        m.k.sum_squares(x, mean, m.channels, first, last, partials + i * vector)
    else:
        m.k.sum_products(gy, x, mean, m.channels, first, last, partials + 2 * i * vector, partials + (2 * i + 1) * vector)


cdef void sum_all(const Matrix *m, Sum kind, const char *gy, const char *x, const char *mean, char *partials,
                  void *out) noexcept nogil:
    """out (C,), or (2, C) of products, by way of partials (slices, C) or (slices, 2, C)."""
    cdef ptrdiff_t i, numbers = m.channels * (2 if kind == PRODUCTS else 1)
    for i in prange(m.slices, num_threads=threads_for(m.rows * numbers), schedule="static"):
        sum_slice(m, kind, gy, x, mean, partials, i)
    m.k.sum_slices(partials, m.slices, numbers, out, 0, numbers)


def sum_rows(x, out):
    """out (C,) = sum over the rows of x (R, C)."""
    cdef char code = code_of(x)
    cdef Matrix m = matrix_of(x, code)
    cdef const char *x_ = <const char *>address(x, code)
    cdef void *out_ = address(out, code, True)
    cdef char *partials = room(&m, m.slices)
    with nogil:
        sum_all(&m, PLAIN, NULL, x_, NULL, partials, out_)
        free(partials)


def batch_norm_statistics(x, mean, variance):
    """mean, variance (C,) of x (R, C), the biased one, in two passes; 0 without rows."""
    cdef char code = code_of(x)
    cdef Matrix m = matrix_of(x, code)
    cdef const char *x_ = <const char *>address(x, code)
    cdef char *mean_ = <char *>address(mean, code, True)
    cdef void *variance_ = address(variance, code, True)
    cdef char *partials = room(&m, m.slices)
    with nogil:
        sum_all(&m, PLAIN, NULL, x_, NULL, partials, mean_)
        m.k.divide_channels(mean_, max(m.rows, 1), m.channels)
        sum_all(&m, SQUARES, NULL, x_, mean_, partials, variance_)
        m.k.divide_channels(variance_, max(m.rows, 1), m.channels)
        free(partials)


def batch_norm_forward(x, mean, variance, gamma, beta, double epsilon, out):
    """out = gamma*(x - mean)/sqrt(variance + epsilon) + beta; gamma and beta may be None."""
    cdef char code = code_of(x)
    cdef Matrix m = matrix_of(x, code)
    cdef const void *x_ = address(x, code)
    cdef const void *mean_ = address(mean, code)
    cdef const void *variance_ = address(variance, code)
    cdef const void *gamma_ = address(gamma, code)
    cdef const void *beta_ = address(beta, code)
    cdef void *out_ = address(out, code, True)
    cdef char *scale = room(&m, 2)
    cdef char *shift = scale + m.channels * m.size
    cdef ptrdiff_t i
    with nogil:
        m.k.batch_norm_terms(variance_, gamma_, beta_, epsilon, m.channels, scale, shift)
        for i in prange((m.rows + m.step - 1) // m.step, num_threads=threads_for(m.rows * m.channels), schedule="static"):
            m.k.normalize(x_, mean_, scale, shift, m.channels, out_, i * m.step, min(m.rows, (i + 1) * m.step))
        free(scale)


def batch_norm_grad(gy, x, mean, variance, gamma, double epsilon, out, sums):
    """out (R, C) = the gradient of x, whose own mean and variance are given; sums (2, C) = those of beta and gamma."""
    cdef char code = code_of(x)
    cdef Matrix m = matrix_of(x, code)
    cdef const char *gy_ = <const char *>address(gy, code)
    cdef const char *x_ = <const char *>address(x, code)
    cdef const char *mean_ = <const char *>address(mean, code)
    cdef const void *variance_ = address(variance, code)
    cdef const void *gamma_ = address(gamma, code)
    cdef void *out_ = address(out, code, True)
    cdef void *sums_ = address(sums, code, True)
    cdef char *partials = room(&m, 2 * m.slices + 3)
    cdef char *scale = partials + 2 * m.slices * m.channels * m.size
    cdef char *a = scale + m.channels * m.size
    cdef char *b = a + m.channels * m.size
    cdef ptrdiff_t i
    with nogil:
        sum_all(&m, PRODUCTS, gy_, x_, mean_, partials, sums_)
        m.k.batch_norm_grad_terms(sums_, variance_, gamma_, epsilon, max(m.rows, 1), m.channels, scale, a, b)
        for i in prange((m.rows + m.step - 1) // m.step, num_threads=threads_for(m.rows * m.channels), schedule="static"):
            m.k.normalize_grad(gy_, x_, mean_, scale, a, b, m.channels, out_, i * m.step, min(m.rows, (i + 1) * m.step))
        free(partials)
