"""The GPU, by CuPy and kernels of our own: checked, allocated, launched. One file a family of ``backend/protocol.py``.

arrays.py   CuPy's arrays                                   launch.py    the one way to a kernel, all arguments checked
sources.py  the .cu files, and how one is written           kernels/     CUDA C++; common.cuh hides what is PTX
Tests compile every kernel for four architectures, and run all of them without a GPU (``tests/cuda_emulator``).
"""

from pycnn.backend.cuda.activation import activation_forward, activation_grad
from pycnn.backend.cuda.arrays import asarray, is_array, name, random_uniform, to_numpy, xp
from pycnn.backend.cuda.matmul import matmul
from pycnn.backend.cuda.pool import (
    avg_pool2d_forward,
    avg_pool2d_input_grad,
    extreme_pool2d_input_grad,
    max_pool2d_forward,
    min_pool2d_forward,
)

__all__ = [
    "activation_forward",
    "activation_grad",
    "asarray",
    "avg_pool2d_forward",
    "avg_pool2d_input_grad",
    "extreme_pool2d_input_grad",
    "is_array",
    "matmul",
    "max_pool2d_forward",
    "min_pool2d_forward",
    "name",
    "random_uniform",
    "to_numpy",
    "xp",
]
