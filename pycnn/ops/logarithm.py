"""Powers, exponentials and logarithms of other bases, and arithmetic that is careful with 0, NaN and infinity."""

import math

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.ops.arithmetic import add, divide, maximum, mod, multiply, subtract, where
from pycnn.ops.elementwise import Rule, absolute, by_rule, equal, exp, log1p, negative, sign
from pycnn.ops.promotion import as_float, operands

_EXP2 = Rule(lambda xp, x: xp.exp2(x), lambda xp, x, y: y * math.log(2))
_LOG2 = Rule(lambda xp, x: xp.log2(x), lambda xp, x, y: 1 / (x * math.log(2)))
_LOG10 = Rule(lambda xp, x: xp.log10(x), lambda xp, x, y: 1 / (x * math.log(10)))
_CBRT = Rule(lambda xp, x: xp.cbrt(x), lambda xp, x, y: 1 / (3 * y * y))


class _NanToNum(Function):
    def forward(self, x, *, nan, posinf, neginf):
        self.finite = self.backend.xp.isfinite(x)
        return self.backend.xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def backward(self, gy):
        return gy * self.finite


def exp2(x):
    """2 to the power x."""
    return by_rule(_EXP2, x)


def log2(x):
    """Logarithm of base 2."""
    return by_rule(_LOG2, x)


def log10(x):
    """Logarithm of base 10."""
    return by_rule(_LOG10, x)


def cbrt(x):
    """Cube root, negative for negative x."""
    return by_rule(_CBRT, x)


def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow."""
    a, b = operands(x1, x2)
    return add(maximum(a, b), log1p(exp(negative(absolute(subtract(a, b))))))


def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.divide_no_nan([1.0, 1.0], [2.0, 0.0]).numpy()
    array([0.5, 0. ], dtype=float32)
    """
    a, b = operands(x1, x2)
    nothing = equal(b, 0)
    return where(nothing, multiply(a, 0.0), divide(a, where(nothing, 1.0, b)))


def fmod(x1, x2):
    """Remainder of x1 / x2, with the sign of x1 (that of ``mod`` has the sign of x2)."""
    a, b = operands(x1, x2)
    return multiply(sign(a), mod(absolute(a), absolute(b)))


def heaviside(x1, x2):
    """0 where x1 < 0, 1 where x1 > 0, x2 where x1 is 0."""
    a, _ = operands(x1, x2)
    return where(equal(a, 0), x2, Tensor.wrap(as_float(as_tensor(a.data).data > 0)))


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """Numbers in place of NaN and infinities (by default the largest that the dtype has)."""
    return _NanToNum.apply(x, nan=nan, posinf=posinf, neginf=neginf)


def isin(x1, x2, assume_unique=False, invert=False):
    """Whether each element of x1 is one of x2's; ``invert`` asks the contrary."""
    xp = get_backend().xp
    return Tensor.wrap(xp.isin(as_tensor(x1).data, as_tensor(x2).data, assume_unique, invert))
