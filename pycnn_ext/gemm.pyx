"""Matrix products of gathered rows: the parallel loops over tiles, for convolutions and dense layers."""

from cython.parallel cimport prange
from libc.string cimport memset

from pycnn_ext.kernels cimport Kernels, RowGather, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t PACKED_NUMBERS = 128 * 1024  # filters packed by one task: 512 KiB of floats, half of L2
cdef ptrdiff_t TASKS_PER_THREAD = 4
cdef ptrdiff_t ROWS_PER_TASK = 56
cdef ptrdiff_t ROWS_PER_SLICE = 512
cdef ptrdiff_t PIXELS_PER_TASK = 256
cdef ptrdiff_t MOST_SLICES = 8
cdef ptrdiff_t SUMMED_ROWS = 64
cdef ptrdiff_t SUMMED_NUMBERS = 64 * 1024  # sums of one task of a filter gradient: 256 KiB of floats


cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil:
    return (a + b - 1) // b


def matmul(a, b, bint transpose_b, bias, int activation, out):
    """out (M, N) = act(a @ B + bias), a (M, K), B = b (K, N) or the transpose of b (N, K)."""
    cdef char code = code_of(a)
    cdef const Kernels *k = table(code)
    cdef Problem p
    cdef int no_tap = 0
    cdef ptrdiff_t no_offset = 0
    memset(&p, 0, sizeof(p))
    cdef ptrdiff_t m = a.shape[0], depth = a.shape[1], n = b.shape[0] if transpose_b else b.shape[1]
    one_pixel_rows(&p.gather, address(a, code), m, depth, &no_tap)
    p.filters.weights, p.filters.tap_offset, p.filters.columns = address(b, code), &no_offset, n
    p.filters.step = 1 if transpose_b else n
    p.filters.column_step = depth if transpose_b else 1
    p.target.target, p.target.pixel, p.rows = address(out, code, True), n, m
    cdef const void *bias_ = address(bias, code)
    with nogil:
        run_gemm(k, &p, 1, 1, bias_, activation)


def matmul_transposed(a, b, out):
    """out (M, N) = a.T @ b, a (K, M), b (K, N)."""
    cdef char code = code_of(a)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t size = 8 if code == b"d" else 4
    cdef int no_tap = 0
    cdef FilterGrad f
    memset(&f, 0, sizeof(f))
    one_pixel_rows(&f.gather, address(a, code), a.shape[0], a.shape[1], &no_tap)
    f.gradient, f.target = address(b, code), <char *>address(out, code, True)
    f.slices = f.groups = 1
    f.pixels, f.depth, f.filters = a.shape[0], a.shape[1], b.shape[1]
    with nogil:
        run_filter_grad(k, &f, size)


cdef void one_pixel_rows(RowGather *g, const void *source, ptrdiff_t rows, ptrdiff_t length, int *no_tap) noexcept:
    """A matrix as a gather: one image of `rows` pixels in a line, one tap."""
    g.source = source
    g.pixel = g.length = length
    g.height = g.grid_height = g.stride_y = g.stride_x = g.taps = 1
    g.width = g.grid_width = rows
    g.tap_y = g.tap_x = no_tap


