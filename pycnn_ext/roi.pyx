"""Pooling of regions, parallel over them; gradients of the maps parallel over images and channels, regions in order."""

from libc.stdlib cimport free, malloc

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, RoiShape, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef double BIN_WORK = 16  # a number of the result takes about as long as so many multiply-adds
cdef ptrdiff_t LINE = 16  # channels that belong together in the cache


cdef RoiShape shape_of(geometry, ptrdiff_t channels, bint warps):
    """From a RoiGeometry: (batch, input_size, output_size, spatial_scale, sampling_ratio, aligned)."""
    cdef RoiShape s
    s.images, (s.height, s.width), (s.bins_y, s.bins_x), s.scale, s.sampling_ratio, s.aligned = geometry
    s.channels = channels
    s.warps = warps
    return s


cdef int threads_of(const RoiShape *s, ptrdiff_t regions) noexcept nogil:
    return threads_for(<double>regions * s.bins_y * s.bins_x * s.channels * BIN_WORK)


cdef ptrdiff_t channels_of_task(const RoiShape *s, int threads) noexcept nogil:
    """All, unless the images cannot be shared out evenly; how many changes no bit, and few lie far apart in memory."""
    cdef ptrdiff_t lines = (s.channels + LINE - 1) // LINE
    return max(1, lines if s.images % threads == 0 else (lines + threads - 1) // threads) * LINE


cdef void *plan_of(const Kernels *k, const RoiShape *s, const void *rois, ptrdiff_t regions) except NULL:
    """The order of max pooling, to be freed."""
    cdef void *plan = malloc(k.roi_plan_bytes(s, regions))
    if not plan:
        raise MemoryError
    k.roi_plan(s, rois, regions, plan)
    return plan


def pool_forward(x, rois, geometry, out, index):
    """out (R, P, Q, C) = largest of each bin, index (R, P, Q, C) int16 or int32, or None = its pixel."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef RoiShape s = shape_of(geometry, x.shape[3], False)
    cdef ptrdiff_t regions = len(rois), r
    cdef int threads = threads_of(&s, regions), number_bytes = 0 if index is None else index.itemsize
    cdef const void *x_ = address(x, code)
    cdef const void *rois_ = address(rois, code)
    cdef void *out_ = address(out, code, True)
    cdef void *index_ = address(index, b"h" if number_bytes == 2 else b"i", True)
    cdef void *plan = plan_of(k, &s, rois_, regions)
    for r in prange(regions, nogil=True, num_threads=threads, schedule="dynamic"):
        k.roi_pool_forward(&s, x_, rois_, regions, plan, out_, index_, number_bytes, r * s.bins_y, (r + 1) * s.bins_y)
    free(plan)


def pool_grad(gy, rois, index, geometry, out):
    """out (N, H, W, C) = its gradient."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef RoiShape s = shape_of(geometry, gy.shape[3], False)
    cdef ptrdiff_t regions = len(rois), i
    cdef int threads = threads_of(&s, regions), number_bytes = index.itemsize
    cdef ptrdiff_t step = channels_of_task(&s, threads), parts = (s.channels + step - 1) // step
    cdef const void *gy_ = address(gy, code)
    cdef const void *rois_ = address(rois, code)
    cdef const void *index_ = address(index, b"h" if number_bytes == 2 else b"i")
    cdef void *out_ = address(out, code, True)
    cdef void *plan = plan_of(k, &s, rois_, regions)
    for i in prange(s.images * parts, nogil=True, num_threads=threads, schedule="dynamic"):
        k.roi_pool_grad(&s, gy_, regions, plan, index_, number_bytes, out_, i // parts, i % parts * step,
                        min(s.channels, (i % parts + 1) * step))
    free(plan)


def sample_forward(x, rois, geometry, bint warps, out):
    """out (R, P, Q, C) = weighted sums of each bin: of a warp, or else an alignment."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef RoiShape s = shape_of(geometry, x.shape[3], warps)
    cdef ptrdiff_t regions = len(rois), r
    cdef int threads = threads_of(&s, regions)
    cdef const void *x_ = address(x, code)
    cdef const void *rois_ = address(rois, code)
    cdef void *out_ = address(out, code, True)
    for r in prange(regions, nogil=True, num_threads=threads, schedule="dynamic"):
        k.roi_sample_forward(&s, x_, rois_, out_, r, r + 1)


def sample_grad(gy, rois, geometry, bint warps, out):
    """out (N, H, W, C) = the adjoint."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef RoiShape s = shape_of(geometry, gy.shape[3], warps)
    cdef ptrdiff_t regions = len(rois), i
    cdef int threads = threads_of(&s, regions)
    cdef ptrdiff_t step = channels_of_task(&s, threads), parts = (s.channels + step - 1) // step
    cdef const void *gy_ = address(gy, code)
    cdef const void *rois_ = address(rois, code)
    cdef void *out_ = address(out, code, True)
    for i in prange(s.images * parts, nogil=True, num_threads=threads, schedule="dynamic"):
        k.roi_sample_grad(&s, gy_, rois_, regions, out_, i // parts, i % parts * step,
                          min(s.channels, (i % parts + 1) * step))


def sample_rois_grad(gy, x, rois, geometry, bint warps, out):
    """out (R, 5) = the gradient of the boxes."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef RoiShape s = shape_of(geometry, gy.shape[3], warps)
    cdef ptrdiff_t regions = len(rois), r
    cdef int threads = threads_of(&s, regions)
    cdef const void *gy_ = address(gy, code)
    cdef const void *x_ = address(x, code)
    cdef const void *rois_ = address(rois, code)
    cdef void *out_ = address(out, code, True)
    for r in prange(regions, nogil=True, num_threads=threads, schedule="dynamic"):
        k.roi_sample_rois_grad(&s, gy_, x_, rois_, out_, r, r + 1)
