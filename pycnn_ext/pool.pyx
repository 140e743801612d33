"""Pooling, parallel over the rows of all images."""

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, PoolShape, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t TASKS_PER_THREAD = 4


cdef PoolShape shape_of(geometry, ptrdiff_t channels):
    """From a PoolGeometry: (input_size, output_size, pool_size, strides, padding)."""
    cdef PoolShape s
    (s.height, s.width), (s.grid_height, s.grid_width), (s.pool_height, s.pool_width), (s.stride_y, s.stride_x), pads = geometry
    (s.top, s.bottom), (s.left, s.right) = pads
    s.channels = channels
    return s


cdef int threads_of(const PoolShape *s, ptrdiff_t rows) noexcept nogil:
    return threads_for(<double>rows * s.grid_width * s.channels * s.pool_height * s.pool_width)


cdef ptrdiff_t parts_of(int threads, ptrdiff_t rows) noexcept nogil:
    return max(1, min(rows, 1 if threads == 1 else TASKS_PER_THREAD * threads))


def extreme_forward(x, geometry, bint minimum, out, index):
    """out, index (N, P, Q, C) = largest (or smallest) of each window, and which place it was (uint8, int32, or None)."""
    cdef char code = code_of(x), index_code = b"B" if index is None else code_of(index)
    cdef const Kernels *k = table(code)
    cdef PoolShape s = shape_of(geometry, x.shape[3])
    cdef ptrdiff_t rows = len(x) * s.grid_height, part
    cdef int threads = threads_of(&s, rows), index_bytes = 0 if index is None else 1 if index_code == b"B" else 4
    cdef ptrdiff_t parts = parts_of(threads, rows)
    cdef const void *x_ = address(x, code)
    cdef void *out_ = address(out, code, True)
    cdef void *index_ = address(index, index_code, True)
    for part in prange(parts, nogil=True, num_threads=threads, schedule="dynamic"):
        k.extreme_pool_forward(&s, x_, out_, index_, index_bytes, minimum, rows * part // parts,
                               rows * (part + 1) // parts)


def extreme_grad(gy, index, geometry, out):
    """out (N, H, W, C) = gradient of either."""
    cdef char code = code_of(gy), index_code = code_of(index)
    cdef const Kernels *k = table(code)
    cdef PoolShape s = shape_of(geometry, gy.shape[3])
    cdef ptrdiff_t rows = len(gy) * s.height, part
    cdef int threads = threads_of(&s, len(gy) * s.grid_height), index_bytes = 1 if index_code == b"B" else 4
    cdef ptrdiff_t parts = parts_of(threads, rows)
    cdef const void *gy_ = address(gy, code)
    cdef const void *index_ = address(index, index_code)
    cdef void *out_ = address(out, code, True)
    for part in prange(parts, nogil=True, num_threads=threads, schedule="dynamic"):
        k.extreme_pool_grad(&s, gy_, index_, index_bytes, out_, rows * part // parts, rows * (part + 1) // parts)


def avg_forward(x, geometry, bint count_include_pad, out):
    """out (N, P, Q, C) = mean of each window."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef PoolShape s = shape_of(geometry, x.shape[3])
    cdef ptrdiff_t rows = len(x) * s.grid_height, part
    cdef int threads = threads_of(&s, rows)
    cdef ptrdiff_t parts = parts_of(threads, rows)
    cdef const void *x_ = address(x, code)
    cdef void *out_ = address(out, code, True)
    for part in prange(parts, nogil=True, num_threads=threads, schedule="dynamic"):
        k.avg_pool_forward(&s, x_, out_, count_include_pad, rows * part // parts, rows * (part + 1) // parts)


def avg_grad(gy, geometry, bint count_include_pad, out):
    """out (N, H, W, C) = its adjoint."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef PoolShape s = shape_of(geometry, gy.shape[3])
    cdef ptrdiff_t rows = len(gy) * s.height, part
    cdef int threads = threads_of(&s, len(gy) * s.grid_height)
    cdef ptrdiff_t parts = parts_of(threads, rows)
    cdef const void *gy_ = address(gy, code)
    cdef void *out_ = address(out, code, True)
    for part in prange(parts, nogil=True, num_threads=threads, schedule="dynamic"):
        k.avg_pool_grad(&s, gy_, out_, count_include_pad, rows * part // parts, rows * (part + 1) // parts)
