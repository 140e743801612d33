"""Matrix products of gathered rows, for the modules that say where the rows lie."""

from pycnn_ext.kernels cimport FilterMatrix, Kernels, RowGather, RowTarget


cdef struct Problem:  # one matrix product of each group: the forward pass, or a phase of the input gradient
    RowGather gather
    FilterMatrix filters
    RowTarget target
    ptrdiff_t rows


cdef struct FilterGrad:
    RowGather gather
    const void *gradient
    char *partial  # (slices, groups, filters/groups, depth)
    char *target   # (depth, filters)
    ptrdiff_t slices, groups, filters, depth, pixels


cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil
cdef ptrdiff_t parts_for(int threads, ptrdiff_t count, ptrdiff_t least) noexcept nogil
cdef ptrdiff_t pixel_slices(ptrdiff_t pixels) noexcept nogil
cdef ptrdiff_t filter_grad_slices(const Kernels *k, ptrdiff_t pixels, ptrdiff_t depth, ptrdiff_t filters,
                                  ptrdiff_t groups) noexcept nogil
cdef void run_gemm(const Kernels *k, const Problem *problems, ptrdiff_t count, ptrdiff_t groups, const void *bias,
                   int activation) noexcept nogil
cdef void run_planar(const Kernels *k, const Problem *problems, ptrdiff_t count, const void *bias,
                     int activation) noexcept nogil
cdef void run_filter_grad(const Kernels *k, const FilterGrad *f, ptrdiff_t size) noexcept nogil
cdef void sum_partials(const Kernels *k, const void *partials, ptrdiff_t slices, ptrdiff_t numbers, void *target,
                       int threads) noexcept nogil
