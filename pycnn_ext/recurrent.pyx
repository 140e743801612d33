"""Recurrent nets over whole sequences. Each thread makes all steps of its own samples, which need nobody else's."""

from cython.parallel cimport prange
from libc.string cimport memset

from pycnn_ext.gemm cimport PACKED_NUMBERS, Problem, ceil_div, one_pixel_rows
from pycnn_ext.kernels cimport Kernels, Recurrence, address, code_of, recurrent_step, table
from pycnn_ext.threads cimport threads_for

cdef ptrdiff_t UNIT_WORK = 40  # a unit's gates take about as long as so many multiply-adds


cdef struct Net:
    const Kernels *k
    Recurrence s
    const void *packed  # the recurrent kernel, or its transpose; NULL where the product is given
    const void *bias  # of the product
    ptrdiff_t samples, gates, size  # numbers of a sample's gates, bytes of a number


ctypedef void (*part_of_net)(const Net *, recurrent_step, ptrdiff_t, ptrdiff_t) noexcept nogil  # samples first to last


def lstm_forward(x, packed, product, h, c, mask, all_h, all_c, gates):
    """All states (N, T, U) and gates (N, T, 4U); without ``packed`` there is one step, whose product is given."""
    cdef char code = code_of(x)
    cdef Net net = net_of(x, h.shape[1], packed, mask, code)
    net.s.x, net.s.product = address(x, code), address(product, code, True)
    net.s.first_h, net.s.first_c = address(h, code), address(c, code)
    net.s.h, net.s.c = address(all_h, code, True), address(all_c, code, True)
    net.s.gates = address(gates, code, True)
    run(&net, forward_part, net.k.lstm_step)


def gru_forward(x, packed, product, bias, h, mask, all_h, gates, inner):
    """All states (N, T, U), gates (N, T, 3U) and what the states gave to the last of them (N, T, U)."""
    cdef char code = code_of(x)
    cdef Net net = net_of(x, h.shape[1], packed, mask, code)
    net.bias = address(bias, code)
    net.s.x, net.s.product = address(x, code), address(product, code, True)
    net.s.first_h, net.s.h = address(h, code), address(all_h, code, True)
    net.s.gates, net.s.inner = address(gates, code, True), address(inner, code, True)
    run(&net, forward_part, net.k.gru_step)


def lstm_grad(gates, packed, c, all_c, gy, mask, gh, gc, gx):
    """gx (N, T, 4U); gh and gc, gradients of the last states, become those of the first."""
    cdef char code = code_of(gates)
    cdef Net net = net_of(gates, c.shape[1], packed, mask, code)
    net.s.gates, net.s.first_c, net.s.c = address(gates, code), address(c, code), address(all_c, code)
    net.s.gy, net.s.gh, net.s.gc = address(gy, code), address(gh, code, True), address(gc, code, True)
    net.s.gx = net.s.gr = address(gx, code, True)
    run(&net, backward_part, net.k.lstm_step_grad)


def gru_grad(gates, inner, packed, h, all_h, gy, mask, gh, gx, gr):
    """gx and gr (N, T, 3U); gh, the gradient of the last state, becomes that of the first."""
    cdef char code = code_of(gates)
    cdef Net net = net_of(gates, h.shape[1], packed, mask, code)
    net.s.gates, net.s.inner = address(gates, code), address(inner, code)
    net.s.first_h, net.s.h = address(h, code), address(all_h, code)
    net.s.gy, net.s.gh = address(gy, code), address(gh, code, True)
    net.s.gx, net.s.gr = address(gx, code, True), address(gr, code, True)
    run(&net, backward_part, net.k.gru_step_grad)


cdef Net net_of(sequences, ptrdiff_t units, packed, mask, char code) except *:
    """A net over (N, T, gates) numbers."""
    cdef Net net
    memset(&net, 0, sizeof(net))
    net.k, net.packed = table(code), address(packed, code)
    net.samples, net.gates, net.size = sequences.shape[0], sequences.shape[2], 8 if code == b"d" else 4
    net.s.steps, net.s.units = sequences.shape[1], units
    net.s.mask = <const unsigned char *>address(mask, b"?")
    return net


cdef ptrdiff_t parts_of(const Net *net) noexcept nogil:
    """As many as there are threads: the fewer, the more often a thread uses what it reads of the kernel."""
    cdef double each = <double>net.s.steps * net.s.units * (net.gates + UNIT_WORK)
    return max(1, min(net.samples, threads_for(net.samples * each)))


cdef void run(const Net *net, part_of_net run_part, recurrent_step step):
    cdef ptrdiff_t parts = parts_of(net), part
    for part in prange(parts, nogil=True, num_threads=parts, schedule="static"):
        run_part(net, step, net.samples * part // parts, net.samples * (part + 1) // parts)


cdef void forward_part(const Net *net, recurrent_step step, ptrdiff_t first, ptrdiff_t last) noexcept nogil:
    cdef ptrdiff_t units = net.s.units, t
    cdef int no_tap = 0
    cdef Problem p
    memset(&p, 0, sizeof(p))
    p.filters.packed, p.filters.columns = net.packed, net.gates
    p.target.target, p.target.pixel = net.s.product, net.gates
    for t in range(net.s.steps):
        if net.packed != NULL:
            one_pixel_rows(&p.gather, net.s.first_h, net.samples, units, &no_tap)
            if t:
                p.gather.source = <const char *>net.s.h + (t - 1) * units * net.size
                p.gather.pixel = net.s.steps * units
            multiply(net, &p, first, last)
        step(&net.s, t, first, last)


cdef void backward_part(const Net *net, recurrent_step step, ptrdiff_t first, ptrdiff_t last) noexcept nogil:
    cdef ptrdiff_t t
    cdef int no_tap = 0
    cdef Problem p
    memset(&p, 0, sizeof(p))
    p.filters.packed, p.filters.columns = net.packed, net.s.units
    p.target.target, p.target.residual, p.target.pixel = net.s.gh, net.s.gh, net.s.units
    for t in range(net.s.steps - 1, -1, -1):
        step(&net.s, t, first, last)
        one_pixel_rows(&p.gather, <const char *>net.s.gr + t * net.gates * net.size, net.samples, net.gates, &no_tap)
        p.gather.pixel = net.s.steps * net.gates
        multiply(net, &p, first, last)


cdef void multiply(const Net *net, const Problem *p, ptrdiff_t first, ptrdiff_t last) noexcept nogil:
    """Rows [first, last) of a product, by as many panels of columns at a time as stay in the cache."""
    cdef ptrdiff_t panels = ceil_div(p.filters.columns, net.k.panel), i
    cdef ptrdiff_t parts = ceil_div(panels, max(1, PACKED_NUMBERS // (p.gather.length * net.k.panel)))
    for i in range(parts):
        net.k.gemm(&p.gather, &p.filters, &p.target, net.bias, 0, first, last, 0, 1, panels * i // parts,
                   panels * (i + 1) // parts)
