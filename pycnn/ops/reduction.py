"""Reductions over axes: sums, means, extremes, moments, and where the extremes are."""

import math

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import FLOAT32
from pycnn.backend.stretching import FEW, stretching
from pycnn.ops.arithmetic import divide, maximum, minimum, multiply, subtract
from pycnn.ops.axes import normalize_axes, without
from pycnn.ops.creation import cast
from pycnn.ops.elementwise import sqrt
from pycnn.ops.promotion import as_float, has_kernels


class _Reduction(Function):
    """``self.axes`` is None where all axes are reduced."""

    def remember(self, x, axis):
        self.shape = x.shape
        if axis is None:
            self.axes, self.count = None, x.size
        else:
            self.axes = normalize_axes(axis, x.ndim)
            self.count = math.prod([x.shape[a] for a in self.axes])

    def kept(self, array):
        """View a reduced array with the reduced axes as axes of size 1."""
        if self.axes is None:
            return array.reshape((1,) * len(self.shape))
        return array.reshape(self._kept_shape())

    def _kept_shape(self):
        return [1 if i in self.axes else n for i, n in enumerate(self.shape)]

    def dropped(self, array):
        """The same without these axes."""
        return array.reshape(() if self.axes is None else without(self.shape, self.axes))

    def total(self, x, keepdims):
        """Sum over the axes, by the kernel where there is one and it is worth it."""
        if x.size >= FEW and has_kernels(x):
            shape = (1,) * x.ndim if self.axes is None else tuple(self._kept_shape())
            if stretching(x.shape, shape):
                y = self.backend.sum_products(x, None, shape)
                return y if keepdims else self.dropped(y)
        if self.halves:
            x = x.astype(FLOAT32)
        return x.sum(axis=self.axes, keepdims=keepdims)

    def spread(self, array):
        """Repeat a reduced array along the reduced axes, in a large gradient that is handed on as a mere view.

        (Of small ones, assigning is much faster than ``broadcast_to``. A leaf's gradient is the user's: no view.)
        """
        if self.needs_grad[0] and math.prod(self.shape) >= FEW and not isinstance(self.inputs[0], Tensor):
            return self.backend.xp.broadcast_to(self.kept(array), self.shape)
        wide = self.backend.xp.empty(self.shape, array.dtype)
        wide[...] = self.kept(array)
        return wide


class _Sum(_Reduction):
    half_wide = (0,)

    def forward(self, x, *, axis, keepdims):
        self.remember(x, axis)
        return self.total(x, keepdims)

    def backward(self, gy):
        return self.spread(gy)


class _Mean(_Reduction):
    half_wide = (0,)

    def forward(self, x, *, axis, keepdims):
        x = x if self.halves else as_float(x)
        self.remember(x, axis)
        return self.total(x, keepdims) / self.count

    def backward(self, gy):
        return self.spread(gy / self.count)


class _Variance(_Reduction):
    def forward(self, x, *, axis, keepdims):
        x = as_float(x)
        self.remember(x, axis)
        self.centred = x - x.mean(axis=self.axes, keepdims=True)
        return (self.centred * self.centred).mean(axis=self.axes, keepdims=keepdims)

    def backward(self, gy):
        return self.kept(gy) * (2 / self.count) * self.centred


class _Extreme(_Reduction):
    """Largest or smallest element. Equal ones share the gradient evenly."""

    def forward(self, x, *, axis, keepdims, largest, initial=None):
        self.remember(x, axis)
        self.x = x
        if initial is not None and not x.size:
            self.y = self.kept(x.sum(axis=self.axes)) + x.dtype.type(initial)
        else:
            self.y = x.max(axis=self.axes, keepdims=True) if largest else x.min(axis=self.axes, keepdims=True)
        return self.y if keepdims else self.dropped(self.y)

    def backward(self, gy):
        winners = self.x == self.y
        count = winners.sum(axis=self.axes, keepdims=True).clip(1).astype(gy.dtype)  # a NaN equals nothing
        return winners * (self.kept(gy) / count)


class _Product(_Reduction):
    def forward(self, x, *, axis, keepdims):
        self.remember(x, axis)
        self.x = x
        return x.prod(axis=self.axes, keepdims=keepdims)

    def backward(self, gy):
        """The product of all others, right also where some are 0: what stands before times what stands after."""
        xp = self.backend.xp
        axes = normalize_axes(self.axes, len(self.shape))
        rest = [i for i in range(len(self.shape)) if i not in axes]
        order = (*rest, *axes)
        moved = xp.transpose(self.x, order)
        rows = moved.reshape((*moved.shape[: len(rest)], self.count))
        before, after = xp.ones_like(rows), xp.ones_like(rows)
        before[..., 1:] = xp.cumprod(rows[..., :-1], axis=-1)
        after[..., :-1] = xp.cumprod(rows[..., :0:-1], axis=-1)[..., ::-1]
        others = (before * after).reshape(moved.shape)
        return self.kept(gy) * xp.transpose(others, [order.index(i) for i in range(len(order))])


