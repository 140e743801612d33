"""Losses, one number a sample: the last axis is averaged or summed away, as in Keras. (See also ``crossentropy``.)"""

import math

from pycnn import config
from pycnn.autograd import Function, as_tensor
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.arithmetic import divide, maximum
from pycnn.ops.creation import cast
from pycnn.ops.elementwise import clip, log, log1p, rsqrt, square
from pycnn.ops.promotion import floatx_dtype
from pycnn.ops.reduction import max as largest
from pycnn.ops.reduction import mean
from pycnn.ops.reduction import sum as total


class _OfDifference(Function):
    """Targets and predictions: mean over the last axis of a function of d = prediction - target."""

    def forward(self, t, p, **options):
        self.options = options
        self.d = p - t
        return self.value(self.d, **options).mean(axis=-1)

    def backward(self, gy):
        need_t, need_p = self.needs_grad
        gp = self.slope(self.d, **self.options) * (gy[..., None] / self.d.shape[-1])
        return -gp if need_t else None, gp if need_p else None


class _SquaredError(_OfDifference):
    def value(self, d):
        return d * d

    def slope(self, d):
        return 2 * d


class _AbsoluteError(_OfDifference):
    def value(self, d):
        return abs(d)

    def slope(self, d):
        return self.backend.xp.sign(d)


class _Huber(_OfDifference):
    def value(self, d, delta):
        size = abs(d)
        return self.backend.xp.where(size <= delta, 0.5 * d * d, delta * (size - 0.5 * delta))

    def slope(self, d, delta):
        return d.clip(-delta, delta)


class _LogCosh(_OfDifference):
    def value(self, d):
        size = abs(d)
        return size + self.backend.xp.log1p(self.backend.xp.exp(-2 * size)) - math.log(2)

    def slope(self, d):
        return self.backend.xp.tanh(d)


def matching(y_true, y_pred):
    """Targets in the dtype and shape of the predictions; (N,) and (N, 1) meet, as in Keras."""
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if y_pred.dtype.kind not in FLOATS:
        y_pred = cast(y_pred, floatx_dtype())
    t, p = y_true.data.shape, y_pred.data.shape
    if t != p:
        if t == (*p, 1) or p == (*t, 1):
            y_true = y_true.reshape(p)
        else:
            raise ValueError(
                "y_true and y_pred must have the same shape. "
                f"Received: y_true.shape={t}, y_pred.shape={p}{_sparse_hint(t, p)}"
            )
    return y_true if y_true.dtype == y_pred.dtype else cast(y_true, y_pred.dtype), y_pred


def _sparse_hint(t, p):
    if len(p) > 1 and p[-1] > 1 and t in (p[:-1], (*p[:-1], 1)):
        return ". For integer labels there is the loss sparse_categorical_crossentropy"
    return ""


def mean_squared_error(y_true, y_pred):
    """Mean of (y_pred - y_true)**2 over the last axis.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.mean_squared_error([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
    array([5.], dtype=float32)
    """
    return _SquaredError.apply(*matching(y_true, y_pred))


def mean_absolute_error(y_true, y_pred):
    """Mean of |y_pred - y_true| over the last axis."""
    return _AbsoluteError.apply(*matching(y_true, y_pred))


def huber(y_true, y_pred, delta=1.0):
    """Mean over the last axis of d**2/2 where |d| <= delta, else delta*(|d| - delta/2) (Huber 1964)."""
    return _Huber.apply(*matching(y_true, y_pred), delta=delta)


def smooth_l1(y_true, y_pred, beta=1.0):
    """Mean over the last axis of d**2/(2*beta) where |d| < beta, else |d| - beta/2 (Girshick 2015).

    Keras has no such loss: it is ``huber`` divided by its delta.
    """
    return huber(y_true, y_pred, beta) / beta


def log_cosh(y_true, y_pred):
    """Mean of log(cosh(y_pred - y_true)) over the last axis."""
    return _LogCosh.apply(*matching(y_true, y_pred))


def mean_absolute_percentage_error(y_true, y_pred):
    """Mean of 100 * |y_pred - y_true| / max(|y_true|, epsilon) over the last axis."""
    y_true, y_pred = matching(y_true, y_pred)
    return 100 * mean(abs(divide(y_true - y_pred, maximum(abs(y_true), config.epsilon()))), axis=-1)


def mean_squared_logarithmic_error(y_true, y_pred):
    """Mean of (log(1 + y_pred) - log(1 + y_true))**2 over the last axis; both are kept above 0."""
    y_true, y_pred = matching(y_true, y_pred)
    return mean(
        square(log1p(maximum(y_pred, config.epsilon())) - log1p(maximum(y_true, config.epsilon()))),
        axis=-1,
    )


def _signed(y_true):
    """Labels 0 and 1 become -1 and 1; others stay."""
    binary = cast(((y_true == 0) | (y_true == 1)).all(), y_true.dtype)
    return y_true * (1 + binary) - binary


def hinge(y_true, y_pred):
    """Mean of max(1 - y_true*y_pred, 0) over the last axis; targets are -1 and 1, or 0 and 1."""
    y_true, y_pred = matching(y_true, y_pred)
    return mean(maximum(1 - _signed(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true, y_pred):
    """Mean of max(1 - y_true*y_pred, 0)**2 over the last axis; targets are -1 and 1, or 0 and 1."""
    y_true, y_pred = matching(y_true, y_pred)
    return mean(square(maximum(1 - _signed(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true, y_pred):
    """max(1 + largest wrong score - right score, 0); targets are one-hot."""
    y_true, y_pred = matching(y_true, y_pred)
    return maximum(largest((1 - y_true) * y_pred, axis=-1) - total(y_true * y_pred, axis=-1) + 1, 0.0)


def kl_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) over the last axis (Kullback and Leibler 1951)."""
    y_true, y_pred = matching(y_true, y_pred)
    y_true, y_pred = clip(y_true, config.epsilon(), 1.0), clip(y_pred, config.epsilon(), 1.0)
    return total(y_true * log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """Mean of y_pred - y_true * log(y_pred) over the last axis."""
    y_true, y_pred = matching(y_true, y_pred)
    return mean(y_pred - y_true * log(y_pred + config.epsilon()), axis=-1)


def cosine_similarity(y_true, y_pred, axis=-1):
    """Minus the cosine of the angle between the vectors along ``axis``: -1 where they point the same way."""
    y_true, y_pred = matching(y_true, y_pred)
    lengths = [rsqrt(maximum(total(square(v), axis=axis, keepdims=True), 1e-12)) for v in (y_true, y_pred)]
    return -total(y_true * lengths[0] * (y_pred * lengths[1]), axis=axis)
