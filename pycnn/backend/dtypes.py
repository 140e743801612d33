"""What a dtype is. bfloat16 is one of ml_dtypes', of which NumPy says that it is of kind V, as structures are."""

import numpy as np

FLOAT32 = np.dtype("float32")

FLOATS = "fV"
"""The kinds of dtypes that float, of arrays that tensors hold."""


def is_half(dtype):
    """Whether it is float16 or bfloat16."""
    return dtype.itemsize == 2 and (dtype.kind == "f" or dtype.name == "bfloat16")


def is_float(dtype):
    """Whether it holds floating-point numbers, of a dtype that may be no number's at all."""
    return dtype.kind == "f" or is_half(dtype)


def is_number(dtype):
    """Whether it holds numbers: floats, integers or booleans."""
    return dtype.kind in "fiub" or is_half(dtype)


def widened(dtype):
    """The dtype to compute in: float32 for float16 and bfloat16, else itself."""
    return FLOAT32 if is_half(dtype) else dtype
