"""The C kernels: which instruction set runs, and how arrays become addresses."""

import os
from time import perf_counter

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS,
    PyBUF_FORMAT,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cython.parallel cimport prange

cdef extern from "kernels.h" nogil:
    const Kernels *kernels(int is_double)
    int select_isa(const char *name)
    const char *best_isa()
    void keep_freed_memory()


cdef const Kernels *table(char code) except NULL:
    """The kernels for arrays of format ``code``: 'f' (float32) or 'd' (float64)."""
    if code != b"f" and code != b"d":
        raise TypeError(f"the CPU kernels work on float32 and float64 arrays. Received: format={chr(code)!r}")
    return kernels(code == b"d")


cdef char code_of(object array) except 0:
    """Format of the array's elements: 'f', 'd', 'B' (uint8), 'i' (int32), ..."""
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
    cdef char code = view.format[0]
    PyBuffer_Release(&view)
    return code


cdef void *address(object array, char code, bint writable=False) except? NULL:
    """Address of a C-contiguous array of format ``code``, NULL for None. It lives as long as the array."""
    if array is None:
        return NULL
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if writable else 0))
    cdef char found = view.format[0]
    cdef void *data = view.buf
    PyBuffer_Release(&view)
    if found != code:
        raise TypeError(f"an array has another dtype than the rest. Expected: {chr(code)!r}. Received: {chr(found)!r}")
    return data


def fma_rate(int threads, ptrdiff_t rounds):
    """Floating-point operations a second that `threads` cores do in float32 registers: the limit of every kernel."""
    cdef const Kernels *k = table(b"f")
    cdef double[64] sink
    cdef ptrdiff_t each
    cdef int i
    start = perf_counter()
    for i in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        k.multiply_add(rounds, &sink[i % 64])
    seconds = perf_counter() - start
    each = k.multiply_add(0, &sink[0])
    return 2.0 * threads * rounds * each / seconds


def set_isa(name):
    """Run the kernels compiled for instruction set ``name``: "base", "avx2" or "avx512"."""
    global _isa
    if select_isa(name.encode()):
        raise ValueError(
            f"PYCNN_ISA must be an instruction set that this processor has, the best being "
            f"{best_isa().decode()!r}. Received: {name!r}"
        )
    _isa = name


def get_isa():
    """Name of the instruction set in use."""
    return _isa


_isa = None
set_isa(os.environ.get("PYCNN_ISA") or best_isa().decode())
keep_freed_memory()
