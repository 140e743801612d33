"""Elementwise activations, softmax and its cross-entropy, parallel over elements and rows."""

from cython.parallel cimport prange
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

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


def cross_entropy(x, labels, targets, double smoothing, bint mean, losses, gradient):
    """losses (rows) = -sum(targets * log softmax(x)), or () their mean; gradient = its derivative, unless that is None.

    Of labels (rows) int64 and targets (rows, C) one is None.
    """
    cdef char code = code_of(x)
    cdef const Kernels *k = table(code)
    cdef ptrdiff_t columns = x.shape[x.ndim - 1], rows = x.size // max(columns, 1)
    cdef ptrdiff_t step = max(1, BLOCK // max(columns, 1)), i
    cdef ptrdiff_t blocks = (rows + step - 1) // step
    cdef const void *x_ = address(x, code)
    cdef const int64_t *labels_ = <const int64_t *>address(labels, code if labels is None else code_of(labels))
    cdef const void *targets_ = address(targets, code)
    cdef void *losses_ = address(losses, code, True)
    cdef void *each = NULL if mean else losses_
    cdef void *gradient_ = address(gradient, code, True)
    cdef int threads = threads_for(<double>x.size * ELEMENT_WORK)
    cdef double scale = 1.0 / rows if mean else 1.0, total = 0
    cdef double *sums = <double *>malloc(max(1, blocks) * sizeof(double))
    if sums == NULL:
        raise MemoryError
    for i in prange(blocks, nogil=True, num_threads=threads, schedule="static"):
        sums[i] = k.cross_entropy(x_, labels_, targets_, columns, smoothing, scale, each, gradient_, i * step,
                                  min(rows, (i + 1) * step))
    if mean:
        for i in range(blocks):
            total += sums[i]
        if code == b"f":
            (<float *>losses_)[0] = <float>(total * scale)
        else:
            (<double *>losses_)[0] = total * scale
    free(sums)
