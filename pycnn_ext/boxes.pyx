"""Overlaps of boxes, the order of scores, and greedy suppression, parallel over boxes."""

from cython.parallel cimport prange
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from pycnn_ext.kernels cimport Kernels, Suppression, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t PAIR_WORK = 10  # an overlap takes about as long as so many multiply-adds
cdef ptrdiff_t COMPARED_WORK = 1  # the same of two boxes in suppression: many go before they have met all others
cdef ptrdiff_t ROWS = 16  # of overlaps, that are one task
cdef ptrdiff_t FIRST = 128  # of the best candidates, that are the first round of suppression
cdef ptrdiff_t GROWTH = 4  # of a round over the one before, so that there are few
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
    k.box_columns(b_, m, columns, stride)
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


cdef void suppress(const Kernels *k, const Suppression *s, bint of_best, ptrdiff_t first, ptrdiff_t last,
                   ptrdiff_t kept) noexcept nogil:
    """All threads compare candidates with those kept in this round."""
    cdef ptrdiff_t parts = (last - first + PART - 1) // PART, i
    cdef int threads = threads_for(<double>(last - first) * kept * COMPARED_WORK)
    for i in prange(parts, num_threads=threads, schedule="dynamic"):
        k.nms_suppress(s, of_best, first + i * PART, min(last, first + (i + 1) * PART), kept)


cdef ptrdiff_t choose(const Kernels *k, Suppression *s, ptrdiff_t left) noexcept nogil:
    """The indices of those candidates that are kept, in s.indices, and their number."""
    cdef const int64_t *begin = s.indices
    cdef ptrdiff_t size = FIRST, best, kept, first, last
    while left:
        best = k.nms_best(s, left, size)
        kept = first = 0
        while first < best:
            last = min(best, first + BLOCK)
            suppress(k, s, True, first, last, kept)
            kept = k.nms_keep(s, first, last, kept)
            first = last
        left -= best
        suppress(k, s, False, 0, left, kept)
        left = k.nms_left(s, left)
        s.indices += kept
        size *= GROWTH
    return s.indices - begin


def nms(boxes, scores, members, ends, double threshold, out):
    """Indices of the boxes (N, 4) that are kept, in `out` (N) int64, group by group, by score; returns their number.

    The groups of boxes are `members` (N) int64 up to each of `ends`, in ascending order; or, if None, one of all.
    """
    cdef char code = code_of(boxes), integer = code_of(out)
    cdef const Kernels *k = table(code)
    cdef Suppression s
    cdef ptrdiff_t n = len(boxes), begin = 0, total = 0, end
    cdef const int64_t *members_ = <const int64_t *>address(members, integer)
    cdef const void *scores_ = address(scores, code)
    cdef int64_t *out_ = <int64_t *>address(out, integer, True)
    cdef void *memory
    s.boxes, s.threshold = address(boxes, code), threshold
    memory = room(k.nms_bytes(n))
    for end in ends:
        with nogil:
            s.indices = out_ + total
            k.nms_begin(&s, memory, scores_, members_ + begin if members_ else NULL, end - begin)
            total += choose(k, &s, end - begin)
        begin = end
    free(memory)
    return total
