"""Recurrent nets over whole sequences on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.matmul import matmul
from pycnn.backend.cpu.workspace import workspace
from pycnn_ext import gemm
from pycnn_ext import recurrent as ext


def lstm_forward(x, recurrent, h, c, mask=None, out=None):
    x, recurrent, h, c, mask = contiguous(x, recurrent, h, c, mask)
    out = result((*x.shape[:2], h.shape[1]), x.dtype, out)
    all_c, gates = result(out.shape, out.dtype), result(x.shape, x.dtype)
    ext.lstm_forward(x, *_product(x, recurrent, None, h), h, c, mask, out, all_c, gates)
    return out, all_c, gates


def lstm_grad(gates, recurrent, c, all_c, gy, gc, mask=None, out=None):
    gates, recurrent, c, all_c, gy, mask = contiguous(gates, recurrent, c, all_c, gy, mask)
    out = result(gates.shape, gates.dtype, out)
    gh, gc = np.zeros_like(c), np.array(gc, order="C")
    ext.lstm_grad(gates, _transposed(recurrent), c, all_c, gy, mask, gh, gc, out)
    return out, gh, gc


def gru_forward(x, recurrent, h, bias=None, mask=None, out=None):
    x, recurrent, h, bias, mask = contiguous(x, recurrent, h, bias, mask)
    out = result((*x.shape[:2], h.shape[1]), x.dtype, out)
    gates, inner = result(x.shape, x.dtype), result(out.shape, out.dtype)
    ext.gru_forward(x, *_product(x, recurrent, bias, h), bias, h, mask, out, gates, inner)
    return out, gates, inner


def gru_grad(gates, inner, recurrent, h, all_h, gy, mask=None, out=None):
    gates, inner, recurrent, h, all_h, gy, mask = contiguous(gates, inner, recurrent, h, all_h, gy, mask)
    out, gr = result(gates.shape, gates.dtype, out), result(gates.shape, gates.dtype)
    gh = np.zeros_like(h)
    ext.gru_grad(gates, inner, _transposed(recurrent), h, all_h, gy, mask, gh, out, gr)
    return out, gr, gh


def _product(x, recurrent, bias, h):
    """The packed kernel and room for a step's product; of a single step None, and the product, which packs itself."""
    if x.shape[1] == 1:
        return None, matmul(h, recurrent, bias=bias)
    size, numbers = gemm.packed_numbers(recurrent, False), len(h) * recurrent.shape[1]
    memory = workspace((size + numbers,), x.dtype)
    gemm.pack(recurrent, False, memory[:size])
    return memory[:size], memory[size:]


def _transposed(recurrent):
    """The transposed kernel, packed."""
    packed = workspace((gemm.packed_numbers(recurrent, True),), recurrent.dtype)
    gemm.pack(recurrent, True, packed)
    return packed
