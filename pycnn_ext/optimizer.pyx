"""Parameter updates, in place, of all arrays of a model at once.

The arrays are one row of numbers to the threads: a task is so many of them, in as many arrays as they lie in.
"""

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc

from pycnn_ext.kernels cimport Kernels, Update, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK = 16384  # numbers a task
cdef ptrdiff_t ELEMENT_WORK = 8  # a number takes about as long as so many multiply-adds
cdef enum:
    ROLES = 5  # parameters, gradients, and up to three arrays of state

ctypedef void (*Updater)(void *const *, const Update *, ptrdiff_t, ptrdiff_t) noexcept nogil


cdef struct Array:
    void *data[ROLES]
    Updater update
    ptrdiff_t start, end  # in the row of all numbers


cdef enum Rule:
    SGD, ADAM, RMSPROP


cdef void update_block(const Array *arrays, const Update *settings, ptrdiff_t first, ptrdiff_t last) noexcept nogil:
    """The numbers [first, last) of the row of all."""
    while arrays.end <= first:
        arrays += 1
    while first < last:
        arrays.update(arrays.data, settings, first - arrays.start, min(last, arrays.end) - arrays.start)
        first = arrays.end
        arrays += 1


cdef int update(Rule rule, list params, tuple others, const Update *settings) except -1:
    """Update the params with the arrays of the same places in the other lists, some of which may be None."""
    cdef ptrdiff_t count = len(params), total = 0, i, j, role
    cdef const Kernels *k
    cdef char code
    cdef Array *arrays = <Array *>malloc(max(1, count) * sizeof(Array))
    if arrays == NULL:
        raise MemoryError
    try:
        for j in range(count):
            param = params[j]
            code = code_of(param)
            k = table(code)
            arrays[j].update = k.sgd if rule == SGD else k.adam if rule == ADAM else k.rmsprop
            arrays[j].data[0] = address(param, code, True)
            for role in range(1, ROLES):
                known = others[role - 1] if role <= len(others) else None
                arrays[j].data[role] = NULL if known is None else address(known[j], code, role > 1)
            arrays[j].start = total
            total += param.size
            arrays[j].end = total
        for i in prange((total + BLOCK - 1) // BLOCK, nogil=True, num_threads=threads_for(<double>total * ELEMENT_WORK),
                        schedule="static"):
            update_block(arrays, settings, i * BLOCK, min(total, (i + 1) * BLOCK))
    finally:
        free(arrays)
    return 0


def sgd(list params, grads, velocities, double rate, double momentum, bint nesterov, double decay):
    """See sgd_update of the backend protocol."""
    cdef Update u
    u.rate, u.keep, u.momentum, u.nesterov = rate, 1 - rate * decay, momentum, nesterov
    update(SGD, params, (grads, velocities), &u)


def adam(list params, grads, m, v, vhat, double rate, double beta_1, double beta_2, double epsilon, double keep):
    """See adam_update of the backend protocol; `rate` is corrected for the step, `keep` is 1 - rate*decay."""
    cdef Update u
    u.rate, u.keep, u.beta_1, u.beta_2, u.epsilon = rate, keep, beta_1, beta_2, epsilon
    update(ADAM, params, (grads, m, v, vhat), &u)


def rmsprop(list params, grads, v, momenta, averages, double rate, double rho, double momentum, double epsilon,
            double decay):
    """See rmsprop_update of the backend protocol."""
    cdef Update u
    u.rate, u.keep, u.rho, u.momentum, u.epsilon = rate, 1 - rate * decay, rho, momentum, epsilon
    update(RMSPROP, params, (grads, v, momenta, averages), &u)


def sums_of_squares(arrays):
    """Sum of the squares of each array, a list of floats: each in blocks, which are added in order."""
    cdef ptrdiff_t size, i
    cdef double *blocks
    cdef double sum
    cdef char code
    cdef const Kernels *k
    cdef const void *x
    sums = []
    for array in arrays:
        code = code_of(array)
        k, x, size, sum = table(code), address(array, code), array.size, 0
        blocks = <double *>malloc(max(1, (size + BLOCK - 1) // BLOCK) * sizeof(double))
        if blocks == NULL:
            raise MemoryError
        for i in prange((size + BLOCK - 1) // BLOCK, nogil=True, num_threads=threads_for(size), schedule="static"):
            blocks[i] = k.sum_of_squares(x, i * BLOCK, min(size, (i + 1) * BLOCK))
        for i in range((size + BLOCK - 1) // BLOCK):
            sum += blocks[i]
        free(blocks)
        sums.append(sum)
    return sums
