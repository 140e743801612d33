"""New tensors, and other dtypes of old ones."""

import numpy as np

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.geometry import is_integer
from pycnn.ops.promotion import floatx_dtype


class _Cast(Function):
    def forward(self, x, *, dtype):
        return x.astype(dtype, copy=False)

    def backward(self, gy):
        return gy


def _like_shape(shape):
    return (int(shape),) if is_integer(shape) else tuple(shape)


def zeros(shape, dtype=None):
    """A tensor of zeros; ``dtype`` defaults to ``config.floatx()``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.zeros(2).numpy()
    array([0., 0.], dtype=float32)
    """
    return full(shape, 0, dtype)


def ones(shape, dtype=None):
    """A tensor of ones; ``dtype`` defaults to ``config.floatx()``."""
    return full(shape, 1, dtype)


def full(shape, fill_value, dtype=None):
    """A tensor of ``fill_value``; ``dtype`` defaults to ``config.floatx()``."""
    return Tensor.wrap(get_backend().xp.full(_like_shape(shape), fill_value, dtype or floatx_dtype()))


def zeros_like(x, dtype=None):
    """Zeros of x's shape and dtype."""
    return Tensor.wrap(get_backend().xp.zeros_like(as_tensor(x).data, dtype=dtype))


def ones_like(x, dtype=None):
    """Ones of x's shape and dtype."""
    return Tensor.wrap(get_backend().xp.ones_like(as_tensor(x).data, dtype=dtype))


def arange(start, stop=None, step=1, dtype=None):
    """Numbers from ``start`` up to, not including, ``stop``; with one argument, from 0 up to it.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.arange(3).tolist()
    [0, 1, 2]
    """
    if stop is None:
        start, stop = 0, start
    if dtype is None and not (is_integer(start) and is_integer(stop) and is_integer(step)):
        dtype = floatx_dtype()
    return Tensor.wrap(get_backend().xp.arange(start, stop, step, dtype=dtype))


def linspace(start, stop, num=50, dtype=None):
    """``num`` numbers at equal distances from ``start`` to ``stop``, both included."""
    return Tensor.wrap(get_backend().xp.linspace(start, stop, num, dtype=dtype or floatx_dtype()))


def eye(n, m=None, dtype=None):
    """The identity matrix of n rows and m (default n) columns."""
    return Tensor.wrap(get_backend().xp.eye(n, m, dtype=dtype or floatx_dtype()))


def cast(x, dtype):
    """The same numbers in another dtype; the gradient comes back in the old one, and none through integers."""
    x = as_tensor(x)
    dtype = np.dtype(dtype)
    return _Cast.apply(x, dtype=dtype) if dtype.kind == "f" else Tensor.wrap(x.data.astype(dtype, copy=False))


def one_hot(x, num_classes, axis=-1, dtype=None):
    """Vectors of zeros with a one at the place that each integer names.

    Parameters
    ----------
    x : array of integers
        A value outside [0, num_classes) gives a vector of zeros.
    num_classes : int
    axis : int
        Where the new axis stands.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    labels = as_tensor(x).data
    if labels.dtype.kind not in "iub":
        raise TypeError(f"x must hold integers. Received: x.dtype={labels.dtype}")
    if not is_integer(num_classes) or num_classes < 1:
        raise ValueError(f"num_classes must be an integer >= 1. Received: num_classes={num_classes!r}")
    xp = get_backend().xp
    hot = (labels[..., None] == xp.arange(num_classes)).astype(dtype or floatx_dtype())
    return Tensor.wrap(hot if axis == -1 else xp.moveaxis(hot, -1, axis))


def shape(x):
    """Sizes of the axes, a tuple of ints."""
    return as_tensor(x).shape


def convert_to_tensor(x, dtype=None):
    """``x`` as a Tensor, in ``dtype`` if one is given."""
    return as_tensor(x) if dtype is None else cast(x, dtype)


def convert_to_numpy(x):
    """``x`` as a ``numpy.ndarray``."""
    return as_tensor(x).numpy()


def stop_gradient(x):
    """The same numbers, which no gradient flows through."""
    return as_tensor(x).detach()
