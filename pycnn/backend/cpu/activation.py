"""Elementwise activations on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import result
from pycnn.backend.cpu.compiled import run
from pycnn.backend.names import ACTIVATIONS
from pycnn_ext import activation as ext

_KERNEL_ORDER = (
    "linear", "relu", "relu6", "sigmoid", "tanh", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "softplus"
)  # fmt: skip
ACTIVATION_NUMBERS = {name: _KERNEL_ORDER.index(name) for name in ACTIVATIONS} | {None: 0}
"""Number of each activation in the kernels' enumeration (kernels.h)."""


def activation_forward(x, name, alpha=0.0, out=None):
    x = np.asarray(x, order="C")
    out = result(x.shape, x.dtype, out)
    run(ext.activation_forward, x, ACTIVATION_NUMBERS[name], alpha, out)
    return out


def activation_grad(gy, x, y, name, alpha=0.0, out=None):
    gy, y = np.asarray(gy, order="C"), np.asarray(y, order="C")
    x = None if x is None else np.asarray(x, order="C")
    out = result(gy.shape, gy.dtype, out)
    run(ext.activation_grad, gy, x, y, ACTIVATION_NUMBERS[name], alpha, out)
    return out
