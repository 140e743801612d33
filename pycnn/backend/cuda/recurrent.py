"""Steps of recurrent nets on the GPU: a thread for each unit of each sample."""

from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import elementwise_blocks, launch


def lstm_step(x, r, c, out=None):
    x, r, c = contiguous(x, r, c)
    out, new_c, gates = result(c.shape, c.dtype, out), result(c.shape, c.dtype), result(x.shape, x.dtype)
    launch("recurrent", "lstm_step", elementwise_blocks(c.size), x, r, c, out, new_c, gates, c.shape[1], c.size)
    return out, new_c, gates


def lstm_step_grad(gates, c, new_c, gh, gc, out=None):
    gates, c, new_c, gh, gc = contiguous(gates, c, new_c, gh, gc)
    out, before = result(gates.shape, gates.dtype, out), result(c.shape, c.dtype)
    sizes = c.shape[1], c.size
    launch("recurrent", "lstm_step_grad", elementwise_blocks(c.size), gates, c, new_c, gh, gc, out, before, *sizes)
    return out, before


def gru_step(x, r, h, out=None):
    x, r, h = contiguous(x, r, h)
    out, gates = result(h.shape, h.dtype, out), result(x.shape, x.dtype)
    launch("recurrent", "gru_step", elementwise_blocks(h.size), x, r, h, out, gates, h.shape[1], h.size)
    return out, gates


def gru_step_grad(gates, r, h, gh, out=None):
    gates, r, h, gh = contiguous(gates, r, h, gh)
    out, gr, before = result(gates.shape, gates.dtype, out), result(gates.shape, gates.dtype), result(h.shape, h.dtype)
    sizes = h.shape[1], h.size
    launch("recurrent", "gru_step_grad", elementwise_blocks(h.size), gates, r, h, gh, out, gr, before, *sizes)
    return out, gr, before
