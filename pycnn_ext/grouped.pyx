"""Convolution by groups of few channels, depthwise above all: the parallel loops over lines of the grid.

The input gradient falls into the phases of its strides, as in conv.pyx; a task is a band of lines of all phases, so
that what one phase has read is still in the cache for the next.
"""

from cython.parallel cimport prange
from libc.stdlib cimport calloc, free

from pycnn_ext.gemm cimport ceil_div, sum_partials
from pycnn_ext.kernels cimport FilterMatrix, GroupRuns, Kernels, RowGather, RowTarget, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BAND_NUMBERS = 128 * 1024  # read and written by a task of several phases: 512 KiB of floats, half of L2
cdef ptrdiff_t TASKS_PER_THREAD = 4  # or fewer, of at least so many lines, for each packs the filters
cdef ptrdiff_t BAND_LINES = 16
cdef ptrdiff_t MOST_SLICES = 8   # of a filter gradient
cdef ptrdiff_t SLICE_PIXELS = 96  # fewest of a slice


cdef struct Phase:
    RowGather gather
    GroupRuns runs
    ptrdiff_t *offsets
    int *taps_yx
    ptrdiff_t target_first, target_row, target_pixel  # numbers


cdef class GroupedPlan:
    """Runs of taps of one pass.

    Parameters
    ----------
    source_size, target_size : pairs of ints
        Height and width of the images that are read, and of those that are written.
    source_channels, target_channels, groups : int
    phases : list of (first, step, grid, strides, width, tap_step, runs)
        Pixels ``first + step * (i, j)``, (i, j) in ``grid``, of the target, each a pair; ``strides`` lead from one to
        the next in the source; ``runs`` are (y, x, place in the filters) of the first of ``width`` taps, whose
        filters lie ``tap_step`` numbers apart.
    """

    cdef ptrdiff_t source_channels, target_channels, groups, numbers, target_image, phase_count
    cdef Phase *phases

    def __cinit__(self, source_size, target_size, ptrdiff_t source_channels, ptrdiff_t target_channels,
                  ptrdiff_t groups, list phases):
        cdef ptrdiff_t height, width, out_height, out_width, i
        height, width = source_size
        out_height, out_width = target_size
        self.source_channels, self.target_channels, self.groups = source_channels, target_channels, groups
        self.phases = <Phase *>calloc(len(phases), sizeof(Phase))
        if self.phases == NULL:
            raise MemoryError
        for first, step, grid, strides, run_width, tap_step, runs in phases:
            p = &self.phases[self.phase_count]
            self.phase_count += 1
            p.offsets = <ptrdiff_t *>calloc(len(runs), sizeof(ptrdiff_t))
            p.taps_yx = <int *>calloc(2 * len(runs), sizeof(int))
            if p.offsets == NULL or p.taps_yx == NULL:
                raise MemoryError
            for i in range(len(runs)):
                p.taps_yx[i], p.taps_yx[len(runs) + i], p.offsets[i] = runs[i]
            p.gather.taps, p.gather.tap_y, p.gather.tap_x = len(runs), p.taps_yx, p.taps_yx + len(runs)
            p.gather.height, p.gather.width, p.gather.length = height, width, source_channels // groups
            p.gather.pixel, p.gather.row = source_channels, source_channels * width
            p.gather.image = source_channels * width * height
            p.gather.grid_height, p.gather.grid_width = grid
            p.gather.stride_y, p.gather.stride_x = strides
            p.runs.groups, p.runs.width, p.runs.tap_step = groups, run_width, tap_step
            p.target_pixel, p.target_row = target_channels * step[1], target_channels * out_width * step[0]
            p.target_first = target_channels * (first[0] * out_width + first[1])
        self.target_image = target_channels * out_width * out_height
        self.numbers = source_channels * height * width + self.target_image

    def __dealloc__(self):
        cdef ptrdiff_t i
        if self.phases != NULL:
            for i in range(self.phase_count):
                free(self.phases[i].offsets)
                free(self.phases[i].taps_yx)
            free(self.phases)

    cdef ptrdiff_t lines(self, ptrdiff_t batch) noexcept nogil:
        return batch * self.phases[0].gather.grid_height  # the first phase has as many as any

    cdef double work(self, ptrdiff_t batch) noexcept nogil:
        """Multiply-adds."""
        cdef double products = 0
        cdef ptrdiff_t i
        for i in range(self.phase_count):
            p = &self.phases[i]
            products += <double>p.gather.taps * p.runs.width * p.gather.grid_height * p.gather.grid_width
        return products * batch * p.gather.length * self.target_channels

    def forward(self, x, w, bias, residual, int activation, out, bint adjoint=False):
        """out = act(conv(x, w) + bias + residual), or with the ``adjoint`` filters: in and out channels change places."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef ptrdiff_t batch = len(x), size = 8 if code == b"d" else 4, band, bands = 1, i
        cdef ptrdiff_t columns = self.target_channels // self.groups, depth = self.source_channels // self.groups
        cdef const void *bias_ = address(bias, code)
        cdef char *target = <char *>address(out, code, True)
        cdef char *residual_ = <char *>address(residual, code)
        cdef const void *source = address(x, code)
        cdef FilterMatrix f
        f.weights, f.columns, f.tap_offset = address(w, code), columns, NULL
        f.group = depth if adjoint else columns
        f.step = 1 if adjoint else self.target_channels
        f.column_step = self.source_channels if adjoint else 1
        if not batch or not self.phase_count:
            return
        cdef int threads = threads_for(self.work(batch))
        if self.phase_count > 1:
            bands = ceil_div(batch * self.numbers, BAND_NUMBERS)
        if threads > 1:
            bands = max(bands, threads * max(1, min(TASKS_PER_THREAD, self.lines(batch) // (BAND_LINES * threads))))
        bands = max(1, min(bands, self.lines(batch) // 2))
        with nogil:
            for band in prange(bands, num_threads=threads, schedule="dynamic"):
                for i in range(self.phase_count):
                    self.run_band(k, &self.phases[i], source, &f, target, residual_, bias_, activation, size, batch, band, bands)

    cdef void run_band(self, const Kernels *k, const Phase *p, const void *source, const FilterMatrix *filters, char *target,
                       char *residual, const void *bias, int activation, ptrdiff_t size, ptrdiff_t batch, ptrdiff_t band,
                       ptrdiff_t bands) noexcept nogil:
        cdef RowGather g = p.gather
        cdef FilterMatrix f = filters[0]
        cdef RowTarget t
        cdef ptrdiff_t lines = batch * g.grid_height
        g.source, g.zeros = source, NULL
        f.tap_offset = p.offsets
        t.target = target + p.target_first * size
        t.residual = residual + p.target_first * size if residual != NULL else NULL
        t.pixel, t.row, t.image = p.target_pixel, p.target_row, self.target_image
        k.grouped(&g, &f, &p.runs, &t, bias, activation, lines * band // bands, lines * (band + 1) // bands)

    def slices(self, ptrdiff_t batch):
        """Into how many slices filter_grad cuts the lines: by shape alone, so that sums do not depend on threads."""
        cdef ptrdiff_t pixels = self.lines(batch) * self.phases[0].gather.grid_width
        return max(1, min(self.lines(batch), min(MOST_SLICES, pixels // SLICE_PIXELS)))

    def filter_grad(self, x, gy, partials, out):
        """out (R, S, C/groups, K) = the adjoint of conv in w, by way of partials (slices, R, S, C/groups, K)."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef const Phase *p = &self.phases[0]
        cdef RowGather g = p.gather
        cdef FilterMatrix f
        cdef ptrdiff_t batch = len(x), size = 8 if code == b"d" else 4, slices = len(partials), part
        cdef ptrdiff_t lines = self.lines(batch), numbers = g.taps * p.runs.width * g.length * self.target_channels
        cdef const void *gradient = address(gy, code)
        cdef char *partial = <char *>address(partials, code, True)
        cdef void *target = address(out, code, True)
        g.source, g.zeros = address(x, code), NULL
        f.tap_offset, f.columns, f.step, f.column_step = p.offsets, self.target_channels // self.groups, self.target_channels, 1
        f.group, f.weights = f.columns, NULL
        cdef int threads = threads_for(self.work(batch))
        with nogil:
            for part in prange(slices, num_threads=threads, schedule="dynamic"):
                k.grouped_filter_grad(&g, &f, &p.runs, gradient, lines * part // slices, lines * (part + 1) // slices,
                                      partial + part * numbers * size)
            sum_partials(k, partial, slices, numbers, target, 1)
