"""Products by cuBLAS, through CuPy: those that tensor cores do not take here, from a size on.

CuPy lets nothing of cuBLAS into a CUDA graph, so that such a product divides a plan's graph in two. Small products are
better off within one graph, and the rule is the same without a graph: then a plan computes what an eager step does.
"""

import os
from functools import partial

import cupy as cp

from pycnn import config
from pycnn.backend.cuda.activation import ACTIVATION_NUMBERS
from pycnn.backend.cuda.launch import blocks_for, elementwise_blocks, launch
from pycnn.backend.dtypes import is_half
from pycnn.backend.recorded import active_recorder

TILE = 64  # rows and columns of a block of the kernels that take the others
WAVE = 256  # blocks that are under way on a large GPU
LONG = 512  # products, one after the other, of a sum


def suits(dtype, rows, columns, depth):
    """Whether to leave so many sums of ``depth`` products to cuBLAS.

    A kernel of ours waits for memory 0.7 us in each 16 of a sum, and blocks beyond the first wave begin later; another
    launch, and a graph divided in two, take about 20 us, thus 512 products. That is reckoned, not measured.
    """
    waves = blocks_for(blocks_for(rows, TILE) * blocks_for(columns, TILE), WAVE)
    if waves * depth < LONG or is_half(dtype):
        return False
    return dtype == "float64" or config.float32_precision() == "high" or not _rounds()


def _rounds():
    """Whether the environment lets CuPy round the factors of products of float32 to TF32."""
    return int(os.environ.get("CUPY_TF32", "0")) > 0


def product(a, b, out, bias=None, residual=None, activation=None):
    """Fill ``out`` with act(a @ b + bias + residual); a and b are contiguous matrices, or such ones transposed."""
    multiply, recorder = partial(cp.matmul, a, b, out=out), active_recorder()
    if recorder is None:
        multiply()
    else:
        recorder.between_graphs(multiply)
    if bias is not None or residual is not None or ACTIVATION_NUMBERS[activation]:
        arguments = (out, bias, residual, ACTIVATION_NUMBERS[activation], out.shape[-1], out.size)
        launch("matmul", "matmul_finish", elementwise_blocks(out.size), *arguments)
    return out
