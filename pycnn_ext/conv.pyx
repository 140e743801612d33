"""Convolution: geometry to gathered rows, whose products gemm.pyx makes.

A ConvPlan holds what depends on the geometry alone: where the taps of the forward pass and of each phase of
the input gradient lie. With stride s, the input gradient falls into s*s phases, the pixels of one remainder
each; within a phase the taps are those of a stride-1 convolution, so no product with an inserted zero is made.
"""

from cython.parallel cimport prange
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from pycnn_ext.gemm cimport (
    Problem,
    Sums,
    ceil_div,
    let_stream,
    parts_for,
    pixel_slices,
    run_dots,
    run_filter_grad,
    run_gemm,
    run_planar,
    sum_partials,
    sums_of,
)
from pycnn_ext.kernels cimport FilterGrad, FilterMatrix, Kernels, LineTarget, RowGather, address, code_of, table
from pycnn_ext.threads cimport threads_for


cdef ptrdiff_t COPIED_NUMBER_WORK = 4  # a number's copy takes about as long as so many multiply-adds
cdef ptrdiff_t ZEROED_AT_ONCE = 1 << 17  # bytes of a task


def fill_zeros(out):
    """out = 0"""
    cdef char code = code_of(out)
    cdef ptrdiff_t size = 8 if code == b"d" else 4, count = out.size * size, task
    cdef char *target = <char *>address(out, code, True)
    cdef int threads = threads_for(<double>count / size)
    for task in prange(ceil_div(count, ZEROED_AT_ONCE), nogil=True, num_threads=threads, schedule="static"):
        memset(target + task * ZEROED_AT_ONCE, 0, min(ZEROED_AT_ONCE, count - task * ZEROED_AT_ONCE))


