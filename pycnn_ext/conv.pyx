"""Convolution and matrix products: geometry to gathered rows, and the parallel loop over tiles.

A ConvPlan holds what depends on the geometry alone: where the taps of the forward pass and of each phase of
the input gradient lie. With stride s, the input gradient falls into s*s phases, the pixels of one remainder
each; within a phase the taps are those of a stride-1 convolution, so no product with an inserted zero is made.
"""

from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from pycnn_ext.kernels cimport FilterMatrix, Kernels, RowGather, RowTarget, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t PACKED_NUMBERS = 128 * 1024  # filters packed by one task: 512 KiB of floats, half of L2
cdef ptrdiff_t TASKS_PER_THREAD = 4
cdef ptrdiff_t ROWS_PER_TASK = 56
cdef ptrdiff_t ROWS_PER_SLICE = 512
cdef ptrdiff_t PIXELS_PER_TASK = 256
cdef ptrdiff_t MOST_SLICES = 8
cdef ptrdiff_t SUMMED_ROWS = 64
cdef ptrdiff_t SUMMED_NUMBERS = 64 * 1024  # sums of one task of a filter gradient: 256 KiB of floats


cdef struct Phase:
    RowGather gather
    ptrdiff_t *tap_offset
    int *taps_yx
    ptrdiff_t target_y, target_x  # first pixel of the phase
    ptrdiff_t step_y, step_x      # from one to the next


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


cdef ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) noexcept nogil:
    return (a + b - 1) // b


