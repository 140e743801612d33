"""Reductions over axes: sums, means, extremes, moments, and where the extremes are."""

import math

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.ops.axes import normalize_axes, without
from pycnn.ops.elementwise import sqrt
from pycnn.ops.promotion import as_float


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
        return array.reshape([1 if i in self.axes else n for i, n in enumerate(self.shape)])

    def dropped(self, array):
        """The same without these axes."""
        return array.reshape(() if self.axes is None else without(self.shape, self.axes))

    def spread(self, array):
        """Repeat a reduced array along the reduced axes. (Assigning is much faster than ``broadcast_to``.)"""
        wide = self.backend.xp.empty(self.shape, array.dtype)
        wide[...] = self.kept(array)
        return wide


class _Sum(_Reduction):
    def forward(self, x, *, axis, keepdims):
        self.remember(x, axis)
        return x.sum(axis=self.axes, keepdims=keepdims)

    def backward(self, gy):
        return self.spread(gy)


class _Mean(_Reduction):
    def forward(self, x, *, axis, keepdims):
        x = as_float(x)
        self.remember(x, axis)
        return x.sum(axis=self.axes, keepdims=keepdims) / self.count

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

    def forward(self, x, *, axis, keepdims, largest):
        self.remember(x, axis)
        self.x = x
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


def max(x, axis=None, keepdims=False):
    """Largest element along ``axis``; equal ones share the gradient evenly."""
    return _Extreme.apply(x, axis=axis, keepdims=keepdims, largest=True)


def min(x, axis=None, keepdims=False):
    """Smallest element along ``axis``; equal ones share the gradient evenly."""
    return _Extreme.apply(x, axis=axis, keepdims=keepdims, largest=False)


def prod(x, axis=None, keepdims=False):
    """Product over ``axis``."""
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


def top_k(x, k):
    """The k largest elements along the last axis, in falling order, and their indices; equals by index.

    Only the values carry a gradient.
    """
    x = as_tensor(x)
    if not 1 <= k <= x.shape[-1]:
        raise ValueError(f"k must lie between 1 and the size of the last axis, {x.shape[-1]}. Received: k={k!r}")
    xp = get_backend().xp
    indices = xp.argsort(-as_float(x.data), axis=-1, kind="stable")[..., :k]
    return _TakeAlongLast.apply(x, indices=indices), Tensor.wrap(indices)


class _TakeAlongLast(Function):
    def forward(self, x, *, indices):
        self.shape, self.indices = x.shape, indices
        return self.backend.xp.take_along_axis(x, indices, axis=-1)

    def backward(self, gy):
        gx = self.backend.xp.zeros(self.shape, gy.dtype)
        self.backend.xp.put_along_axis(gx, self.indices, gy, axis=-1)
        return gx
