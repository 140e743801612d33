"""Which dtype an operation works in.

- Arrays of different floating dtypes meet at the widest; integers and booleans follow the floating ones.
- Where nothing floats, an operation that needs floats takes ``config.floatx()``.
- Integer arithmetic is done in 64 bits, so that images (uint8) never wrap.
- Numbers of Python and NumPy scalars are weak: ``x * 2.0`` and ``x * np.sqrt(2)`` keep the dtype of ``x``.
"""

import numpy as np

from pycnn import config
from pycnn.autograd import Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import FLOATS, is_half

_FLOAT32, _FLOAT64 = np.dtype("float32"), np.dtype("float64")
_NUMBERS = frozenset((bool, int, float))


def floatx_dtype():
    """``config.floatx()`` as a dtype."""
    return _FLOAT64 if config.floatx() == "float64" else _FLOAT32


def same_float(*arrays):
    """Bring arrays (None stays None) to one floating dtype: the widest among them, ``floatx`` if none floats.

    Integer and boolean arrays follow the floating ones; the result is always float32 or float64.
    """
    dtype = arrays[0].dtype
    if dtype is _FLOAT32 or dtype is _FLOAT64:
        for array in arrays:
            if array is not None and array.dtype is not dtype:
                break
        else:
            return arrays
    dtype = _widest_float([a.dtype for a in arrays if a is not None])
    return tuple(None if a is None else a.astype(dtype, copy=False) for a in arrays)


def as_float(array):
    """Bring one array to float32 or float64: itself where it is one of them, ``floatx`` if it does not float."""
    dtype = array.dtype
    if dtype is _FLOAT32 or dtype is _FLOAT64:
        return array
    return array.astype(_widest_float([dtype]), copy=False)


def _widest_float(dtypes):
    sizes = [d.itemsize for d in dtypes if d.kind in FLOATS]
    if not sizes:
        return floatx_dtype()
    return _FLOAT64 if max(sizes) >= 8 else _FLOAT32


def has_kernels(array):
    """Whether the backend's kernels of sums and products work on the array's dtype."""
    dtype = array.dtype
    return dtype is _FLOAT32 or dtype is _FLOAT64 or (is_half(dtype) and get_backend().half_wide)


def is_number(x):
    """Whether an operand's data is a weak Python number instead of an array."""
    return type(x) in _NUMBERS


def operand(x):
    """A tensor for an elementwise operation. A scalar stays a Python number inside it, and so stays weak."""
    if isinstance(x, Tensor):
        return x
    if type(x) in _NUMBERS:
        return Tensor.wrap(x)
    if isinstance(x, np.generic):
        return Tensor.wrap(x.item())
    return as_tensor(x)


def operands(a, b):
    """Two tensors for an elementwise operation, at least one of which holds an array."""
    if isinstance(a, Tensor):
        return a, b if isinstance(b, Tensor) else operand(b)
    a, b = operand(a), operand(b)
    if is_number(a.data) and is_number(b.data):
        a = as_tensor(a.data)
    return a, b


def align(a, b, integers_to=None):
    """Bring two operands to dtypes that NumPy combines as the head of this file says.

    ``integers_to`` is the dtype for pairs of integers: None leaves them, ``"int64"`` is for arithmetic,
    ``"float"`` for operations whose result floats.
    """
    number_a, number_b = type(a) in _NUMBERS, type(b) in _NUMBERS
    if not number_a and not number_b:
        dtype = a.dtype
        if dtype is b.dtype and (dtype is _FLOAT32 or dtype is _FLOAT64):
            return a, b
        if dtype.kind in FLOATS or b.dtype.kind in FLOATS:
            return same_float(a, b)
        return _integers(a, integers_to), _integers(b, integers_to)
    array, number = (b, a) if number_a else (a, b)
    dtype = array.dtype
    if dtype is not _FLOAT32 and dtype is not _FLOAT64:
        if dtype.kind in FLOATS or type(number) is float:
            array = as_float(array)
        else:
            array = _integers(array, integers_to)
    return (number, array) if number_a else (array, number)


def _integers(array, to):
    if to == "int64":
        return array.astype("int64", copy=False) if array.dtype.itemsize < 8 else array
    return as_float(array) if to == "float" else array