def pad_zeros(x, ptrdiff_t top, ptrdiff_t left, out):
    """out = images x (N, H, W, C) in a frame of zeros, whose upper left corners are so large."""
    cdef char code = code_of(x)
    cdef ptrdiff_t size = 8 if code == b"d" else 4
    cdef ptrdiff_t height = x.shape[1], width = x.shape[2] * x.shape[3] * size
    cdef ptrdiff_t padded_height = out.shape[1], padded_width = out.shape[2] * out.shape[3] * size
    cdef ptrdiff_t rows = len(x) * padded_height, before = left * x.shape[3] * size, row, y
    cdef const char *source = <const char *>address(x, code)
    cdef char *target = <char *>address(out, code, True)
    cdef int threads = threads_for(<double>rows * padded_width / size * COPIED_NUMBER_WORK)
    for row in prange(rows, nogil=True, num_threads=threads, schedule="static"):
        y = row % padded_height - top
        if y < 0 or y >= height:
            memset(target + row * padded_width, 0, padded_width)
        else:
            memset(target + row * padded_width, 0, before)
            memcpy(target + row * padded_width + before, source + (row // padded_height * height + y) * width, width)
            memset(target + row * padded_width + before + width, 0, padded_width - before - width)


cdef struct Phase:
    RowGather gather
    ptrdiff_t *tap_offset
    int *taps_yx
    ptrdiff_t target_y, target_x  # first pixel of the phase
    ptrdiff_t step_y, step_x      # from one to the next


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
    cdef ptrdiff_t kernel_width, stride_x, left
    cdef Phase forward_phase
    cdef Phase *phases
    cdef Phase *row_phases  # with the taps of one column of the filters
    cdef ptrdiff_t phase_count, row_phase_count
    cdef readonly bint has_empty_phase, has_empty_row_phase
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
        self.kernel_width, self.stride_x, self.left = kw, sw, left
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

        self.phases, self.row_phases = <Phase *>calloc(sh * sw, sizeof(Phase)), <Phase *>calloc(sh, sizeof(Phase))
        if self.phases == NULL or self.row_phases == NULL:
            raise MemoryError
        for y in range(min(sh, self.height)):
            rows = [((y + top - r * dh) // sh, r * kw * tap_size) for r in range(kh) if (y + top - r * dh) % sh == 0]
            if rows:
                phase = &self.row_phases[self.row_phase_count]
                self.row_phase_count += 1
                self.set_phase(phase, [(at, 0, offset) for at, offset in rows], y, 0, sh, 1)
                phase.gather.grid_width = self.grid_width
            self.has_empty_row_phase |= not rows
            for x in range(min(sw, self.width)):
                taps = [
                    (at, (x + left - s * dw) // sw, offset + s * tap_size)
                    for at, offset in rows for s in range(kw) if (x + left - s * dw) % sw == 0
                ]
                if taps:
                    phase = &self.phases[self.phase_count]
                    self.phase_count += 1
                    self.set_phase(phase, taps, y, x, sh, sw)
                self.has_empty_phase |= not taps

    def __dealloc__(self):
        cdef ptrdiff_t i
        free(self.forward_phase.tap_offset)
        free(self.forward_phase.taps_yx)
        if self.phases != NULL:
            for i in range(self.phase_count):
                free(self.phases[i].tap_offset)
                free(self.phases[i].taps_yx)
            free(self.phases)
        if self.row_phases != NULL:
            for i in range(self.row_phase_count):
                free(self.row_phases[i].tap_offset)
                free(self.row_phases[i].taps_yx)
            free(self.row_phases)

    cdef int set_phase(self, Phase *phase, list taps, ptrdiff_t y, ptrdiff_t x, ptrdiff_t sh, ptrdiff_t sw) except -1:
        """A phase of the input gradient: pixels (y, x), (y, x + sw), ... of the image, from pixels of the gradient."""
        cdef RowGather *g = &phase.gather
        self.set_taps(phase, taps)
        phase.target_y, phase.target_x, phase.step_y, phase.step_x = y, x, sh, sw
        g.height, g.width = self.grid_height, self.grid_width
        g.grid_height, g.grid_width = ceil_div(self.height - y, sh), ceil_div(self.width - x, sw)
        g.stride_y = g.stride_x = 1
        g.pixel, g.row = self.filters, self.filters * self.grid_width
        g.image = g.row * self.grid_height
        g.length = self.filters // self.groups
        return 0

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

    cdef void fill_filters(self, FilterMatrix *f) noexcept:
        f.tap_offset = self.forward_phase.tap_offset
        f.columns = f.group = self.filters // self.groups
        f.step, f.column_step = self.filters, 1

    def packed_size(self):
        """How many numbers pack_filters makes."""
        cdef FilterMatrix f
        self.fill_filters(&f)
        cdef RowGather *g = &self.forward_phase.gather
        return table(code_of(self.zeros)).packed_size(&f, g.taps * g.length, self.groups)

    def pack_filters(self, w, packed):
        """The filters as the forward pass reads them, which packs them itself at each call if it is not given them."""
        cdef char code = code_of(w)
        cdef const Kernels *k = table(code)
        cdef FilterMatrix f
        self.fill_filters(&f)
        f.weights = address(w, code)
        cdef void *packed_ = address(packed, code, True)
        cdef RowGather *g = &self.forward_phase.gather
        cdef ptrdiff_t panels = self.groups * ceil_div(f.columns, k.panel), i
        cdef int threads = threads_for(<double>self.taps * self.channels // self.groups * self.filters)
        with nogil:
            for i in prange(panels, num_threads=threads, schedule="static"):
                k.pack_filters(&f, g.taps, g.length, i, i + 1, packed_)

    def pack_turned(self, w, packed):
        """The filters for the input gradient of stride 1, as the forward pass of the convolution of gy reads them."""
        cdef char code = code_of(w)
        cdef const Kernels *k = table(code)
        cdef FilterMatrix f
        cdef ptrdiff_t tap_size = self.channels * self.filters, i
        cdef ptrdiff_t *offsets = <ptrdiff_t *>calloc(self.taps, sizeof(ptrdiff_t))
        if offsets == NULL:
            raise MemoryError
        for i in range(self.taps):
            offsets[i] = (self.taps - 1 - i) * tap_size
        f.weights, f.tap_offset, f.packed, f.group = address(w, code), offsets, NULL, 0
        f.columns, f.step, f.column_step = self.channels, 1, self.filters
        cdef void *packed_ = address(packed, code, True)
        cdef int threads = threads_for(<double>self.taps * tap_size)
        for i in prange(ceil_div(self.channels, k.panel), nogil=True, num_threads=threads, schedule="static"):
            k.pack_filters(&f, self.taps, self.filters, i, i + 1, packed_)
        free(offsets)

    def forward_dots(self, x, w, bias, out):
        """out (N, P, Q, K) = conv(x, w) + bias for few filters of many channels, without groups."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef Problem p
        self.fill_problem(&p, x, w, out, code)
        cdef const void *bias_ = address(bias, code)
        with nogil:
            run_dots(k, &p, bias_)

    cdef int fill_problem(self, Problem *p, x, w, out, char code) except -1:
        """The forward pass, but for residual and packed filters."""
        p.gather = self.forward_phase.gather
        p.gather.source, p.gather.zeros = address(x, code), address(self.zeros, code)
        self.fill_filters(&p.filters)
        p.filters.weights, p.filters.packed = address(w, code), NULL
        p.target.target, p.target.residual = address(out, code, True), NULL
        p.target.pixel, p.target.row = self.filters, self.filters * self.grid_width
        p.target.image = p.target.row * self.grid_height
        p.rows = len(x) * self.grid_height * self.grid_width
        return 0

    def forward(self, x, w, packed, bias, residual, int activation, out, bint planar=False):
        """out (N, P, Q, K) = act(conv(x, w) + bias + residual); ``planar`` takes no residual. Packed filters stand for w."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef Problem p
        self.fill_problem(&p, x, w, out, code)
        p.filters.packed, p.target.residual = address(packed, code), address(residual, code)
        let_stream(&p, self.groups, 8 if code == b"d" else 4)
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
            p.target.residual = NULL
            p.target.pixel = self.channels * phase.step_x
            p.target.row = self.channels * self.width * phase.step_y
            p.target.image = self.channels * self.width * self.height
            p.rows = batch * phase.gather.grid_height * phase.gather.grid_width
            let_stream(p, self.groups, size)
        with nogil:
            if planar:
                run_planar(k, problems, self.phase_count, NULL, 0)
            else:
                run_gemm(k, problems, self.phase_count, self.groups, NULL, 0)
        free(problems)

    def input_grad_scatter(self, gy, w, out):
        """The same without groups and dilation in x, for few channels: what each pixel of gy adds to a line of the image."""
        cdef char code = code_of(gy)
        cdef const Kernels *k = table(code)
        cdef ptrdiff_t size = 8 if code == b"d" else 4, batch = len(gy), lines, task, j
        cdef const void *source = address(gy, code)
        cdef const void *zeros = address(self.zeros, code)
        cdef char *target = <char *>address(out, code, True)
        cdef FilterMatrix filters
        cdef LineTarget line
        cdef RowGather gather
        filters.weights = address(w, code)
        filters.packed = NULL
        filters.columns, filters.group, filters.step = self.channels * self.kernel_width, 0, 1
        filters.column_step = self.filters
        line.numbers, line.image = self.channels * self.width, self.channels * self.width * self.height
        line.step, line.before = self.channels * self.stride_x, self.channels * self.left
        cdef double work = <double>batch * self.grid_height * self.grid_width * self.taps * self.filters * self.channels
        cdef int threads = threads_for(work)
        cdef ptrdiff_t parts = parts_for(threads, batch * self.height // max(1, self.row_phase_count), 1)
        for j in range(self.row_phase_count):
            phase = &self.row_phases[j]
            gather = phase.gather
            gather.source, gather.zeros = source, zeros
            filters.tap_offset = phase.tap_offset
            line.row = line.numbers * phase.step_y
            line.target = target + phase.target_y * line.numbers * size
            lines = batch * gather.grid_height
            with nogil:
                for task in prange(parts, num_threads=threads, schedule="dynamic"):
                    k.gemm_scatter(&gather, &filters, &line, lines * task // parts, lines * (task + 1) // parts)

    cdef FilterGrad gradient_of_filters(self):
        cdef FilterGrad f
        f.gather = self.forward_phase.gather
        f.gradient_pixel, f.filters = self.filters, self.filters // self.groups
        return f

    def filter_grad_partials(self, ptrdiff_t batch):
        """How many arrays of the filters' shape filter_grad needs to work in."""
        cdef FilterGrad f = self.gradient_of_filters()
        return sums_of(&f, batch * self.grid_height * self.grid_width, self.groups).partials

    def filter_grad(self, x, gy, partials, out):
        """out (R, S, C/groups, K) = the adjoint of conv in w, by way of as many partials as filter_grad_partials tells."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef ptrdiff_t size = 8 if code == b"d" else 4
        cdef FilterGrad f = self.gradient_of_filters()
        f.gather.source, f.gather.zeros, f.gradient = address(x, code), address(self.zeros, code), address(gy, code)
        cdef Sums s = sums_of(&f, len(x) * self.grid_height * self.grid_width, self.groups)
        cdef char *partial = <char *>address(partials, code, True)
        cdef char *target = <char *>address(out, code, True)
        with nogil:
            run_filter_grad(k, &f, &s, partial, target, size)

    def pixel_slices(self, ptrdiff_t batch):
        """Into how many slices planar_filter_grad cuts the pixels."""
        return pixel_slices(batch * self.grid_height * self.grid_width)

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
