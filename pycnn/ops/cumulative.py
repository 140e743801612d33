"""Running sums and products, and differences of neighbours."""

from pycnn.autograd import Function, as_tensor
from pycnn.ops.arithmetic import subtract
from pycnn.ops.axes import normalize_axis
from pycnn.ops.creation import cast
from pycnn.ops.indexing import getitem
from pycnn.ops.shaping import flatten


class _Cumsum(Function):
    def forward(self, x, *, axis):
        self.axis = axis
        return self.backend.xp.cumsum(x, axis=axis)

    def backward(self, gy):
        xp, axis = self.backend.xp, self.axis
        return xp.flip(xp.cumsum(xp.flip(gy, axis), axis=axis), axis)


class _Cumprod(Function):
    """With r[i] = gy[i] + x[i+1] * r[i+1] the gradient is y[i-1] * r[i], right also where x is 0."""

    def forward(self, x, *, axis):
        self.x, self.axis = x, axis
        self.y = self.backend.xp.cumprod(x, axis=axis)
        return self.y

    def backward(self, gy):
        xp = self.backend.xp
        x, y, gy = (xp.moveaxis(a, self.axis, 0) for a in (self.x, self.y, gy))
        rest = xp.array(gy)
        for i in range(len(gy) - 2, -1, -1):
            rest[i] += x[i + 1] * rest[i + 1]
        rest[1:] *= y[:-1]
        return xp.moveaxis(rest, 0, self.axis)


def cumsum(x, axis=None, dtype=None):
    """Sums of all elements up to each one along ``axis``; of the flattened tensor without one.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.cumsum([1.0, 2.0, 3.0]).numpy()
    array([1., 3., 6.], dtype=float32)
    """
    return _along(_Cumsum, x, axis, dtype)


def cumprod(x, axis=None, dtype=None):
    """Products of all elements up to each one along ``axis``; of the flattened tensor without one."""
    return _along(_Cumprod, x, axis, dtype)


def _along(function, x, axis, dtype):
    x = as_tensor(x) if dtype is None else cast(x, dtype)
    if axis is None:
        x, axis = flatten(x), 0
    return function.apply(x, axis=normalize_axis(axis, x.ndim))


def diff(a, n=1, axis=-1):
    """Differences of neighbours along ``axis``, taken ``n`` times."""
    a = as_tensor(a)
    before = (slice(None),) * normalize_axis(axis, a.ndim)
    for _ in range(n):
        a = subtract(getitem(a, (*before, slice(1, None))), getitem(a, (*before, slice(None, -1))))
    return a
