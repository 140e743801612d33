"""Resizing and affine maps of images, parallel over the rows of the results."""

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK = 16384  # numbers a task, about
cdef double PIXEL_WORK = 16  # a number takes about as long as so many multiply-adds


cdef ptrdiff_t rows_of_task(ptrdiff_t row_size) noexcept nogil:
    """Not too few, for each task looks up all columns."""
    return max(4, min(64, BLOCK // max(1, row_size)))


def resize(x, bint bilinear, out):
    """out (N, P, Q, C) = x (N, H, W, C) at another size."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t height = x.shape[1], width = x.shape[2], channels = x.shape[3]
    cdef ptrdiff_t out_height = out.shape[1], out_width = out.shape[2], rows = len(x) * out_height, i
    cdef ptrdiff_t step = rows_of_task(out_width * channels)
    cdef int threads = threads_for(rows * out_width * channels * PIXEL_WORK)
    cdef const void *x_ = address(x, code)
    cdef void *out_ = address(out, code, True)
    for i in prange((rows + step - 1) // step, nogil=True, num_threads=threads, schedule="static"):
        k.resize(x_, height, width, channels, out_, out_height, out_width, bilinear, i * step,
                 min(rows, (i + 1) * step))


def resize_grad(gy, bint bilinear, out):
    """out (N, H, W, C) = the adjoint."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t height = out.shape[1], width = out.shape[2], channels = out.shape[3]
    cdef ptrdiff_t out_height = gy.shape[1], out_width = gy.shape[2], rows = len(gy) * height, i
    cdef ptrdiff_t step = rows_of_task(width * channels)
    cdef int threads = threads_for(gy.size * PIXEL_WORK)
    cdef const void *gy_ = address(gy, code)
    cdef void *out_ = address(out, code, True)
    for i in prange((rows + step - 1) // step, nogil=True, num_threads=threads, schedule="static"):
        k.resize_grad(gy_, height, width, channels, out_, out_height, out_width, bilinear, i * step,
                      min(rows, (i + 1) * step))


def affine(x, matrices, bint bilinear, int fill_mode, double fill_value, out):
    """out (N, H, W, C) = each image of x seen through its own map, matrices (N, 6) float64."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t height = x.shape[1], width = x.shape[2], channels = x.shape[3], rows = len(x) * height, i
    cdef ptrdiff_t step = rows_of_task(width * channels)
    cdef int threads = threads_for(x.size * PIXEL_WORK)
    cdef const void *x_ = address(x, code)
    cdef const double *matrices_ = <const double *>address(matrices, b"d")
    cdef void *out_ = address(out, code, True)
    for i in prange((rows + step - 1) // step, nogil=True, num_threads=threads, schedule="static"):
        k.affine(x_, matrices_, height, width, channels, out_, bilinear, fill_mode, fill_value, i * step,
                 min(rows, (i + 1) * step))
