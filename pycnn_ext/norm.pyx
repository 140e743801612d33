"""Sums over rows, and batch normalisation. Matrices (pixels, channels).

Few channels are laid side by side until a row of them fills vectors: such a row is several pixels. A sum is cut into
slices of rows, whose number depends on the shape alone, and the slices are added in order.
"""

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc

from pycnn_ext.kernels cimport BatchNorm, Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t LANES = 16           # of the widest vector: rows are whole vectors
cdef ptrdiff_t WIDE = 64            # and at least so long
cdef ptrdiff_t MANY_CHANNELS = 256  # from here on a row is a pixel, whatever its length
cdef ptrdiff_t SLICE = 32768        # numbers; few enough for the cache, and many beside their sums
cdef ptrdiff_t SLICE_ROWS = 64
cdef ptrdiff_t BLOCK = 16384        # numbers a task of what goes row by row
cdef ptrdiff_t ELEMENT_WORK = 4     # a number takes about as long as so many multiply-adds: two threads gain from 1e5


cdef struct Matrix:
    const Kernels *k
    ptrdiff_t numbers, channels
    ptrdiff_t columns, rows  # the last row may be shorter
    ptrdiff_t size           # bytes a number
    ptrdiff_t slices         # of rows, into which sums are cut
    ptrdiff_t step           # rows a task
    int threads


