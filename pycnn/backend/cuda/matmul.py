"""Matrix product on the GPU."""

from pycnn.backend.cuda.activation import ACTIVATION_NUMBERS
from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import blocks_for, launch

TILE = 64  # rows and columns of a block, as in kernels/matmul.cu


def matmul(a, b, transpose_a=False, transpose_b=False, bias=None, activation=None, out=None):
    a, b, bias = contiguous(a, b, bias)
    rows, depth = a.shape[::-1] if transpose_a else a.shape
    columns = b.shape[0] if transpose_b else b.shape[1]
    out = result((rows, columns), a.dtype, out)
    strides = (1, rows) if transpose_a else (depth, 1), (1, depth) if transpose_b else (columns, 1)
    shape = (rows, columns, depth, *strides[0], *strides[1])
    grid = (blocks_for(rows, TILE), blocks_for(columns, TILE))
    launch("matmul", "matmul", grid, a, b, bias, out, shape, ACTIVATION_NUMBERS[activation])
    return out
