"""Winograd's algorithm for stride 1: the parallel loops over tiles of the images and panels of the filters."""

from cython.parallel cimport prange

from pycnn_ext.gemm cimport ceil_div
from pycnn_ext.kernels cimport Kernels, Winograd, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK_COLUMNS = 64  # columns a task: the tiles are transformed anew for each
cdef ptrdiff_t KEPT_NUMBERS = 320 * 1024  # of transformed filters that a task of several blocks of tiles keeps
cdef ptrdiff_t TASKS_PER_THREAD = 2
cdef ptrdiff_t LEAST_TILES = 8     # of a task, where there would be fewer tasks than threads
cdef ptrdiff_t GRAD_CHANNELS = 48  # of one task of a filter gradient: its sums stay in L2
cdef ptrdiff_t LEAST_TASKS = 8     # of a filter gradient: with fewer, the tiles are cut into slices
cdef ptrdiff_t SLICE_TILES = 96    # fewest tiles a slice
cdef ptrdiff_t HALF_TILES = 24     # fewest tiles of each of two slices that are the only tasks


cdef class WinogradPlan:
    """One convolution of stride 1, or its input gradient (a convolution with the filters turned and transposed).

    Parameters
    ----------
    input_size, output_size : pairs of ints
    channels, filters : int
        Of what is read, and of what is written.
    top, left : int
        Padding before.
    dilation : pair of ints
    kernel, outputs : int
        Side of the filters, and of the outputs of a tile: 3 and 4, 5 and 2, or 3 and 2.
    adjoint : bool
        Whether weights are (kernel, kernel, filters, channels), to be turned by 180 degrees.
    zeros : array
        As many as the more of channels and filters, and a vector.
    """

    cdef Winograd shape
    cdef readonly ptrdiff_t outputs
    cdef bint adjoint
    cdef object zeros

    def __cinit__(self, input_size, output_size, ptrdiff_t channels, ptrdiff_t filters, ptrdiff_t top, ptrdiff_t left,
                  dilation, ptrdiff_t kernel, ptrdiff_t outputs, bint adjoint, zeros):
        cdef Winograd *s = &self.shape
        s.height, s.width = input_size
        s.out_height, s.out_width = output_size
        s.channels, s.filters, s.top, s.left = channels, filters, top, left
        s.kernel, s.outputs, s.taps = kernel, outputs, kernel + outputs - 1
        s.dilation_y, s.dilation_x = dilation
        s.tiles_y = ceil_div(ceil_div(s.out_height, s.dilation_y), outputs)
        s.tiles_x = ceil_div(ceil_div(s.out_width, s.dilation_x), outputs)
        s.tiles = s.dilation_y * s.dilation_x * s.tiles_y * s.tiles_x
        s.zeros = address(zeros, code_of(zeros))
        self.adjoint, self.zeros, self.outputs = adjoint, zeros, outputs

    def filters_size(self):
        """How many numbers transform_filters makes."""
        return table(code_of(self.zeros)).winograd_filters_size(&self.shape)

    def transform_filters(self, w, transformed):
        """The filters as the forward pass uses them, which transforms them itself if it is not given them."""
        cdef char code = code_of(w)
        cdef const Kernels *k = table(code)
        cdef const Winograd *s = &self.shape
        cdef const void *weights = address(w, code)
        cdef void *transformed_ = address(transformed, code, True)
        cdef ptrdiff_t panel
        cdef int threads = threads_for(<double>s.taps * s.taps * s.channels * s.filters), adjoint = self.adjoint
        with nogil:
            for panel in prange(ceil_div(s.filters, k.panel), num_threads=threads, schedule="static"):
                k.winograd_filters(s, weights, adjoint, panel, transformed_)

    def forward(self, x, w, transformed, bias, residual, int activation, out):
        """out (N, P, Q, K) = act(conv(x, w) + bias + residual); filters that are transformed already stand for w."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef const Winograd *s = &self.shape
        cdef ptrdiff_t tiles = len(x) * s.tiles, panels = ceil_div(s.filters, k.panel), task
        cdef ptrdiff_t blocks = ceil_div(tiles, k.winograd_tiles), parts
        cdef const void *image = address(x, code)
        cdef const void *weights = address(w if transformed is None else None, code)
        cdef const void *filters = address(transformed, code)
        cdef const void *bias_ = address(bias, code)
        cdef const void *residual_ = address(residual, code)
        cdef void *target = address(out, code, True)
        cdef int threads = threads_for(<double>tiles * s.taps * s.taps * s.channels * s.filters), adjoint = self.adjoint
        parts = ceil_div(panels, max(1, BLOCK_COLUMNS // k.panel))
        if transformed is None and s.taps * s.taps * s.channels * BLOCK_COLUMNS <= KEPT_NUMBERS:
            blocks = min(blocks, ceil_div(TASKS_PER_THREAD * threads, parts))
        if blocks * parts < threads:
            blocks = max(blocks, min(ceil_div(threads, parts), tiles // LEAST_TILES))
        with nogil:
            for task in prange(blocks * parts, num_threads=threads, schedule="dynamic"):
                k.winograd_forward(s, image, weights, adjoint, filters, target, bias_, residual_, activation,
                                   tiles * (task // parts) // blocks, tiles * (task // parts + 1) // blocks,
                                   panels * (task % parts) // parts, panels * (task % parts + 1) // parts)

    def filter_grad_sums(self, ptrdiff_t batch):
        """The shape of what filter_grad works in: slices, parts, numbers. It depends on the batch and the plan alone."""
        cdef const Kernels *k = table(code_of(self.zeros))
        cdef ptrdiff_t tiles = batch * self.shape.tiles
        cdef ptrdiff_t chunks = ceil_div(self.shape.channels, GRAD_CHANNELS), panels = ceil_div(self.shape.filters, k.panel)
        cdef ptrdiff_t parts = chunks * ceil_div(self.shape.filters, BLOCK_COLUMNS)
        cdef ptrdiff_t few = min(ceil_div(2, parts), tiles // HALF_TILES)
        cdef ptrdiff_t slices = max(1, min(ceil_div(LEAST_TASKS, parts), max(few, tiles // SLICE_TILES)))
        return slices, chunks * panels, k.winograd_sums(&self.shape, ceil_div(self.shape.channels, chunks))

    def filter_grad(self, x, gy, sums, out):
        """out (R, R, C, K) = the adjoint of conv in w, by way of sums of the shape that filter_grad_sums tells."""
        cdef char code = code_of(x)
        cdef const Kernels *k = table(code)
        cdef const Winograd *s = &self.shape
        cdef ptrdiff_t tiles = len(x) * s.tiles, panels = ceil_div(s.filters, k.panel), task, part
        cdef ptrdiff_t slices = sums.shape[0], parts = sums.shape[1], numbers = sums.shape[2], chunks = parts // panels
        cdef ptrdiff_t size = 8 if code == b"d" else 4
        cdef const void *image = address(x, code)
        cdef const void *gradient = address(gy, code)
        cdef char *sums_ = <char *>address(sums, code, True)
        cdef void *target = address(out, code, True)
        cdef int threads = threads_for(<double>tiles * s.taps * s.taps * s.channels * s.filters)
        with nogil:
            for task in prange(slices * parts, num_threads=threads, schedule="dynamic"):
                part = task % parts
                k.winograd_filter_grad(s, image, gradient, sums_ + task * numbers * size,
                                       tiles * (task // parts) // slices, tiles * (task // parts + 1) // slices,
                                       part // chunks, s.channels * (part % chunks) // chunks,
                                       s.channels * (part % chunks + 1) // chunks)
                if slices == 1:
                    k.winograd_filter_grad_finish(s, sums_ + task * numbers * size, 1, 0, part // chunks,
                                                  s.channels * (part % chunks) // chunks,
                                                  s.channels * (part % chunks + 1) // chunks, target)
            if slices > 1:
                for part in prange(parts, num_threads=threads, schedule="static"):
                    k.winograd_filter_grad_finish(s, sums_ + part * numbers * size, slices, parts * numbers,
                                                  part // chunks, s.channels * (part % chunks) // chunks,
                                                  s.channels * (part % chunks + 1) // chunks, target)
