"""Matrix product on the GPU: which kernels make it.

==========  ==========================================================================================================
conv_mma    tensor cores: float32 as conv.py says; a convolution of 1 x 1, forward or one of the gradients, so that it
            is none with both transposed, nor with bias or activation if one is
conv_half   the same of float16 and bfloat16; with a transposed, for ``out`` of float32
cuBLAS      else, large ones (``cublas.suits``); float32 only where the environment does not make it round
matmul      else: one launch with bias and activation
==========  ==========================================================================================================
"""

from pycnn.backend.cuda import cublas
from pycnn.backend.cuda.activation import ACTIVATION_NUMBERS
from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.conv import conv2d_filter_grad, conv2d_forward, conv2d_input_grad, suits_tensor_cores
from pycnn.backend.cuda.launch import blocks_for, launch
from pycnn.backend.geometry import conv_geometry

TILE = 64  # rows and columns of a block, as in kernels/matmul.cu


def matmul(a, b, transpose_a=False, transpose_b=False, bias=None, activation=None, out=None):
    a, b, bias = contiguous(a, b, bias)
    rows, depth = a.shape[::-1] if transpose_a else a.shape
    columns = b.shape[0] if transpose_b else b.shape[1]
    out = result((rows, columns), a.dtype, out)
    if min(rows, columns, depth) > 0 and _convolve(a, b, transpose_a, transpose_b, bias, activation, out):
        return out
    if out.dtype != a.dtype:  # a sum of nothing
        out.fill(0)
        return out
    if cublas.suits(a.dtype, rows, columns, depth):
        return cublas.product(a.T if transpose_a else a, b.T if transpose_b else b, out, bias, None, activation)
    strides = (1, rows) if transpose_a else (depth, 1), (1, depth) if transpose_b else (columns, 1)
    shape = (rows, columns, depth, *strides[0], *strides[1])
    grid = (blocks_for(rows, TILE), blocks_for(columns, TILE))
    launch("matmul", "matmul", grid, a, b, bias, out, shape, ACTIVATION_NUMBERS[activation])
    return out


def _convolve(a, b, transpose_a, transpose_b, bias, activation, out):
    """Fill ``out`` by tensor cores if they are there for it, and say whether; a's rows are pixels side by side.

    Where it is wider than a and b the filter gradient does so in any case.
    """
    plain = bias is None and activation is None
    if (transpose_a or transpose_b) and (not plain or (transpose_a and transpose_b)):
        return False
    filters = out.shape if transpose_a else b.shape
    geometry = conv_geometry((1, 1, len(a), filters[0]), (1, 1, *filters))
    if not suits_tensor_cores(geometry, out.shape[1], (a, b, out)) and out.dtype == a.dtype:
        return False
    image, kernel, result_ = a[None, None], b[None, None], out[None, None]
    if transpose_a:
        conv2d_filter_grad(image, kernel, geometry, out=result_)
    elif transpose_b:
        conv2d_input_grad(image, kernel, geometry, out=result_)
    else:
        conv2d_forward(image, kernel, geometry, bias, activation=activation, out=result_)
    return True
