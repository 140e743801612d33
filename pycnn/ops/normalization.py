"""Norms of vectors, and tensors brought to mean 0, variance 1 or norm 1. (See also ``norm``: ``batch_norm``.)"""

from pycnn import config
from pycnn.autograd import as_tensor
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.arithmetic import divide, maximum, multiply, power
from pycnn.ops.axes import normalize_axes, normalize_axis
from pycnn.ops.creation import cast
from pycnn.ops.elementwise import absolute, not_equal, rsqrt, sqrt, square
from pycnn.ops.logarithm import log10
from pycnn.ops.norm import batch_norm
from pycnn.ops.promotion import floatx_dtype
from pycnn.ops.reduction import max as largest
from pycnn.ops.reduction import mean, var
from pycnn.ops.reduction import min as smallest
from pycnn.ops.reduction import sum as total
from pycnn.ops.shaping import moveaxis, reshape


def norm(x, ord=None, axis=None, keepdims=False):
    """Norm of vectors along ``axis``, or of matrices along a pair of axes.

    Parameters
    ----------
    x : array
    ord : None, number, inf, -inf or "fro"
        Of vectors: ``sum(|x|**ord)**(1/ord)``, 0 counts the elements that are not 0; None is 2. Of matrices: 1, inf
        (the largest sum of a column or row), -1, -inf (the smallest), "fro" and None (as if they were vectors).
    axis : None (all axes, as one vector or matrix), int or pair of ints
    keepdims : bool

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.norm([3.0, 4.0]).item()
    5.0
    """
    x = as_tensor(x)
    x = x if x.dtype.kind in FLOATS else cast(x, floatx_dtype())
    axes = normalize_axes(axis, x.ndim)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return sqrt(total(square(x), axes, keepdims))
    if isinstance(ord, str) or len(axes) > 2 or (len(axes) == 2 and abs(ord) not in (1, float("inf"))):
        raise ValueError(
            "ord must be a number for vectors, 1, -1, inf, -inf, 'fro' or None for matrices. "
            f"Received: ord={ord!r} along axis={axis!r}"
        )
    size = absolute(x)
    if len(axes) == 2:
        first, last = (normalize_axis(a, x.ndim) for a in (axis if axis is not None else (0, 1)))
        summed, chosen = (first, last) if abs(ord) == 1 else (last, first)
        y = (largest if ord > 0 else smallest)(total(size, summed, keepdims=True), chosen, keepdims=True)
        return y if keepdims else reshape(y, [n for i, n in enumerate(x.shape) if i not in axes])
    if abs(ord) == float("inf"):
        return (largest if ord > 0 else smallest)(size, axes, keepdims)
    if ord == 0:
        return total(cast(not_equal(x, 0), x.dtype), axes, keepdims)
    return total(size, axes, keepdims) if ord == 1 else power(total(power(size, ord), axes, keepdims), 1 / ord)


def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm of ``order`` along ``axis``, or by ``epsilon`` where that is larger.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.normalize([3.0, 4.0]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be an integer >= 1. Received: order={order!r}")
    x = as_tensor(x)
    x = x if x.dtype.kind in FLOATS else cast(x, floatx_dtype())
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        return multiply(x, rsqrt(maximum(total(square(x), axis, keepdims=True), epsilon**2)))
    return divide(x, maximum(norm(x, order, axis, keepdims=True), epsilon))


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """scale * (x - mean) / sqrt(variance + epsilon) + offset, for each place along ``axis``.

    Parameters
    ----------
    x : array
    mean, variance : (channels,)
    axis : int
        The axis of channels.
    offset, scale : (channels,), optional
    epsilon : float
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    if axis == x.ndim - 1:
        return batch_norm(x, scale, offset, mean, variance, epsilon)
    return moveaxis(batch_norm(moveaxis(x, axis, -1), scale, offset, mean, variance, epsilon), -1, axis)


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance over ``axis`` (Ba et al. 2016).

    ``epsilon`` is ``config.epsilon()`` unless given; gamma and beta have the sizes of ``axis``.
    """
    x = as_tensor(x)
    axes = normalize_axes(axis, x.ndim)
    epsilon = config.epsilon() if epsilon is None else epsilon
    y = multiply(x - mean(x, axes, keepdims=True), rsqrt(var(x, axes, keepdims=True) + epsilon))
    sizes = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    y = y if gamma is None else multiply(y, reshape(as_tensor(gamma), sizes))
    return y if beta is None else y + reshape(as_tensor(beta), sizes)


def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """scale * x / sqrt(mean(x**2) + epsilon), with the mean over ``axis`` (Zhang and Sennrich 2019)."""
    x = as_tensor(x)
    axes = normalize_axes(axis, x.ndim)
    epsilon = config.epsilon() if epsilon is None else epsilon
    y = multiply(x, rsqrt(mean(square(x), axes, keepdims=True) + epsilon))
    sizes = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    return y if scale is None else multiply(y, reshape(as_tensor(scale), sizes))


def psnr(x1, x2, max_val):
    """Peak signal-to-noise ratio in decibels: 10 * log10(max_val**2 / mean((x1 - x2)**2))."""
    return 10 * log10(divide(max_val**2, mean(square(as_tensor(x1) - x2))))
