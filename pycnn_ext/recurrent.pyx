"""Steps of recurrent nets, parallel over samples."""

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t ROWS = 8  # samples a task
cdef ptrdiff_t UNIT_WORK = 40  # a unit's gates take about as long as so many multiply-adds


def lstm_step(x, r, c, h, new_c, gates):
    """h, new_c (N, U) and gates (N, 4U) of x, r (N, 4U) and c (N, U)."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t n = len(x), units = c.shape[1], i
    cdef const void *x_ = address(x, code)
    cdef const void *r_ = address(r, code)
    cdef const void *c_ = address(c, code)
    cdef void *h_ = address(h, code, True)
    cdef void *new_c_ = address(new_c, code, True)
    cdef void *gates_ = address(gates, code, True)
    cdef int threads = threads_for(<double>n * units * UNIT_WORK)
    for i in prange((n + ROWS - 1) // ROWS, nogil=True, num_threads=threads, schedule="static"):
        k.lstm_step(units, x_, r_, c_, h_, new_c_, gates_, i * ROWS, min(n, (i + 1) * ROWS))


def lstm_step_grad(gates, c, new_c, gh, gc, gz, gc_before):
    """gz (N, 4U) and gc_before (N, U)."""
    cdef char code = code_of(gates)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t n = len(gates), units = c.shape[1], i
    cdef const void *gates_ = address(gates, code)
    cdef const void *c_ = address(c, code)
    cdef const void *new_c_ = address(new_c, code)
    cdef const void *gh_ = address(gh, code)
    cdef const void *gc_ = address(gc, code)
    cdef void *gz_ = address(gz, code, True)
    cdef void *gc_before_ = address(gc_before, code, True)
    cdef int threads = threads_for(<double>n * units * UNIT_WORK)
    for i in prange((n + ROWS - 1) // ROWS, nogil=True, num_threads=threads, schedule="static"):
        k.lstm_step_grad(units, gates_, c_, new_c_, gh_, gc_, gz_, gc_before_, i * ROWS, min(n, (i + 1) * ROWS))


def gru_step(x, r, h, new_h, gates):
    """new_h (N, U) and gates (N, 3U) of x, r (N, 3U) and h (N, U)."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t n = len(x), units = h.shape[1], i
    cdef const void *x_ = address(x, code)
    cdef const void *r_ = address(r, code)
    cdef const void *h_ = address(h, code)
    cdef void *new_h_ = address(new_h, code, True)
    cdef void *gates_ = address(gates, code, True)
    cdef int threads = threads_for(<double>n * units * UNIT_WORK)
    for i in prange((n + ROWS - 1) // ROWS, nogil=True, num_threads=threads, schedule="static"):
        k.gru_step(units, x_, r_, h_, new_h_, gates_, i * ROWS, min(n, (i + 1) * ROWS))


def gru_step_grad(gates, r, h, gh, gx, gr, gh_before):
    """gx, gr (N, 3U) and gh_before (N, U)."""
    cdef char code = code_of(gates)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t n = len(gates), units = h.shape[1], i
    cdef const void *gates_ = address(gates, code)
    cdef const void *r_ = address(r, code)
    cdef const void *h_ = address(h, code)
    cdef const void *gh_ = address(gh, code)
    cdef void *gx_ = address(gx, code, True)
    cdef void *gr_ = address(gr, code, True)
    cdef void *gh_before_ = address(gh_before, code, True)
    cdef int threads = threads_for(<double>n * units * UNIT_WORK)
    for i in prange((n + ROWS - 1) // ROWS, nogil=True, num_threads=threads, schedule="static"):
        k.gru_step_grad(units, gates_, r_, h_, gh_, gx_, gr_, gh_before_, i * ROWS, min(n, (i + 1) * ROWS))
