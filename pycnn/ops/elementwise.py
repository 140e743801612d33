"""Elementwise functions of one operand, and comparisons (whose results are boolean, without gradient)."""

from collections.abc import Callable
from typing import NamedTuple

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.arithmetic import maximum, minimum
from pycnn.ops.promotion import as_float, operands


class Rule(NamedTuple):
    """A function of one operand: its value from (xp, x), and its derivative from (xp, x, y)."""

    value: Callable
    slope: Callable


class _ByRule(Function):
    def forward(self, x, *, rule):
        x = as_float(x)
        y = rule.value(self.backend.xp, x)
        self.rule, self.x, self.y = rule, x, y
        return y

    def backward(self, gy):
        return gy * self.rule.slope(self.backend.xp, self.x, self.y)


def by_rule(rule, x):
    """Apply a function that is given by its ``Rule``."""
    return _ByRule.apply(x, rule=rule)


_BOUNDS = (int, float, type(None))


class _FromInput(Function):
    """Functions whose gradient is written in terms of x."""

    def forward(self, x):
        self.x = x = as_float(x)
        return self.value(self.backend.xp, x)

    def backward(self, gy):
        return self.gradient(self.backend.xp, gy, self.x)


class _FromOutput(Function):
    """Functions whose gradient is written in terms of y."""

    def forward(self, x):
        self.y = self.value(self.backend.xp, as_float(x))
        return self.y

    def backward(self, gy):
        return self.gradient(self.backend.xp, gy, self.y)


class _Negative(Function):
    def forward(self, x):
        return -x if x.dtype.kind in FLOATS else -x.astype("int64")

    def backward(self, gy):
        return -gy


class _Absolute(Function):
    def forward(self, x):
        self.x = x
        return abs(x)

    def backward(self, gy):
        return gy * self.backend.xp.sign(self.x)


class _Square(Function):
    def forward(self, x):
        self.x = x = x if x.dtype.kind in FLOATS else x.astype("int64")
        return x * x

    def backward(self, gy):
        return gy * (2 * self.x)


class _Exp(_FromOutput):
    def value(self, xp, x):
        return xp.exp(x)

    def gradient(self, xp, gy, y):
        return gy * y


class _Expm1(_FromOutput):
    def value(self, xp, x):
        return xp.expm1(x)

    def gradient(self, xp, gy, y):
        return gy * (y + 1)


class _Log(_FromInput):
    def value(self, xp, x):
        return xp.log(x)

    def gradient(self, xp, gy, x):
        return gy / x


class _Log1p(_FromInput):
    def value(self, xp, x):
        return xp.log1p(x)

    def gradient(self, xp, gy, x):
        return gy / (1 + x)


class _Sqrt(_FromOutput):
    def value(self, xp, x):
        return xp.sqrt(x)

    def gradient(self, xp, gy, y):
        return gy * 0.5 / y


class _Rsqrt(_FromOutput):
    def value(self, xp, x):
        return 1 / xp.sqrt(x)

    def gradient(self, xp, gy, y):
        return gy * (-0.5 * y * y * y)


class _Reciprocal(_FromOutput):
    def value(self, xp, x):
        return 1 / x

    def gradient(self, xp, gy, y):
        return -gy * y * y


class _Sin(_FromInput):
    def value(self, xp, x):
        return xp.sin(x)

    def gradient(self, xp, gy, x):
        return gy * xp.cos(x)


class _Cos(_FromInput):
    def value(self, xp, x):
        return xp.cos(x)

    def gradient(self, xp, gy, x):
        return -gy * xp.sin(x)


class _Arctan(_FromInput):
    def value(self, xp, x):
        return xp.arctan(x)

    def gradient(self, xp, gy, x):
        return gy / (1 + x * x)


class _Clip(Function):
    def forward(self, x, *, low, high):
        self.x, self.low, self.high = x, low, high
        return self.backend.xp.clip(x, low, high)

    def backward(self, gy):
        inside = self.x == self.x  # NaN passes no gradient
        if self.low is not None:
            inside = inside & (self.x >= self.low)
        if self.high is not None:
            inside = inside & (self.x <= self.high)
        return gy * inside


def negative(x):
    """-x."""
    return _Negative.apply(x)


def absolute(x):
    """|x|; the derivative at 0 is 0. Also named ``abs``."""
    return _Absolute.apply(x)


def square(x):
    """x * x."""
    return _Square.apply(x)


def exp(x):
    """e to the power x."""
    return _Exp.apply(x)


