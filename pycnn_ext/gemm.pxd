"""Matrix products of gathered rows, for the modules that say where the rows lie."""

from pycnn_ext.kernels cimport FilterGrad, FilterMatrix, Kernels, RowGather, RowTarget


cdef struct Problem:  # one matrix product of each group: the forward pass, or a phase of the input gradient
    RowGather gather
    FilterMatrix filters
    RowTarget target
    ptrdiff_t rows


cdef struct Sums:  # of a filter gradient: (slices, groups, height, width), or without turn (slices, height, groups, width)
    bint turned  # whether height counts filters, and width the depth
    ptrdiff_t height, width, pixels, groups, slices
    ptrdiff_t partials  # slices of sums that need memory; 0: the sums are the result


cdef struct Blocks:  # of the sums of a filter gradient, each for one task
    ptrdiff_t strips, panels, strip_parts, panel_parts, group_parts


cdef ptrdiff_t PACKED_NUMBERS, STREAMED_BYTES, CACHE_LINE

cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil
cdef ptrdiff_t parts_for(int threads, ptrdiff_t count, ptrdiff_t least) noexcept nogil
cdef ptrdiff_t pixel_slices(ptrdiff_t pixels) noexcept nogil
cdef Sums sums_of(const FilterGrad *f, ptrdiff_t pixels, ptrdiff_t groups) noexcept nogil
cdef void one_pixel_rows(RowGather *g, const void *source, ptrdiff_t rows, ptrdiff_t length, int *no_tap) noexcept nogil
cdef void let_stream(Problem *p, ptrdiff_t groups, ptrdiff_t size) noexcept nogil
cdef void run_gemm(const Kernels *k, const Problem *problems, ptrdiff_t count, ptrdiff_t groups, const void *bias,
                   int activation) noexcept nogil
cdef void run_dots(const Kernels *k, const Problem *p, const void *bias) noexcept nogil
cdef void run_planar(const Kernels *k, const Problem *problems, ptrdiff_t count, const void *bias,
                     int activation) noexcept nogil
cdef void run_filter_grad(const Kernels *k, FilterGrad *f, const Sums *s, char *partial, char *target,
                          ptrdiff_t size) noexcept nogil
cdef void sum_partials(const Kernels *k, const void *partials, ptrdiff_t slices, ptrdiff_t numbers, void *target,
                       int threads) noexcept nogil
