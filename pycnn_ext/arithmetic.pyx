"""Sums and products of arrays, parallel over numbers; sums along an axis over slices whose number the shape decides."""

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK = 16384  # numbers a task
cdef ptrdiff_t ELEMENT_WORK = 4  # a number takes about as long as so many multiply-adds


def combine(a, b, bint multiply, ptrdiff_t middle, ptrdiff_t inner, out):
    """out (outer, middle, inner) = a + b or a * b, for b (outer, inner)."""
    cdef char code = code_of(a)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t size = a.size, blocks = (size + BLOCK - 1) // BLOCK, i
    cdef const void *a_ = address(a, code)
    cdef const void *b_ = address(b, code)
    cdef void *out_ = address(out, code, True)
    cdef int threads = threads_for(<double>size * ELEMENT_WORK)
    for i in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
        if multiply:
            k.multiply(a_, b_, out_, middle, inner, i * BLOCK, min(size, (i + 1) * BLOCK))
        else:
            k.add(a_, b_, out_, middle, inner, i * BLOCK, min(size, (i + 1) * BLOCK))


def add_clipped(a, b, double low, double high, ptrdiff_t middle, ptrdiff_t inner, out):
    """out (outer, middle, inner) = a + b, for b (outer, inner), cut off at low and high."""
    cdef char code = code_of(a)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t size = a.size, blocks = (size + BLOCK - 1) // BLOCK, i
    cdef const void *a_ = address(a, code)
    cdef const void *b_ = address(b, code)
    cdef void *out_ = address(out, code, True)
    cdef int threads = threads_for(<double>size * ELEMENT_WORK)
    for i in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
        k.add_clipped(a_, b_, low, high, out_, middle, inner, i * BLOCK, min(size, (i + 1) * BLOCK))


def multiply_grad(gy, a, b, ptrdiff_t outer, ptrdiff_t middle, ptrdiff_t inner, ga, out):
    """ga = gy * b, and out (outer, inner) = gy * a summed over the middle; b and ga, or all but gy, may be None."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t slices = max(1, min(middle, middle * inner // BLOCK)), size = 8 if code == b"d" else 4, i
    cdef ptrdiff_t block = middle * inner * size, row = inner * size
    cdef ptrdiff_t a_block = 0 if a is None else block, b_row = 0 if b is None else row
    cdef ptrdiff_t ga_block = 0 if ga is None else block
    cdef const char *gy_ = <const char *>address(gy, code)
    cdef const char *a_ = <const char *>address(a, code)
    cdef const char *b_ = <const char *>address(b, code)
    cdef char *ga_ = <char *>address(ga, code, True)
    cdef char *out_ = <char *>address(out, code, True)
    cdef char *sums = out_ if slices == 1 else <char *>malloc(outer * slices * row)
    cdef int threads = threads_for(<double>outer * middle * inner * ELEMENT_WORK)
    if sums == NULL:
        raise MemoryError
    with nogil:
        for i in prange(outer * slices, num_threads=threads, schedule="static"):
            k.multiply_grad(
                gy_ + i // slices * block, a_ + i // slices * a_block, b_ + i // slices * b_row,
                ga_ + i // slices * ga_block, inner, middle * (i % slices) // slices,
                middle * (i % slices + 1) // slices, sums + i * row,
            )
        if slices > 1:
            for i in range(outer):
                k.sum_slices(sums + i * slices * row, slices, inner, out_ + i * row, 0, inner)
            free(sums)
