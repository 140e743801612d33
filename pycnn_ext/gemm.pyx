"""Matrix products of gathered rows: the parallel loops over tiles, for convolutions and dense layers."""

from cython.parallel cimport prange
from libc.string cimport memset

from pycnn_ext.kernels cimport FilterGrad, FilterMatrix, Kernels, RowGather, RowTarget, address, code_of, table
from pycnn_ext.threads cimport threads_for

PACKED_NUMBERS = 128 * 1024  # filters packed by one task: 512 KiB of floats, half of L2
STREAMED_BYTES = 16 * 1024 * 1024  # of results, from which on the caches keep too few of them for the next to read
CACHE_LINE = 64
cdef ptrdiff_t TASKS_PER_THREAD = 4
cdef ptrdiff_t ROW_TASKS_PER_THREAD = 2  # of rows or strips, each of which packs the other side anew
cdef ptrdiff_t THIN_ROWS = 4  # of a matrix product, at most, for which packing the other side does not pay,
cdef ptrdiff_t THIN_ROWS_OF_LARGE = 16  # and where that does not fit into L2
cdef ptrdiff_t LARGE = 512 * 1024  # numbers that do not
cdef ptrdiff_t ROWS_PER_TASK = 56
cdef ptrdiff_t ROWS_PER_SLICE = 512
cdef ptrdiff_t PIXELS_PER_TASK = 256
cdef ptrdiff_t MOST_SLICES = 8
cdef ptrdiff_t SLICED_HEIGHT = 96  # of sums that are worth a slice of the pixels less
cdef ptrdiff_t SLICED_WIDTH = 128
cdef ptrdiff_t SUMMED_ROWS = 64
cdef ptrdiff_t LANES = 16  # numbers a vector holds (floats, AVX-512): what counts as few
cdef ptrdiff_t FEW_FILTERS = 128  # whose gradients need no packing, as in filter_grad.h
cdef ptrdiff_t STRIP = 12        # rows of a filter gradient's sums that stay together: as many as are packed together
cdef ptrdiff_t SUMMED_SIDE = 256  # rows and columns of one task of a filter gradient: its sums take 256 KiB of floats


cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil:
    return (a + b - 1) // b


cdef FilterMatrix matrix_of(weights, char code, bint transpose, const ptrdiff_t *no_offset) except *:
    """A matrix, or its transpose, as the filters of one tap."""
    cdef FilterMatrix f
    memset(&f, 0, sizeof(f))
    f.weights, f.tap_offset = address(weights, code), no_offset
    f.columns = weights.shape[0 if transpose else 1]
    f.step, f.column_step = (1, weights.shape[1]) if transpose else (weights.shape[1], 1)
    return f


def packed_numbers(weights, bint transpose):
    """How many numbers pack makes of a matrix."""
    cdef ptrdiff_t no_offset = 0
    cdef char code = code_of(weights)
    cdef FilterMatrix f = matrix_of(weights, code, transpose, &no_offset)
    return table(code).packed_size(&f, weights.shape[1 if transpose else 0], 1)


def pack(weights, bint transpose, packed):
    """A matrix, or its transpose, as products read it, for those that share it."""
    cdef ptrdiff_t no_offset = 0, depth = weights.shape[1 if transpose else 0], panel
    cdef char code = code_of(weights)
    cdef const Kernels *k = table(code)
    cdef FilterMatrix f = matrix_of(weights, code, transpose, &no_offset)
    cdef void *packed_ = address(packed, code, True)
    cdef int threads = threads_for(<double>depth * f.columns)
    for panel in prange(ceil_div(f.columns, k.panel), nogil=True, num_threads=threads, schedule="static"):
        k.pack_filters(&f, 1, depth, panel, panel + 1, packed_)


def matmul(a, b, bint transpose_b, bias, int activation, out):
    """out (M, N) = act(a @ B + bias), a (M, K), B = b (K, N) or the transpose of b (N, K)."""
    cdef char code = code_of(a)
    cdef const Kernels *k = table(code)
    cdef Problem p
    cdef int no_tap = 0
    cdef ptrdiff_t no_offset = 0
    memset(&p, 0, sizeof(p))
    p.filters = matrix_of(b, code, transpose_b, &no_offset)
    cdef ptrdiff_t m = a.shape[0], depth = a.shape[1], n = p.filters.columns
    one_pixel_rows(&p.gather, address(a, code), m, depth, &no_tap)
    p.target.target, p.target.pixel, p.rows = address(out, code, True), n, m
    cdef const void *bias_ = address(bias, code)
    let_stream(&p, 1, 8 if code == b"d" else 4)
    with nogil:
        if m <= (THIN_ROWS_OF_LARGE if depth * n >= LARGE else THIN_ROWS):
            run_thin(k, &p, transpose_b, bias_, activation)
        else:
            run_gemm(k, &p, 1, 1, bias_, activation)


