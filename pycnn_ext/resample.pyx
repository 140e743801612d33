"""Resizing and affine maps of images, parallel over output rows; adjoints over images."""

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t ROWS = 64  # output rows a task
cdef double PIXEL_WORK = 16  # a number takes about as long as so many multiply-adds


def resize(x, bint bilinear, out):
    """out (N, P, Q, C) = x (N, H, W, C) at another size."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t height = x.shape[1], width = x.shape[2], channels = x.shape[3]
    cdef ptrdiff_t out_height = out.shape[1], out_width = out.shape[2], rows = len(x) * out_height, i
    cdef int threads = threads_for(rows * out_width * channels * PIXEL_WORK)
    cdef const void *x_ = address(x, code)
    cdef void *out_ = address(out, code, True)
    for i in prange((rows + ROWS - 1) // ROWS, nogil=True, num_threads=threads, schedule="static"):
        k.resize(x_, height, width, channels, out_, out_height, out_width, bilinear, i * ROWS,
                 min(rows, (i + 1) * ROWS))


def resize_grad(gy, bint bilinear, out):
    """out (N, H, W, C) = the adjoint."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t height = out.shape[1], width = out.shape[2], channels = out.shape[3]
    cdef ptrdiff_t out_height = gy.shape[1], out_width = gy.shape[2], images = len(gy), i
    cdef int threads = threads_for(gy.size * PIXEL_WORK)
    cdef const void *gy_ = address(gy, code)
    cdef void *out_ = address(out, code, True)
    for i in prange(images, nogil=True, num_threads=threads, schedule="static"):
        k.resize_grad(gy_, height, width, channels, out_, out_height, out_width, bilinear, i, i + 1)


def affine(x, matrices, bint bilinear, int fill_mode, double fill_value, out):
    """out (N, H, W, C) = each image of x seen through its own map, matrices (N, 6) float64."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t height = x.shape[1], width = x.shape[2], channels = x.shape[3], rows = len(x) * height, i
    cdef int threads = threads_for(x.size * PIXEL_WORK)
    cdef const void *x_ = address(x, code)
    cdef const double *matrices_ = <const double *>address(matrices, b"d")
    cdef void *out_ = address(out, code, True)
    for i in prange((rows + ROWS - 1) // ROWS, nogil=True, num_threads=threads, schedule="static"):
        k.affine(x_, matrices_, height, width, channels, out_, bilinear, fill_mode, fill_value, i * ROWS,
                 min(rows, (i + 1) * ROWS))
