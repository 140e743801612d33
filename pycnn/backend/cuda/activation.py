"""Elementwise activations on the GPU."""

from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import elementwise_blocks, launch
from pycnn.backend.names import ACTIVATIONS

ACTIVATION_NUMBERS = {name: number for number, name in enumerate(ACTIVATIONS)} | {None: 0}
"""Number of each activation in ``kernels/activation.cuh``."""


def activation_forward(x, name, alpha=0.0, out=None):
    x = contiguous(x)
    out = result(x.shape, x.dtype, out)
    blocks, number = elementwise_blocks(x.size), ACTIVATION_NUMBERS[name]
    launch("activation", "activation_forward", blocks, x, out, number, alpha, x.size)
    return out


def activation_grad(gy, x, y, name, alpha=0.0, out=None):
    gy, x, y = contiguous(gy, x, y)
    out = result(gy.shape, gy.dtype, out)
    blocks, number = elementwise_blocks(gy.size), ACTIVATION_NUMBERS[name]
    launch("activation", "activation_grad", blocks, gy, x, y, out, number, alpha, gy.size)
    return out
