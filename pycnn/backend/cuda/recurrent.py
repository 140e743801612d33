"""Recurrent nets over whole sequences on the GPU: a product and a kernel a step, a thread for each unit of a sample."""

import cupy as cp
import numpy as np

from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import elementwise_blocks, launch
from pycnn.backend.cuda.matmul import matmul


def lstm_forward(x, recurrent, h, c, mask=None, out=None):
    x, recurrent, mask = *contiguous(x, recurrent), _bytes(mask)
    h, c, out = h.copy(order="C"), c.copy(order="C"), result((*x.shape[:2], h.shape[1]), x.dtype, out)
    all_c, gates = cp.empty_like(out), cp.empty_like(x)
    for t in range(x.shape[1]):
        _launch("lstm_step", h, t, out, x, matmul(h, recurrent), mask, h, c, out, all_c, gates)
    return out, all_c, gates


def lstm_grad(gates, recurrent, c, all_c, gy, gc, mask=None, out=None):
    gates, recurrent, c, all_c, gy, mask = *contiguous(gates, recurrent, c, all_c, gy), _bytes(mask)
    out = result(gates.shape, gates.dtype, out)
    gh, gc, gr = cp.zeros_like(c), gc.copy(order="C"), cp.empty((len(gates), gates.shape[2]), gates.dtype)
    for t in reversed(range(gates.shape[1])):
        _launch("lstm_step_grad", c, t, gy, gates, c, all_c, gy, mask, gh, gc, out, gr)
        gh += matmul(gr, recurrent, transpose_b=True)
    return out, gh, gc


def gru_forward(x, recurrent, h, bias=None, mask=None, out=None):
    x, recurrent, bias, mask = *contiguous(x, recurrent, bias), _bytes(mask)
    h, out = h.copy(order="C"), result((*x.shape[:2], h.shape[1]), x.dtype, out)
    gates, inner = cp.empty_like(x), cp.empty_like(out)
    for t in range(x.shape[1]):
        _launch("gru_step", h, t, out, x, matmul(h, recurrent, bias=bias), mask, h, out, gates, inner)
    return out, gates, inner


def gru_grad(gates, inner, recurrent, h, all_h, gy, mask=None, out=None):
    gates, inner, recurrent, h, all_h, gy = contiguous(gates, inner, recurrent, h, all_h, gy)
    mask = _bytes(mask)
    out, gr = result(gates.shape, gates.dtype, out), cp.empty_like(gates)
    gh, now = cp.zeros_like(h), cp.empty((len(gates), gates.shape[2]), gates.dtype)
    for t in reversed(range(gates.shape[1])):
        _launch("gru_step_grad", h, t, gy, gates, inner, h, all_h, gy, mask, gh, out, gr, now)
        gh += matmul(now, recurrent, transpose_b=True)
    return out, gr, gh


def _bytes(mask):
    """A mask as kernels take it."""
    return None if mask is None else cp.ascontiguousarray(mask).view(np.uint8)


def _launch(kernel, state, step, sequences, *arrays):
    """One step, of ``sequences`` (samples, steps, units)."""
    sizes = state.shape[1], sequences.shape[1], step, state.size
    launch("recurrent", kernel, elementwise_blocks(state.size), *arrays, *sizes)