cdef Matrix matrix_of(x, char code) except *:
    cdef Matrix m
    m.k, m.size, m.numbers, m.channels = table(code), 8 if code == b"d" else 4, x.size, x.shape[x.ndim - 1]
    m.columns = m.channels
    while 0 < m.columns < WIDE or m.channels < MANY_CHANNELS and m.columns % LANES:
        m.columns *= 2
    m.rows = (m.numbers + m.columns - 1) // max(1, m.columns)
    m.slices = max(1, min(m.numbers // SLICE, m.rows // SLICE_ROWS))
    m.step = max(1, BLOCK // max(1, m.columns))
    m.threads = threads_for(<double>m.numbers * ELEMENT_WORK)
    return m


cdef char *room(const Matrix *m, ptrdiff_t vectors) except NULL:
    """Memory for so many rows; to be freed."""
    cdef char *memory = <char *>malloc(max(1, vectors * m.columns * m.size))
    if memory == NULL:
        raise MemoryError
    return memory


cdef ptrdiff_t slice_begin(const Matrix *m, ptrdiff_t i) noexcept nogil:
    """Its first number; that of the slice after the last is the end."""
    return min(m.numbers, m.rows * i // m.slices * m.columns)


cdef void add_slices(const Matrix *m, const char *partials, char *out) noexcept nogil:
    """out (C,) = sum over all pixels of partials (slices, columns)."""
    m.k.sum_slices(partials, m.slices * (m.columns // max(1, m.channels)), m.channels, out, 0, m.channels)


def sum_rows(x, out):
    """out (C,) = sum over the pixels of x (N, C)."""
    cdef char code = code_of(x)
    cdef Matrix m = matrix_of(x, code)
    cdef const void *x_ = address(x, code)
    cdef char *out_ = <char *>address(out, code, True)
    cdef char *partials = room(&m, m.slices)
    cdef ptrdiff_t i
    with nogil:
        for i in prange(m.slices, num_threads=m.threads, schedule="static"):
            m.k.sum_rows(x_, m.columns, slice_begin(&m, i), slice_begin(&m, i + 1), partials + i * m.columns * m.size)
        add_slices(&m, partials, out_)
        free(partials)


def batch_norm_statistics(x, mean, variance):
    """mean, variance (C,) of x (N, C), the biased one; 0 without pixels. x is read once."""
    cdef char code = code_of(x)
    cdef Matrix m = matrix_of(x, code)
    cdef const void *x_ = address(x, code)
    cdef void *mean_ = address(mean, code, True)
    cdef void *variance_ = address(variance, code, True)
    cdef char *moments = room(&m, 3 * m.slices)
    cdef ptrdiff_t i
    with nogil:
        for i in prange(m.slices, num_threads=m.threads, schedule="static"):
            m.k.sum_deviations(x_, m.columns, slice_begin(&m, i), slice_begin(&m, i + 1),
                               moments + 3 * i * m.columns * m.size)
        m.k.combine_moments(moments, m.slices, m.columns, m.channels, m.numbers, mean_, variance_)
        free(moments)


cdef void set_terms(const Matrix *m, BatchNorm *b, const void *mean, const void *variance, const void *gamma,
                    const void *beta, double epsilon, char *terms) noexcept nogil:
    """center, scale and shift of b: rows that lie at terms."""
    m.k.batch_norm_terms(mean, variance, gamma, beta, epsilon, m.channels, m.columns, terms)
    b.center, b.scale, b.shift = terms, terms + m.columns * m.size, terms + 2 * m.columns * m.size


def batch_norm_forward(x, mean, variance, gamma, beta, double epsilon, residual, int activation, out):
    """out = act(gamma*(x - mean)/sqrt(variance + epsilon) + beta + residual); gamma, beta, residual may be None.

    `activation` is its number in kernels.h.
    """
    cdef char code = code_of(x)
    cdef Matrix m = matrix_of(x, code)
    cdef BatchNorm b
    b.columns, b.activation, b.x = m.columns, activation, address(x, code)
    b.gy = b.y = b.g = b.gx = NULL
    cdef const void *mean_ = address(mean, code)
    cdef const void *variance_ = address(variance, code)
    cdef const void *gamma_ = address(gamma, code)
    cdef const void *beta_ = address(beta, code)
    cdef const void *residual_ = address(residual, code)
    cdef void *out_ = address(out, code, True)
    cdef char *terms = room(&m, 3)
    cdef ptrdiff_t step = m.step * m.columns, i
    with nogil:
        set_terms(&m, &b, mean_, variance_, gamma_, beta_, epsilon, terms)
        for i in prange((m.rows + m.step - 1) // m.step, num_threads=m.threads, schedule="static"):
            m.k.normalize(&b, residual_, out_, i * step, min(m.numbers, (i + 1) * step))
        free(terms)


def batch_norm_grad(gy, x, y, mean, variance, gamma, beta, double epsilon, int activation, bint own_statistics,
                    residual_grad, out, sums):
    """out (N, C) = the gradient of x, residual_grad that of the residual; sums (2, C) = those of beta and gamma.

    y, gamma, beta and residual_grad may be None; without y there was no residual. Without `own_statistics` mean and
    variance were given to the forward pass, and do not depend on x.
    """
    cdef char code = code_of(gy)
    cdef Matrix m = matrix_of(x, code)
    cdef BatchNorm b
    b.columns, b.activation = m.columns, activation
    b.gy, b.x, b.y = address(gy, code), address(x, code), address(y, code)
    b.g = address(residual_grad, code, True)
    cdef void *out_ = address(out, code, True)
    b.gx = NULL if own_statistics else out_
    cdef const void *mean_ = address(mean, code)
    cdef const void *variance_ = address(variance, code)
    cdef const void *gamma_ = address(gamma, code)
    cdef const void *beta_ = address(beta, code)
    cdef char *sums_ = <char *>address(sums, code, True)
    cdef char *terms = room(&m, 5 + 2 * m.slices)
    cdef ptrdiff_t vector = m.columns * m.size, step = m.step * m.columns, i
    cdef char *mean_grad = terms + 3 * vector
    cdef char *partials = terms + 5 * vector
    cdef char *products = partials + m.slices * vector
    with nogil:
        set_terms(&m, &b, mean_, variance_, gamma_, beta_, epsilon, terms)
        for i in prange(m.slices, num_threads=m.threads, schedule="static"):
            m.k.sum_gradients(&b, slice_begin(&m, i), slice_begin(&m, i + 1),
                              partials + i * vector, products + i * vector)
        add_slices(&m, partials, sums_)
        add_slices(&m, products, sums_ + m.channels * m.size)
        m.k.batch_norm_grad_terms(sums_, variance_, epsilon, m.numbers, m.channels, m.columns, mean_grad)
        if own_statistics:
            if b.g != NULL:  # what the first pass has left there
                b.gy, b.activation = b.g, 0
            for i in prange((m.rows + m.step - 1) // m.step, num_threads=m.threads, schedule="static"):
                m.k.normalize_grad(&b, mean_grad, mean_grad + vector, out_, i * step, min(m.numbers, (i + 1) * step))
        free(terms)