cdef void let_stream(Problem *p, ptrdiff_t groups, ptrdiff_t size) noexcept nogil:
    """Write results past the caches that they are too large for, if they lie in whole cache lines."""
    cdef RowTarget *t = &p.target
    cdef bint whole = (t.pixel | t.row | t.image | p.filters.columns) * size % CACHE_LINE == 0
    t.streams = whole and <size_t>t.target % CACHE_LINE == 0 and p.rows * p.filters.columns * groups * size >= STREAMED_BYTES


cdef void run_thin(const Kernels *k, const Problem *p, bint transpose_b, const void *bias, int activation) noexcept nogil:
    """Few rows: the matrix is read once, in its own order, where packing it would take longer than the products."""
    cdef ptrdiff_t depth = p.gather.length, columns = p.filters.columns, part
    if not p.rows or not columns:
        return
    cdef int threads = threads_for(<double>p.rows * depth * columns)
    if p.rows == 1 and columns <= k.narrow and not transpose_b:
        threads = 1
    cdef ptrdiff_t step = ceil_div(ceil_div(columns, threads), k.panel) * k.panel
    for part in prange(ceil_div(columns, step), num_threads=threads, schedule="static"):
        k.thin_product(p.gather.source, p.rows, depth, p.filters.weights, columns, transpose_b, bias, activation,
                       p.target.target, part * step, min(columns, (part + 1) * step))


def transposed_partials(ptrdiff_t k, ptrdiff_t m, ptrdiff_t n):
    """How many arrays of (M, N) matmul_transposed needs to work in."""
    cdef FilterGrad f
    f.gather.taps, f.gather.length, f.filters = 1, m, n
    return sums_of(&f, k, 1).partials


def matmul_transposed(a, b, partials, out):
    """out (M, N) = a.T @ b, a (K, M), b (K, N), by way of as many partials (M, N) as transposed_partials tells."""
    cdef char code = code_of(a)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t size = 8 if code == b"d" else 4
    cdef int no_tap = 0
    cdef FilterGrad f
    memset(&f, 0, sizeof(f))
    one_pixel_rows(&f.gather, address(a, code), a.shape[0], a.shape[1], &no_tap)
    f.gradient, f.gradient_pixel, f.filters = address(b, code), b.shape[1], b.shape[1]
    cdef Sums s = sums_of(&f, a.shape[0], 1)
    cdef char *partial = <char *>address(partials, code, True)
    cdef char *target = <char *>address(out, code, True)
    with nogil:
        run_filter_grad(k, &f, &s, partial, target, size)


