"""Matrix product on the CPU, by the register tiles of the convolution."""

import numpy as np

from pycnn.backend.cpu.activation import ACTIVATION_NUMBERS, activation_forward
from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.compiled import run
from pycnn.backend.cpu.workspace import workspace
from pycnn_ext import gemm as ext


def matmul(a, b, transpose_a=False, transpose_b=False, bias=None, activation=None, out=None):
    a, b, bias = contiguous(a, b, bias)
    rows, depth = a.shape[::-1] if transpose_a else a.shape
    out = result((rows, b.shape[0] if transpose_b else b.shape[1]), a.dtype, out)
    if not depth:
        run(out.fill, 0)
    elif transpose_a:
        b = np.ascontiguousarray(b.T) if transpose_b else b
        partials = workspace((ext.transposed_partials(depth, *out.shape), *out.shape), a.dtype)
        run(ext.matmul_transposed, a, b, partials, out)
    else:
        run(ext.matmul, a, b, transpose_b, bias, ACTIVATION_NUMBERS[activation], out)
        return out
    if bias is not None:
        run(np.add, out, bias, out)
    return out if activation is None else activation_forward(out, activation, out=out)