def expm1(x):
    """exp(x) - 1, exact for small x."""
    return _Expm1.apply(x)


def log(x):
    """Natural logarithm."""
    return _Log.apply(x)


def log1p(x):
    """log(1 + x), exact for small x."""
    return _Log1p.apply(x)


def sqrt(x):
    """Square root."""
    return _Sqrt.apply(x)


def rsqrt(x):
    """1 / sqrt(x)."""
    return _Rsqrt.apply(x)


def reciprocal(x):
    """1 / x."""
    return _Reciprocal.apply(x)


def sin(x):
    """Sine of x in radians."""
    return _Sin.apply(x)


def cos(x):
    """Cosine of x in radians."""
    return _Cos.apply(x)


def arctan(x):
    """Inverse tangent, in (-pi/2, pi/2)."""
    return _Arctan.apply(x)


def clip(x, x_min=None, x_max=None):
    """Bring x into [x_min, x_max], numbers or arrays; outside no gradient flows. None means no bound on that side.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.clip([-2.0, 0.5, 3.0], 0.0, 1.0).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    if isinstance(x_min, _BOUNDS) and isinstance(x_max, _BOUNDS):
        return _Clip.apply(x, low=x_min, high=x_max)
    if x_min is not None:
        x = maximum(x, x_min)
    return x if x_max is None else minimum(x, x_max)


def sign(x):
    """-1, 0 or 1. Its derivative is 0, so no gradient flows."""
    return _without_gradient("sign", x)


def floor(x):
    """The largest integer not above x, as a float. No gradient flows."""
    return _without_gradient("floor", x)


def ceil(x):
    """The smallest integer not below x, as a float. No gradient flows."""
    return _without_gradient("ceil", x)


def round(x, decimals=0):
    """The nearest number of ``decimals`` decimals, halves to even. No gradient flows."""
    return Tensor.wrap(as_tensor(x).data.round(decimals)) if decimals else _without_gradient("rint", x)


def trunc(x):
    """The integer part, as a float. No gradient flows."""
    return _without_gradient("trunc", x)


def signbit(x):
    """Whether each element is below 0, or -0."""
    return _without_gradient("signbit", x)


def isnan(x):
    """Whether each element is NaN."""
    return _without_gradient("isnan", x)


def isfinite(x):
    """Whether each element is neither infinite nor NaN."""
    return _without_gradient("isfinite", x)


def isinf(x):
    """Whether each element is infinite."""
    return _without_gradient("isinf", x)


def isposinf(x):
    """Whether each element is +inf."""
    return _without_gradient("isposinf", x)


def isneginf(x):
    """Whether each element is -inf."""
    return _without_gradient("isneginf", x)


def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether ``|x1 - x2| <= atol + rtol * |x2|``, element by element."""
    a, b = operands(x1, x2)
    return Tensor.wrap(get_backend().xp.isclose(a.data, b.data, rtol, atol, equal_nan))


def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether ``isclose`` holds for all elements."""
    return Tensor.wrap(isclose(x1, x2, rtol, atol, equal_nan).data.all())


def logical_not(x):
    """Whether each element is zero or False."""
    return _without_gradient("logical_not", x)


def equal(x1, x2):
    """x1 == x2, element by element."""
    return _compare("equal", x1, x2)


def not_equal(x1, x2):
    """x1 != x2, element by element."""
    return _compare("not_equal", x1, x2)


def less(x1, x2):
    """x1 < x2, element by element."""
    return _compare("less", x1, x2)


def less_equal(x1, x2):
    """x1 <= x2, element by element."""
    return _compare("less_equal", x1, x2)


def greater(x1, x2):
    """x1 > x2, element by element."""
    return _compare("greater", x1, x2)


def greater_equal(x1, x2):
    """x1 >= x2, element by element."""
    return _compare("greater_equal", x1, x2)


def logical_and(x1, x2):
    """Whether both are true, element by element."""
    return _compare("logical_and", x1, x2)


def logical_or(x1, x2):
    """Whether one or both are true, element by element."""
    return _compare("logical_or", x1, x2)


def logical_xor(x1, x2):
    """Whether exactly one is true, element by element."""
    return _compare("logical_xor", x1, x2)


def _without_gradient(name, x):
    return Tensor.wrap(getattr(get_backend().xp, name)(as_tensor(x).data))


def _compare(name, a, b):
    a, b = operands(a, b)
    return Tensor.wrap(getattr(get_backend().xp, name)(a.data, b.data))