cdef void gemm_task(const Kernels *k, const Problem *problems, ptrdiff_t task, ptrdiff_t row_parts,
                    ptrdiff_t panel_parts, ptrdiff_t panels, ptrdiff_t group_parts, ptrdiff_t groups,
                    const void *bias, int activation) noexcept nogil:
    cdef ptrdiff_t row_part = task % row_parts, panel_part = task // row_parts % panel_parts
    cdef ptrdiff_t group_part = task // row_parts // panel_parts % group_parts
    cdef const Problem *p = &problems[task // row_parts // panel_parts // group_parts]
    k.gemm(&p.gather, &p.filters, &p.target, bias, activation,
           p.rows * row_part // row_parts, p.rows * (row_part + 1) // row_parts,
           groups * group_part // group_parts, groups * (group_part + 1) // group_parts,
           panels * panel_part // panel_parts, panels * (panel_part + 1) // panel_parts)


cdef void run_gemm(const Kernels *k, const Problem *problems, ptrdiff_t count, ptrdiff_t groups, const void *bias,
                   int activation) noexcept nogil:
    """All problems, each cut by rows, groups and panels of columns; they have equally many columns."""
    cdef ptrdiff_t depth = 1, rows = 0, columns, i, task
    cdef double work = 0
    if not count:
        return
    columns = problems[0].filters.columns
    for i in range(count):
        depth = max(depth, problems[i].gather.taps * problems[i].gather.length)
        rows = max(rows, problems[i].rows)
        work += <double>problems[i].rows * problems[i].gather.taps * problems[i].gather.length * columns * groups
    if not rows or not columns:
        return
    cdef ptrdiff_t panels = ceil_div(columns, k.panel), packable = max(1, PACKED_NUMBERS // (depth * k.panel))
    cdef ptrdiff_t panel_parts = ceil_div(panels, packable), row_parts = 1
    cdef ptrdiff_t group_parts = ceil_div(groups, max(1, packable // panels))
    cdef int threads = threads_for(work)
    if threads > 1:
        row_parts = ceil_div(TASKS_PER_THREAD * threads, count * group_parts * panel_parts)
        row_parts = max(1, min(row_parts, rows // ROWS_PER_TASK))
        panel_parts = min(panels, max(panel_parts, ceil_div(2 * threads, count * group_parts * row_parts)))
    for task in prange(count * row_parts * panel_parts * group_parts, num_threads=threads, schedule="dynamic"):
        gemm_task(k, problems, task, row_parts, panel_parts, panels, group_parts, groups, bias, activation)


cdef void planar_task(const Kernels *k, const Problem *p, ptrdiff_t part, ptrdiff_t parts, const void *bias,
                      int activation) noexcept nogil:
    cdef ptrdiff_t lines = p.rows // p.gather.grid_width
    k.planar(&p.gather, &p.filters, &p.target, bias, activation, lines * part // parts, lines * (part + 1) // parts)


cdef void run_planar(const Kernels *k, const Problem *problems, ptrdiff_t count, const void *bias,
                     int activation) noexcept nogil:
    """All problems, each cut by lines; they have few columns."""
    cdef ptrdiff_t rows = 0, parts = 1, i, task
    cdef double work = 0
    for i in range(count):
        rows = max(rows, problems[i].rows)
        work += <double>problems[i].rows * problems[i].gather.taps * problems[i].gather.length * problems[i].filters.columns
    cdef int threads = threads_for(work)
    if threads > 1:
        parts = max(1, min(ceil_div(TASKS_PER_THREAD * threads, count), rows // PIXELS_PER_TASK))
    for task in prange(count * parts, num_threads=threads, schedule="dynamic"):
        planar_task(k, &problems[task // parts], task % parts, parts, bias, activation)


cdef ptrdiff_t parts_for(int threads, ptrdiff_t count, ptrdiff_t least) noexcept nogil:
    """Into how many tasks of at least so many things each the threads cut `count` things."""
    return 1 if threads == 1 else max(1, min(TASKS_PER_THREAD * threads, count // least))


cdef ptrdiff_t pixel_slices(ptrdiff_t pixels) noexcept nogil:
    """Into how many slices a sum over pixels is cut: by shape alone, so that sums do not depend on threads."""
    return max(1, min(MOST_SLICES, pixels // ROWS_PER_SLICE))


cdef ptrdiff_t filter_grad_slices(const Kernels *k, ptrdiff_t pixels, ptrdiff_t depth, ptrdiff_t filters,
                                  ptrdiff_t groups) noexcept nogil:
    """The same for a filter gradient, whose columns are cut, too; filters counts those of one group."""
    return max(1, min(ceil_div(MOST_SLICES, filter_grad_parts(k, depth, filters, groups)), pixels // ROWS_PER_SLICE))


cdef ptrdiff_t filter_grad_parts(const Kernels *k, ptrdiff_t depth, ptrdiff_t filters, ptrdiff_t groups) noexcept nogil:
    """Tasks that the columns (or groups) of a filter gradient are cut into, so that each one's sums stay in L2."""
    cdef ptrdiff_t panels = ceil_div(depth, k.panel), most = max(1, SUMMED_NUMBERS // (filters * k.panel))
    return ceil_div(panels, most) if groups == 1 else ceil_div(groups, max(1, most // panels))


cdef void run_filter_grad(const Kernels *k, const FilterGrad *f, ptrdiff_t size) noexcept nogil:
    """Every slice of the pixels and part of the columns by itself, then the slices added up and turned."""
    if not f.depth or not f.filters:
        return
    cdef ptrdiff_t group_filters = f.filters // f.groups, panels = ceil_div(f.depth, k.panel), task
    cdef ptrdiff_t parts = filter_grad_parts(k, f.depth, group_filters, f.groups)
    cdef ptrdiff_t blocks = ceil_div(f.depth, SUMMED_ROWS)
    cdef int threads = threads_for(<double>f.pixels * f.depth * f.filters)
    cdef int sum_threads = threads_for(<double>f.slices * f.depth * f.filters)
    if f.slices * parts < threads:
        parts = min(panels if f.groups == 1 else f.groups, ceil_div(threads, f.slices))
    for task in prange(f.slices * parts, num_threads=threads, schedule="dynamic"):
        filter_grad_task(k, f, task % parts, parts, task // parts, panels, size)
    if f.slices > 1:
        for task in prange(f.groups * blocks, num_threads=sum_threads, schedule="static"):
            sum_task(k, f, task % f.groups, task // f.groups * SUMMED_ROWS, size)


cdef void filter_grad_task(const Kernels *k, const FilterGrad *f, ptrdiff_t part, ptrdiff_t parts, ptrdiff_t s,
                           ptrdiff_t panels, ptrdiff_t size) noexcept nogil:
    """One slice; of one group a part of the columns, of many groups a part of the groups."""
    cdef bint by_group = f.groups > 1
    k.gemm_filter_grad(
        &f.gather, f.gradient, f.filters // f.groups, f.filters,
        f.pixels * s // f.slices, f.pixels * (s + 1) // f.slices,
        f.groups * part // parts if by_group else 0, f.groups * (part + 1) // parts if by_group else 1,
        0 if by_group else panels * part // parts, panels if by_group else panels * (part + 1) // parts,
        f.partial + s * f.filters * f.depth * size, NULL if f.slices > 1 else f.target, f.filters)


cdef void sum_task(const Kernels *k, const FilterGrad *f, ptrdiff_t group, ptrdiff_t first, ptrdiff_t size) noexcept nogil:
    cdef ptrdiff_t group_filters = f.filters // f.groups
    k.sum_transposed(f.partial + (group * group_filters * f.depth + first) * size, f.slices, f.filters * f.depth, f.depth,
                     min(SUMMED_ROWS, f.depth - first), group_filters,
                     f.target + (first * f.filters + group * group_filters) * size, f.filters)


cdef void sum_partials(const Kernels *k, const void *partials, ptrdiff_t slices, ptrdiff_t numbers, void *target,
                       int threads) noexcept nogil:
    cdef ptrdiff_t parts = ceil_div(numbers, 4096), part
    for part in prange(parts, num_threads=threads, schedule="static"):
        k.sum_slices(partials, slices, numbers, target, part * 4096, min(numbers, (part + 1) * 4096))