cdef class ConvPlan:
    """Taps of one convolution geometry, forward and by phases backward.

    Parameters
    ----------
    input_size, output_size, kernel_size, strides, dilation : pairs of ints
    top, left : int
        Padding before.
    in_channels, out_channels, groups : int
    merge : bool
        Take the taps of one filter row as one run. Needs dilation 1, one group, and no padding left or right.
    """

    cdef ptrdiff_t height, width, channels, grid_height, grid_width, filters, groups, taps
    cdef Phase forward_phase
    cdef Phase *phases
    cdef ptrdiff_t phase_count
    cdef readonly bint has_empty_phase
    cdef object zeros

    def __cinit__(
        self, input_size, output_size, kernel_size, strides, dilation, int top, int left,
        ptrdiff_t in_channels, ptrdiff_t out_channels, ptrdiff_t groups, bint merge, zeros,
    ):
        cdef ptrdiff_t kh = kernel_size[0], kw = kernel_size[1], sh = strides[0], sw = strides[1]
        cdef ptrdiff_t dh = dilation[0], dw = dilation[1], y, x, r, s
        self.height, self.width = input_size
        self.grid_height, self.grid_width = output_size
        self.channels, self.filters, self.groups, self.taps = in_channels, out_channels, groups, kh * kw
        self.zeros = zeros
        cdef ptrdiff_t tap_size = in_channels // groups * out_channels  # numbers of the filters a tap

        if merge:
            taps = [(r * dh - top, -left, r * kw * tap_size) for r in range(kh)]
        else:
            taps = [(r * dh - top, s * dw - left, (r * kw + s) * tap_size) for r in range(kh) for s in range(kw)]
        self.set_taps(&self.forward_phase, taps)
        cdef RowGather *g = &self.forward_phase.gather
        g.height, g.width, g.grid_height, g.grid_width = self.height, self.width, self.grid_height, self.grid_width
        g.stride_y, g.stride_x = sh, sw
        g.pixel, g.row, g.image = in_channels, in_channels * self.width, in_channels * self.width * self.height
        g.length = in_channels // groups * (kw if merge else 1)

        self.phases = <Phase *>calloc(sh * sw, sizeof(Phase))
        if self.phases == NULL:
            raise MemoryError
        for y in range(min(sh, self.height)):
            for x in range(min(sw, self.width)):
                taps = [
                    ((y + top - r * dh) // sh, (x + left - s * dw) // sw, (r * kw + s) * tap_size)
                    for r in range(kh) if (y + top - r * dh) % sh == 0
                    for s in range(kw) if (x + left - s * dw) % sw == 0
                ]
                if not taps:
                    self.has_empty_phase = True
                    continue
                phase = &self.phases[self.phase_count]
                self.phase_count += 1
                self.set_taps(phase, taps)
                phase.target_y, phase.target_x, phase.step_y, phase.step_x = y, x, sh, sw
                g = &phase.gather
                g.height, g.width = self.grid_height, self.grid_width
                g.grid_height, g.grid_width = ceil_div(self.height - y, sh), ceil_div(self.width - x, sw)
                g.stride_y = g.stride_x = 1
                g.pixel, g.row = out_channels, out_channels * self.grid_width
                g.image = g.row * self.grid_height
                g.length = out_channels // groups

    def __dealloc__(self):
        cdef ptrdiff_t i
        free(self.forward_phase.tap_offset)
        free(self.forward_phase.taps_yx)
        if self.phases != NULL:
            for i in range(self.phase_count):
                free(self.phases[i].tap_offset)
                free(self.phases[i].taps_yx)
            free(self.phases)

    cdef int set_taps(self, Phase *phase, list taps) except -1:
        cdef ptrdiff_t i, n = len(taps)
        phase.tap_offset = <ptrdiff_t *>calloc(n, sizeof(ptrdiff_t))
        phase.taps_yx = <int *>calloc(2 * n, sizeof(int))
        if phase.tap_offset == NULL or phase.taps_yx == NULL:
            raise MemoryError
        for i in range(n):
            phase.taps_yx[i], phase.taps_yx[n + i], phase.tap_offset[i] = taps[i]
        phase.gather.taps, phase.gather.tap_y, phase.gather.tap_x = n, phase.taps_yx, phase.taps_yx + n
        return 0

    def forward(self, x, w, bias, int activation, out, bint planar=False):
        """out (N, P, Q, K) = act(conv(x, w) + bias)."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef Problem p
        p.gather = self.forward_phase.gather
        p.gather.source, p.gather.zeros = address(x, code), address(self.zeros, code)
        p.filters.weights, p.filters.tap_offset = address(w, code), self.forward_phase.tap_offset
        p.filters.columns = p.filters.group = self.filters // self.groups
        p.filters.step, p.filters.column_step = self.filters, 1
        p.target.target = address(out, code, True)
        p.target.pixel, p.target.row = self.filters, self.filters * self.grid_width
        p.target.image = p.target.row * self.grid_height
        p.rows = len(x) * self.grid_height * self.grid_width
        cdef const void *bias_ = address(bias, code)
        with nogil:
            if planar:
                run_planar(k, &p, 1, bias_, activation)
            else:
                run_gemm(k, &p, 1, self.groups, bias_, activation)

    def input_grad(self, gy, w, out, bint planar=False):
        """out (N, H, W, C) = the adjoint of conv in x. Pixels of empty phases are left as they are."""
        cdef char code = code_of(gy)
        cdef const Kernels *k = table(code)
        cdef ptrdiff_t size = 8 if code == b"d" else 4, batch = len(gy), j
        cdef char *target = <char *>address(out, code, True)
        cdef const void *source = address(gy, code)
        cdef const void *weights = address(w, code)
        cdef const void *zeros = address(self.zeros, code)
        cdef Problem *problems = <Problem *>calloc(self.phase_count, sizeof(Problem))
        if problems == NULL:
            raise MemoryError
        for j in range(self.phase_count):
            phase = &self.phases[j]
            p = &problems[j]
            p.gather = phase.gather
            p.gather.source, p.gather.zeros = source, zeros
            p.filters.weights, p.filters.tap_offset = weights, phase.tap_offset
            p.filters.columns, p.filters.group = self.channels // self.groups, self.filters // self.groups
            p.filters.step, p.filters.column_step = 1, self.filters
            p.target.target = target + (phase.target_y * self.width + phase.target_x) * self.channels * size
            p.target.pixel = self.channels * phase.step_x
            p.target.row = self.channels * self.width * phase.step_y
            p.target.image = self.channels * self.width * self.height
            p.rows = batch * phase.gather.grid_height * phase.gather.grid_width
        with nogil:
            if planar:
                run_planar(k, problems, self.phase_count, NULL, 0)
            else:
                run_gemm(k, problems, self.phase_count, self.groups, NULL, 0)
        free(problems)

    def input_grad_scatter(self, gy, w, out):
        """The same into zeroed ``out``, by products that are added where they belong: for few input channels."""
        cdef char code = code_of(gy)
        cdef const Kernels *k = table(code)
        cdef ptrdiff_t batch = len(gy), size = 8 if code == b"d" else 4, groups = self.groups
        cdef ptrdiff_t group_channels = self.channels // groups, group_filters = self.filters // groups, task
        cdef ptrdiff_t filters = self.filters
        cdef char *source = <char *>address(gy, code)
        cdef char *target = <char *>address(out, code, True)
        cdef RowGather gather = self.forward_phase.gather
        cdef FilterMatrix matrix
        matrix.weights, matrix.tap_offset = address(w, code), self.forward_phase.tap_offset
        matrix.columns = matrix.group = group_filters
        matrix.step, matrix.column_step = filters, 1
        cdef double work = <double>batch * self.grid_height * self.grid_width * self.taps * group_channels * filters
        cdef int threads = threads_for(work)
        cdef ptrdiff_t parts = min(batch, TASKS_PER_THREAD * threads)
        with nogil:
            for task in prange(groups * parts, num_threads=threads, schedule="dynamic"):
                k.gemm_scatter(
                    &gather, source + task % groups * group_filters * size, filters, &matrix, task % groups,
                    target + task % groups * group_channels * size,
                    batch * (task // groups) // parts, batch * (task // groups + 1) // parts)

    def filter_grad_slices(self, x):
        """Into how many slices filter_grad cuts the pixels: by shape alone, so that sums do not depend on threads."""
        cdef ptrdiff_t pixels = len(x) * self.grid_height * self.grid_width
        cdef ptrdiff_t depth = self.taps * (self.channels // self.groups)
        cdef ptrdiff_t parts = filter_grad_parts(table(code_of(x)), depth, self.filters // self.groups, self.groups)
        return max(1, min(ceil_div(MOST_SLICES, parts), pixels // ROWS_PER_SLICE))

    def filter_grad(self, x, gy, partials, out):
        """out (R, S, C/groups, K) = the adjoint of conv in w, by way of partials (slices, groups, K/groups, R*S*C/groups)."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef ptrdiff_t size = 8 if code == b"d" else 4
        cdef FilterGrad f
        f.gather = self.forward_phase.gather
        f.gather.source, f.gather.zeros = address(x, code), address(self.zeros, code)
        f.gradient, f.target = address(gy, code), <char *>address(out, code, True)
        f.partial, f.slices = <char *>address(partials, code, True), len(partials)
        f.groups, f.filters, f.depth = self.groups, self.filters, self.taps * (self.channels // self.groups)
        f.pixels = len(x) * self.grid_height * self.grid_width
        with nogil:
            run_filter_grad(k, &f, size)

    def pixel_slices(self, ptrdiff_t batch):
        """Into how many slices planar_filter_grad and depthwise_filter_grad cut the pixels."""
        return max(1, min(MOST_SLICES, batch * self.grid_height * self.grid_width // ROWS_PER_SLICE))

    def planar_filter_grad(self, x, gy, partials, out):
        """out (R, S, C, K) = the adjoint of conv in w for few filters, by way of partials (slices, R, S, C, K)."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef RowGather gather = self.forward_phase.gather
        gather.source = address(x, code)
        cdef ptrdiff_t slices = len(partials), numbers = self.taps * self.channels * self.filters, part
        cdef ptrdiff_t lines = len(x) * self.grid_height, size = 8 if code == b"d" else 4
        cdef const void *gradient = address(gy, code)
        cdef char *partial = <char *>address(partials, code, True)
        cdef void *target = address(out, code, True)
        cdef int threads = threads_for(<double>lines * self.grid_width * numbers)
        with nogil:
            for part in prange(slices, num_threads=threads, schedule="dynamic"):
                k.planar_filter_grad(&gather, gradient, self.filters, lines * part // slices,
                                     lines * (part + 1) // slices, partial + part * numbers * size)
            sum_partials(k, partial, slices, numbers, target, 1)

    def depthwise_forward(self, x, w, bias, int activation, out):
        """out (N, P, Q, C) = act(conv(x, w) + bias), where every channel has one filter of its own."""
        cdef char code = code_of(x)
        cdef RowTarget target
        target.target = address(out, code, True)
        target.pixel, target.row = self.channels, self.channels * self.grid_width
        target.image = target.row * self.grid_height
        cdef ptrdiff_t rows = len(x) * self.grid_height * self.grid_width
        self.run_depthwise(&self.forward_phase, code, x, w, bias, activation, &target, rows)

    def depthwise_input_grad(self, gy, w, out):
        """out (N, H, W, C) = its adjoint in x. Pixels of empty phases are left as they are."""
        cdef char code = code_of(gy)
        cdef RowTarget target
        cdef ptrdiff_t j, size = 8 if code == b"d" else 4
        for j in range(self.phase_count):
            phase = &self.phases[j]
            target.target = <char *>address(out, code, True) + (
                phase.target_y * self.width + phase.target_x) * self.channels * size
            target.pixel = self.channels * phase.step_x
            target.row = self.channels * self.width * phase.step_y
            target.image = self.channels * self.width * self.height
            self.run_depthwise(phase, code, gy, w, None, 0, &target,
                               len(gy) * phase.gather.grid_height * phase.gather.grid_width)

    cdef int run_depthwise(self, Phase *phase, char code, x, w, bias, int activation, RowTarget *target,
                           ptrdiff_t rows) except -1:
        cdef const Kernels *k = table(code)
        cdef RowGather gather = phase.gather
        cdef FilterMatrix filters
        cdef const void *bias_ = address(bias, code)
        gather.source, gather.zeros, gather.length = address(x, code), address(self.zeros, code), self.channels
        filters.weights, filters.tap_offset = address(w, code), phase.tap_offset
        filters.step, filters.column_step, filters.columns = 1, 1, self.channels
        cdef int threads = threads_for(<double>rows * gather.taps * self.channels)
        cdef ptrdiff_t parts = 1 if threads == 1 else max(1, min(TASKS_PER_THREAD * threads, rows // ROWS_PER_TASK))
        cdef ptrdiff_t part
        with nogil:
            for part in prange(parts, num_threads=threads, schedule="dynamic"):
                k.depthwise(&gather, &filters, target, bias_, activation, rows * part // parts,
                            rows * (part + 1) // parts)
        return 0

    def depthwise_filter_grad(self, x, gy, partials, out):
        """out (R, S, 1, C) = its adjoint in w, by way of partials (slices, R, S, 1, C)."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef RowGather gather = self.forward_phase.gather
        gather.source, gather.zeros, gather.length = address(x, code), address(self.zeros, code), self.channels
        cdef ptrdiff_t slices = len(partials), numbers = self.taps * self.channels, part
        cdef ptrdiff_t rows = len(x) * self.grid_height * self.grid_width, size = 8 if code == b"d" else 4
        cdef const void *gradient = address(gy, code)
        cdef char *partial = <char *>address(partials, code, True)
        cdef void *target = address(out, code, True)
        cdef int threads = threads_for(<double>rows * numbers)
        with nogil:
            for part in prange(slices, num_threads=threads, schedule="dynamic"):
                k.depthwise_filter_grad(&gather, gradient, rows * part // slices, rows * (part + 1) // slices,
                                        partial + part * numbers * size)
            sum_partials(k, partial, slices, numbers, target, 1)


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