cdef void one_pixel_rows(RowGather *g, const void *source, ptrdiff_t rows, ptrdiff_t length, int *no_tap) noexcept nogil:
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
    cdef ptrdiff_t depth = 1, rows = 0, columns, tasks, i, task
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
        tasks = ROW_TASKS_PER_THREAD if count == 1 else TASKS_PER_THREAD  # phases differ in their work
        row_parts = ceil_div(tasks * threads, count * group_parts * panel_parts)
        row_parts = max(1, min(row_parts, rows // ROWS_PER_TASK))
        panel_parts = min(panels, max(panel_parts, ceil_div(2 * threads, count * group_parts * row_parts)))
    for task in prange(count * row_parts * panel_parts * group_parts, num_threads=threads, schedule="dynamic"):
        gemm_task(k, problems, task, row_parts, panel_parts, panels, group_parts, groups, bias, activation)


cdef void run_dots(const Kernels *k, const Problem *p, const void *bias) noexcept nogil:
    """One problem of few columns, cut by rows into few tasks, for each packs the filters."""
    cdef double work = <double>p.rows * p.gather.taps * p.gather.length * p.filters.columns
    cdef int threads = threads_for(work)
    cdef ptrdiff_t most = ROW_TASKS_PER_THREAD * threads if threads > 1 else 1, task
    cdef ptrdiff_t parts = max(1, min(most, p.rows // ROWS_PER_TASK))
    for task in prange(parts, num_threads=threads, schedule="dynamic"):
        k.dots(&p.gather, &p.filters, &p.target, bias, p.rows * task // parts, p.rows * (task + 1) // parts)


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


cdef Sums sums_of(const FilterGrad *f, ptrdiff_t pixels, ptrdiff_t groups) noexcept nogil:
    """How a filter gradient is summed; by shape alone, so that sums do not depend on threads.

    The side that fills its vectors clearly better becomes the right one: for few filters, since sums that are turned
    at the end cost more than some empty lanes. But whole vectors of channels need no packing then, which few filters
    gain more by (1.2 to 2 times). Few sums are cut into slices of the pixels.
    """
    cdef Sums s
    cdef ptrdiff_t depth = f.gather.taps * f.gather.length, blocks
    s.turned = filled(depth) > 1.25 * filled(f.filters)
    if f.gather.length % LANES == 0 and f.filters <= FEW_FILTERS and (f.filters <= LANES or f.filters % LANES):
        s.turned = True
    s.height, s.width = f.filters if s.turned else depth, depth if s.turned else f.filters
    s.pixels, s.groups = pixels, groups
    blocks = groups * ceil_div(s.height, SLICED_HEIGHT) * ceil_div(s.width, SLICED_WIDTH)
    s.slices = max(1, min(ceil_div(MOST_SLICES, max(1, blocks)), pixels // ROWS_PER_SLICE))
    s.partials = s.slices if s.turned or s.slices > 1 else 0
    return s


cdef double filled(ptrdiff_t numbers) noexcept nogil:
    """Which part of the lanes holds something, of as many vectors as `numbers` need."""
    return <double>numbers / (max(1, ceil_div(numbers, LANES)) * LANES)


cdef void run_filter_grad(const Kernels *k, FilterGrad *f, const Sums *s, char *partial, char *target,
                          ptrdiff_t size) noexcept nogil:
    """Every slice of the pixels and block of the sums by itself, then the slices added up and turned."""
    if not s.height or not s.width:
        return
    f.turned = s.turned
    f.sums_row = s.width if s.turned else s.groups * s.width
    f.sums_group = s.height * s.width if s.turned else s.width
    cdef ptrdiff_t numbers = s.groups * s.height * s.width, blocks = ceil_div(s.width, SUMMED_ROWS), task
    cdef int threads = threads_for(<double>s.pixels * numbers)
    cdef int sum_threads = threads_for(<double>s.slices * numbers)
    cdef Blocks b
    b.panels, b.panel_parts = ceil_div(s.width, k.panel), ceil_div(s.width, SUMMED_SIDE)
    b.strips, b.strip_parts = ceil_div(s.height, STRIP), ceil_div(s.height, SUMMED_SIDE)
    b.group_parts = ceil_div(s.groups, max(1, SUMMED_SIDE * SUMMED_SIDE // (s.height * s.width)))
    if threads > 1:
        b.group_parts = max(b.group_parts, min(s.groups, ceil_div(ROW_TASKS_PER_THREAD * threads, s.slices * b.panel_parts)))
        b.strip_parts = max(b.strip_parts, ceil_div(ROW_TASKS_PER_THREAD * threads, s.slices * b.panel_parts * b.group_parts))
    b.strip_parts, b.panel_parts = min(b.strip_parts, b.strips), min(b.panel_parts, b.panels)
    for task in prange(s.slices * b.group_parts * b.strip_parts * b.panel_parts, num_threads=threads, schedule="dynamic"):
        filter_grad_task(k, f, s, &b, task, partial if s.partials else target, size)
    if s.turned:
        for task in prange(s.groups * blocks, num_threads=sum_threads, schedule="static"):
            sum_task(k, s, partial, target, task % s.groups, task // s.groups * SUMMED_ROWS, size)
    elif s.partials:
        sum_partials(k, partial, s.slices, numbers, target, sum_threads)


cdef void filter_grad_task(const Kernels *k, const FilterGrad *f, const Sums *s, const Blocks *b, ptrdiff_t task,
                           char *sums, ptrdiff_t size) noexcept nogil:
    cdef ptrdiff_t panel = task % b.panel_parts, strip = task // b.panel_parts % b.strip_parts
    cdef ptrdiff_t group = task // b.panel_parts // b.strip_parts % b.group_parts
    cdef ptrdiff_t slice_ = task // b.panel_parts // b.strip_parts // b.group_parts
    k.gemm_filter_grad(f, s.pixels * slice_ // s.slices, s.pixels * (slice_ + 1) // s.slices,
                       s.groups * group // b.group_parts, s.groups * (group + 1) // b.group_parts,
                       b.strips * strip // b.strip_parts * STRIP,
                       min(s.height, b.strips * (strip + 1) // b.strip_parts * STRIP),
                       b.panels * panel // b.panel_parts, b.panels * (panel + 1) // b.panel_parts,
                       sums + slice_ * s.groups * s.height * s.width * size)


cdef void sum_task(const Kernels *k, const Sums *s, const char *partial, char *target, ptrdiff_t group, ptrdiff_t first,
                   ptrdiff_t size) noexcept nogil:
    cdef ptrdiff_t filters = s.groups * s.height
    k.sum_transposed(partial + (group * s.height * s.width + first) * size, s.slices, filters * s.width, s.width,
                     min(SUMMED_ROWS, s.width - first), s.height,
                     target + (first * filters + group * s.height) * size, filters)


cdef void sum_partials(const Kernels *k, const void *partials, ptrdiff_t slices, ptrdiff_t numbers, void *target,
                       int threads) noexcept nogil:
    cdef ptrdiff_t parts = ceil_div(numbers, 4096), part
    for part in prange(parts, num_threads=threads, schedule="static"):
        k.sum_slices(partials, slices, numbers, target, part * 4096, min(numbers, (part + 1) * 4096))
