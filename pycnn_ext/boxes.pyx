"""Overlaps of boxes, the order of scores, and greedy suppression, parallel over boxes."""

from cython.parallel cimport prange
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from pycnn_ext.kernels cimport Kernels, Suppression, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t PAIR_WORK = 10  # an overlap takes about as long as so many multiply-adds
cdef ptrdiff_t COMPARED_WORK = 1  # the same of two boxes in suppression: many go before they have met all others
cdef ptrdiff_t ROWS = 16  # of overlaps, that are one task
cdef ptrdiff_t BLOCK = 512  # candidates that are chosen from by one thread, after all have suppressed some of them
cdef ptrdiff_t PART = 64  # candidates of a task: whole tiles


cdef ptrdiff_t stride_of(const Kernels *k, ptrdiff_t n) noexcept nogil:
    return (n + k.box_tile - 1) // k.box_tile * k.box_tile


cdef void *room(size_t size) except NULL:
    cdef void *memory = malloc(max(size, 1))
    if memory == NULL:
        raise MemoryError
    return memory


def box_iou(a, b, out):
    """out (N, M) = intersection over union of boxes a (N, 4) and b (M, 4)."""
    cdef char code = code_of(a)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t n = len(a), m = len(b), stride = stride_of(k, m), parts = (n + ROWS - 1) // ROWS, i
    cdef const void *a_ = address(a, code)
    cdef const void *b_ = address(b, code)
    cdef void *out_ = address(out, code, True)
    cdef int threads = threads_for(<double>n * m * PAIR_WORK)
    cdef void *columns = room(5 * stride * <size_t>a.itemsize)
    k.box_columns(b_, NULL, m, 1, columns, stride)
    for i in prange(parts, nogil=True, num_threads=threads, schedule="static"):
        k.box_iou(a_, columns, stride, m, out_, i * ROWS, min(n, (i + 1) * ROWS))
    free(columns)


def order_falling(scores, order):
    """order (N) int64 = indices of the scores, from the largest on, of equals the first one first."""
    cdef char code = code_of(scores)
    cdef const Kernels *k = table(code)
    cdef const void *scores_ = address(scores, code)
    cdef int64_t *order_ = <int64_t *>address(order, code_of(order), True)
    cdef ptrdiff_t n = len(scores)
    cdef void *work = room(k.order_bytes(n))
    with nogil:
        k.order_falling(scores_, n, work, order_)
    free(work)


cdef ptrdiff_t suppress(const Kernels *k, const Suppression *s, ptrdiff_t n) noexcept nogil:
    """Which of n candidates are kept, in s.places: their number. All threads compare a block with those before it."""
    cdef ptrdiff_t first = 0, last, kept = 0, parts, i
    cdef int threads
    while first < n:
        last = min(n, first + BLOCK)
        parts = (last - first + PART - 1) // PART
        threads = threads_for(<double>(last - first) * kept * COMPARED_WORK)
        for i in prange(parts, num_threads=threads, schedule="dynamic"):
            k.nms_suppress(s, first + i * PART, min(last, first + (i + 1) * PART), 0, kept)
        kept = k.nms_keep(s, first, last, kept)
        first = last
    return kept


def nms(boxes, order, ends, double threshold, out):
    """Indices of the boxes (N, 4) that are kept, in `out` (N) int64, group by group; returns their number.

    The boxes `order` (N) int64 are groups that end at `ends`, each in the order of its scores.
    """
    cdef char code = code_of(boxes)
    cdef const Kernels *k = table(code)
    cdef Suppression s
    cdef ptrdiff_t n = len(order), begin = 0, kept, total = 0, end, i
    cdef size_t itemsize = boxes.itemsize
    cdef const void *boxes_ = address(boxes, code)
    cdef const int64_t *order_ = <const int64_t *>address(order, code_of(order))
    cdef int64_t *out_ = <int64_t *>address(out, code_of(out), True)
    s.stride, s.threshold = stride_of(k, n), threshold
    s.columns = room(5 * (s.stride + n) * itemsize)
    s.kept = <char *>s.columns + 5 * s.stride * itemsize
    for end in ends:
        with nogil:
            s.places = out_ + total
            k.nms_candidates(&s, boxes_, order_ + begin, end - begin)
            kept = suppress(k, &s, end - begin)
            for i in range(kept):
                s.places[i] = order_[begin + s.places[i]]
        total += kept
        begin = end
    free(s.columns)
    return total