class _LogSumExp(_Reduction):
    def forward(self, x, *, axis, keepdims):
        x = as_float(x)
        self.remember(x, axis)
        xp = self.backend.xp
        top = x.max(axis=self.axes, keepdims=True)
        top = xp.where(xp.isfinite(top), top, top.dtype.type(0))
        weights = xp.exp(x - top)
        total = weights.sum(axis=self.axes, keepdims=True)
        self.softmax = weights / total
        y = xp.log(total) + top
        return y if keepdims else self.dropped(y)

    def backward(self, gy):
        return self.kept(gy) * self.softmax


def sum(x, axis=None, keepdims=False):
    """Sum over ``axis``: None (all axes), an axis or a tuple of axes.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=0).numpy()
    array([4., 6.], dtype=float32)
    """
    return _Sum.apply(x, axis=axis, keepdims=keepdims)


def mean(x, axis=None, keepdims=False):
    """Arithmetic mean over ``axis``; integers give a float."""
    return _Mean.apply(x, axis=axis, keepdims=keepdims)


def var(x, axis=None, keepdims=False):
    """Biased variance over ``axis``: the mean of the squared differences from the mean."""
    return _Variance.apply(x, axis=axis, keepdims=keepdims)


def std(x, axis=None, keepdims=False):
    """Square root of the biased variance over ``axis``."""
    return sqrt(var(x, axis, keepdims))


def max(x, axis=None, keepdims=False, initial=None):
    """Largest element along ``axis``, or ``initial`` if that is larger; equal ones share the gradient evenly."""
    if initial is not None:
        return _with_initial(x, axis, keepdims, initial, largest=True)
    return _Extreme.apply(x, axis=axis, keepdims=keepdims, largest=True)


def min(x, axis=None, keepdims=False, initial=None):
    """Smallest element along ``axis``, or ``initial`` if that is smaller; equal ones share the gradient evenly."""
    if initial is not None:
        return _with_initial(x, axis, keepdims, initial, largest=False)
    return _Extreme.apply(x, axis=axis, keepdims=keepdims, largest=False)


def _with_initial(x, axis, keepdims, initial, largest):
    """The same, of tensors without elements too."""
    y = _Extreme.apply(x, axis=axis, keepdims=keepdims, largest=largest, initial=initial)
    return (maximum if largest else minimum)(y, initial)


def prod(x, axis=None, keepdims=False, dtype=None):
    """Product over ``axis``, computed in ``dtype`` if one is given."""
    if dtype is not None:
        x = cast(x, dtype)
    return _Product.apply(x, axis=axis, keepdims=keepdims)


def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) over ``axis``, without overflow."""
    return _LogSumExp.apply(x, axis=axis, keepdims=keepdims)


def argmax(x, axis=None, keepdims=False):
    """Index of the largest element along ``axis``, the first of equals; None counts through all axes."""
    return Tensor.wrap(get_backend().xp.argmax(as_tensor(x).data, axis=axis, keepdims=keepdims))


def argmin(x, axis=None, keepdims=False):
    """Index of the smallest element along ``axis``, the first of equals; None counts through all axes."""
    return Tensor.wrap(get_backend().xp.argmin(as_tensor(x).data, axis=axis, keepdims=keepdims))


def any(x, axis=None, keepdims=False):
    """Whether any element along ``axis`` is true."""
    return Tensor.wrap(get_backend().xp.any(as_tensor(x).data, axis=axis, keepdims=keepdims))


def all(x, axis=None, keepdims=False):
    """Whether all elements along ``axis`` are true."""
    return Tensor.wrap(get_backend().xp.all(as_tensor(x).data, axis=axis, keepdims=keepdims))


def count_nonzero(x, axis=None):
    """Number of elements along ``axis`` that are not 0."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return Tensor.wrap(get_backend().xp.asarray(get_backend().xp.count_nonzero(as_tensor(x).data, axis=axis)))


def ptp(x, axis=None, keepdims=False):
    """Largest minus smallest element along ``axis``."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def average(x, axis=None, weights=None):
    """Mean over ``axis``, weighted if ``weights`` (of x's shape, or one a place of the axis) are given.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.average([1.0, 4.0], weights=[3.0, 1.0]).item()
    1.75
    """
    if weights is None:
        return mean(x, axis)
    x, weights = as_tensor(x), as_tensor(weights)
    if weights.shape != x.shape:
        if weights.ndim != 1 or not hasattr(axis, "__index__") or weights.shape[0] != x.shape[axis]:
            raise ValueError(
                f"weights must have the shape {x.shape} of x, or one number for each place along axis. "
                f"Received: weights.shape={weights.shape}, axis={axis!r}"
            )
        (place,) = normalize_axes(axis, x.ndim)
        weights = weights.reshape([-1 if i == place else 1 for i in range(x.ndim)])
    total = sum(weights, axis) if weights.shape == x.shape else sum(weights)
    return divide(sum(multiply(x, weights), axis), total)


def moments(x, axes, keepdims=False, synchronized=False):
    """Mean and biased variance over ``axes``.

    The variance is the mean of squared differences, which does not cancel as Keras's E[x**2] - E[x]**2 does.
    ``synchronized`` is accepted for Keras's scripts; there is one device.
    """
    return mean(x, axes, keepdims), var(x, axes, keepdims)
