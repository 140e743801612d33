"""Elementwise activations and softmax, parallel over elements and rows."""

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK = 16384  # elements a task
cdef ptrdiff_t ELEMENT_WORK = 8  # an element takes about as long as so many multiply-adds


def activation_forward(x, int name, double alpha, out):
    """out = f(x), elementwise; `name` is the number of the activation in kernels.h."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t size = x.size, blocks = (size + BLOCK - 1) // BLOCK, i
    cdef const void *x_ = address(x, code)
    cdef void *out_ = address(out, code, True)
    for i in prange(blocks, nogil=True, num_threads=threads_for(<double>size * ELEMENT_WORK), schedule="static"):
        k.activation_forward(x_, out_, name, alpha, i * BLOCK, min(size, (i + 1) * BLOCK))


def activation_grad(gy, x, y, int name, double alpha, out):
    """out = gy * f'(x), where y = f(x); x may be None where y is enough."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t size = gy.size, blocks = (size + BLOCK - 1) // BLOCK, i
    cdef const void *gy_ = address(gy, code)
    cdef const void *x_ = address(x, code)
    cdef const void *y_ = address(y, code)
    cdef void *out_ = address(out, code, True)
    for i in prange(blocks, nogil=True, num_threads=threads_for(<double>size * ELEMENT_WORK), schedule="static"):
        k.activation_grad(gy_, x_, y_, out_, name, alpha, i * BLOCK, min(size, (i + 1) * BLOCK))


def softmax_forward(x, bint logarithm, out):
    """out = softmax of each row of x (..., C), or its logarithm."""
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t columns = x.shape[x.ndim - 1], rows = x.size // max(columns, 1)
    cdef ptrdiff_t step = max(1, BLOCK // max(columns, 1)), i
    cdef const void *x_ = address(x, code)
    cdef void *out_ = address(out, code, True)
    cdef int threads = threads_for(<double>x.size * ELEMENT_WORK)
    for i in prange((rows + step - 1) // step, nogil=True, num_threads=threads, schedule="static"):
        k.softmax_forward(x_, out_, columns, logarithm, i * step, min(rows, (i + 1) * step))


def softmax_grad(gy, y, bint logarithm, out):
    """out = the gradient of either, from its result y."""
    cdef char code = code_of(gy)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t columns = gy.shape[gy.ndim - 1], rows = gy.size // max(columns, 1)
    cdef ptrdiff_t step = max(1, BLOCK // max(columns, 1)), i
    cdef const void *gy_ = address(gy, code)
    cdef const void *y_ = address(y, code)
    cdef void *out_ = address(out, code, True)
    cdef int threads = threads_for(<double>gy.size * ELEMENT_WORK)
    for i in prange((rows + step - 1) // step, nogil=True, num_threads=threads, schedule="static"):
        k.softmax_grad(gy_, y_, out_, columns, logarithm, i * step, min(rows, (i + 1) * step))
