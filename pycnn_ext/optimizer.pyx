"""Parameter updates, in place, over lists of arrays."""

from cython.parallel cimport prange

from pycnn_ext.kernels cimport Kernels, address, code_of, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t BLOCK = 16384  # numbers a task


def sgd(params, grads, velocities, double rate, double momentum, bint nesterov, double decay):
    """See sgd_update of the backend protocol."""
    cdef char code
    cdef const Kernels *k
    cdef ptrdiff_t size, i, j
    cdef void *p
    cdef const void *g
    cdef void *v
    for j in range(len(params)):
        code = code_of(params[j])
        k, size = table(code), params[j].size
        p, g = address(params[j], code, True), address(grads[j], code)
        v = NULL if velocities is None else address(velocities[j], code, True)
        for i in prange((size + BLOCK - 1) // BLOCK, nogil=True, num_threads=threads_for(size), schedule="static"):
            k.sgd(p, g, v, rate, momentum, nesterov, decay, i * BLOCK, min(size, (i + 1) * BLOCK))


def adam(params, grads, m, v, vhat, double rate, double beta_1, double beta_2, double epsilon, double keep):
    """See adam_update of the backend protocol; `rate` is corrected for the step, `keep` is 1 - rate*decay."""
    cdef char code
    cdef const Kernels *k
    cdef ptrdiff_t size, i, j
    cdef void *p
    cdef const void *g
    cdef void *m_
    cdef void *v_
    cdef void *vhat_
    for j in range(len(params)):
        code = code_of(params[j])
        k, size = table(code), params[j].size
        p, g = address(params[j], code, True), address(grads[j], code)
        m_, v_ = address(m[j], code, True), address(v[j], code, True)
        vhat_ = NULL if vhat is None else address(vhat[j], code, True)
        for i in prange((size + BLOCK - 1) // BLOCK, nogil=True, num_threads=threads_for(size), schedule="static"):
            k.adam(p, g, m_, v_, vhat_, rate, beta_1, beta_2, epsilon, keep, i * BLOCK, min(size, (i + 1) * BLOCK))


def rmsprop(params, grads, v, momenta, averages, double rate, double rho, double momentum, double epsilon,
            double decay):
    """See rmsprop_update of the backend protocol."""
    cdef char code
    cdef const Kernels *k
    cdef ptrdiff_t size, i, j
    cdef void *p
    cdef const void *g
    cdef void *v_
    cdef void *b
    cdef void *a
    for j in range(len(params)):
        code = code_of(params[j])
        k, size = table(code), params[j].size
        p, g, v_ = address(params[j], code, True), address(grads[j], code), address(v[j], code, True)
        b = NULL if momenta is None else address(momenta[j], code, True)
        a = NULL if averages is None else address(averages[j], code, True)
        for i in prange((size + BLOCK - 1) // BLOCK, nogil=True, num_threads=threads_for(size), schedule="static"):
            k.rmsprop(p, g, v_, b, a, rate, rho, momentum, epsilon, decay, i * BLOCK, min(size, (i + 1) * BLOCK))
