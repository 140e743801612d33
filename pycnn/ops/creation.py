"""New tensors, and other dtypes of old ones."""

import numpy as np

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import is_float
from pycnn.backend.geometry import is_integer
from pycnn.ops.promotion import floatx_dtype
from pycnn.ops.symbolic import Symbolic


class _Cast(Function):
    any_dtype = True

    def forward(self, x, *, dtype):
        return x.astype(dtype, copy=False)

    def backward(self, gy):
        return gy


class _Copy(Function):
    def forward(self, x):
        return x.copy()

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


def arange(start, stop=None, step=None, dtype=None):
    """Numbers ``step`` (1) apart, from ``start`` up to, not including, ``stop``; with one argument, from 0 up to it.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.arange(3).tolist()
    [0, 1, 2]
    """
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if dtype is None and not (is_integer(start) and is_integer(stop) and is_integer(step)):
        dtype = floatx_dtype()
    return Tensor.wrap(get_backend().xp.arange(start, stop, step, dtype=dtype))


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """``num`` numbers at equal distances from ``start`` to ``stop``, which ``endpoint`` includes.

    With ``retstep`` the distance is returned, too.
    """
    ends = [as_tensor(end).data for end in (start, stop)]
    values, step = get_backend().xp.linspace(*ends, num, endpoint, True, dtype or floatx_dtype(), axis)
    return (Tensor.wrap(values), as_tensor(step)) if retstep else Tensor.wrap(values)


def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """``base`` to the power of ``num`` numbers at equal distances from ``start`` to ``stop``."""
    ends = [as_tensor(end).data for end in (start, stop)]
    return Tensor.wrap(get_backend().xp.logspace(*ends, num, endpoint, base, dtype or floatx_dtype(), axis))


def eye(N, M=None, k=0, dtype=None):
    """A matrix of N rows and M (default N) columns with ones on its k-th diagonal, zeros elsewhere."""
    return Tensor.wrap(get_backend().xp.eye(N, M, k, dtype or floatx_dtype()))


def identity(n, dtype=None):
    """The identity matrix of n rows."""
    return eye(n, dtype=dtype)


def tri(N, M=None, k=0, dtype=None):
    """A matrix with ones on and below its k-th diagonal, zeros above."""
    return Tensor.wrap(get_backend().xp.tri(N, M, k, dtype or floatx_dtype()))


def full_like(x, fill_value, dtype=None):
    """``fill_value`` in x's shape and dtype."""
    return Tensor.wrap(get_backend().xp.full_like(as_tensor(x).data, fill_value, dtype=dtype))


def empty(shape, dtype=None):
    """A tensor for values to come; zeros until then."""
    return full(shape, 0, dtype)


def empty_like(x, dtype=None):
    """A tensor of x's shape and dtype for values to come; zeros until then."""
    return zeros_like(x, dtype)


def array(x, dtype=None):
    """``x`` as a Tensor, in ``dtype`` if one is given. The same as ``convert_to_tensor``."""
    return convert_to_tensor(x, dtype)


def copy(x):
    """The same numbers in memory of their own; gradients flow through."""
    return _Copy.apply(x)


def saturate_cast(x, dtype):
    """``cast`` that takes what the dtype cannot hold to its nearest bound, instead of wrapping around."""
    x, dtype = as_tensor(x), np.dtype(dtype)
    if dtype.kind in "iu":
        bounds, held = np.iinfo(dtype), np.iinfo if x.dtype.kind in "iu" else np.finfo
        low, high = max(bounds.min, held(x.dtype).min), min(bounds.max, held(x.dtype).max)
        return Tensor.wrap(x.data.clip(x.dtype.type(low), x.dtype.type(high)).astype(dtype, copy=False))
    return cast(x, dtype)


def multi_hot(inputs, num_classes, axis=-1, dtype=None):
    """Vectors with a one at each place that the integers along ``axis`` name, zeros elsewhere.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.multi_hot([0, 2], 4).numpy()
    array([1., 0., 1., 0.], dtype=float32)
    """
    hot = one_hot(inputs, num_classes, axis, dtype).data
    return Tensor.wrap(hot.max(axis=1 if hot.ndim > 2 else 0))


def cast(x, dtype):
    """The same numbers in another dtype; the gradient comes back in the old one, and none through integers."""
    x = as_tensor(x)
    dtype = np.dtype(dtype)
    if x.data.dtype == dtype:
        return x
    return _Cast.apply(x, dtype=dtype) if is_float(dtype) else Tensor.wrap(x.data.astype(dtype, copy=False))


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


def ndim(x):
    """Number of axes."""
    return as_tensor(x).ndim


def size(x):
    """Number of elements."""
    return as_tensor(x).size


def dtype(x):
    """Name of the dtype, such as ``"float32"``."""
    return str(as_tensor(x).dtype)


def is_tensor(x):
    """Whether ``x`` is a Tensor."""
    return isinstance(x, Tensor)


def shape(x):
    """Sizes of the axes, a tuple of ints; of a symbolic tensor None where a size is not known yet."""
    return x.shape if isinstance(x, Symbolic) else as_tensor(x).shape


def convert_to_tensor(x, dtype=None):
    """``x`` as a Tensor, in ``dtype`` if one is given."""
    return as_tensor(x) if dtype is None else cast(x, dtype)


def convert_to_numpy(x):
    """``x`` as a ``numpy.ndarray``."""
    return as_tensor(x).numpy()


def stop_gradient(variable):
    """The same numbers, which no gradient flows through."""
    return as_tensor(variable).detach()
