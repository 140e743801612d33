"""Angles, hyperbolic functions, and the error function."""

import math

from pycnn.autograd import Function, as_tensor
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.arithmetic import multiply, unbroadcast
from pycnn.ops.elementwise import Rule, by_rule
from pycnn.ops.promotion import align, operands


class _Arctan2(Function):
    def forward(self, a, b):
        self.a, self.b = a, b = align(a, b, "float")
        return self.backend.xp.arctan2(a, b)

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        a, b = self.a, self.b
        share = gy / (a * a + b * b)
        return (
            unbroadcast(share * b, self.inputs[0].shape) if need_a else None,
            unbroadcast(-share * a, self.inputs[1].shape) if need_b else None,
        )


class _Hypot(Function):
    def forward(self, a, b):
        self.a, self.b = a, b = align(a, b, "float")
        self.y = self.backend.xp.hypot(a, b)
        return self.y

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        share = gy / self.y
        return (
            unbroadcast(share * self.a, self.inputs[0].shape) if need_a else None,
            unbroadcast(share * self.b, self.inputs[1].shape) if need_b else None,
        )


class _Erf(Function):
    """From the backend's exact gelu, in float64: gelu(z) = z * (1 + erf(z / sqrt(2))) / 2."""

    def forward(self, x):
        xp = self.backend.xp
        dtype = x.dtype if x.dtype.kind in FLOATS else as_tensor(0.0).dtype
        self.x = x = x.astype(dtype, copy=False)
        z = xp.where(x == 0, 1.0, x).astype("float64") * math.sqrt(2)
        y = 2 * self.backend.activation_forward(z, "gelu") / z - 1
        return xp.where(x == 0, 0.0, y).astype(dtype)

    def backward(self, gy):
        return gy * (2 / math.sqrt(math.pi)) * self.backend.xp.exp(-self.x * self.x)


_TAN = Rule(lambda xp, x: xp.tan(x), lambda xp, x, y: 1 + y * y)
_ARCSIN = Rule(lambda xp, x: xp.arcsin(x), lambda xp, x, y: 1 / xp.sqrt(1 - x * x))
_ARCCOS = Rule(lambda xp, x: xp.arccos(x), lambda xp, x, y: -1 / xp.sqrt(1 - x * x))
_SINH = Rule(lambda xp, x: xp.sinh(x), lambda xp, x, y: xp.cosh(x))
_COSH = Rule(lambda xp, x: xp.cosh(x), lambda xp, x, y: xp.sinh(x))
_ARCSINH = Rule(lambda xp, x: xp.arcsinh(x), lambda xp, x, y: 1 / xp.sqrt(x * x + 1))
_ARCCOSH = Rule(lambda xp, x: xp.arccosh(x), lambda xp, x, y: 1 / xp.sqrt(x * x - 1))
_ARCTANH = Rule(lambda xp, x: xp.arctanh(x), lambda xp, x, y: 1 / (1 - x * x))


def tan(x):
    """Tangent of x in radians."""
    return by_rule(_TAN, x)


def arcsin(x):
    """Inverse sine, in [-pi/2, pi/2]."""
    return by_rule(_ARCSIN, x)


def arccos(x):
    """Inverse cosine, in [0, pi]."""
    return by_rule(_ARCCOS, x)


def arctan2(x1, x2):
    """Angle in (-pi, pi] of the point with ordinate x1 and abscissa x2."""
    return _Arctan2.apply(*operands(x1, x2))


def sinh(x):
    """Hyperbolic sine."""
    return by_rule(_SINH, x)


def cosh(x):
    """Hyperbolic cosine."""
    return by_rule(_COSH, x)


def arcsinh(x):
    """Inverse hyperbolic sine."""
    return by_rule(_ARCSINH, x)


def arccosh(x):
    """Inverse hyperbolic cosine, for x >= 1."""
    return by_rule(_ARCCOSH, x)


def arctanh(x):
    """Inverse hyperbolic tangent, for x in (-1, 1)."""
    return by_rule(_ARCTANH, x)


def deg2rad(x):
    """Degrees as radians."""
    return multiply(x, math.pi / 180)


def rad2deg(x):
    """Radians as degrees."""
    return multiply(x, 180 / math.pi)


def hypot(x1, x2):
    """sqrt(x1**2 + x2**2), without overflow."""
    return _Hypot.apply(*operands(x1, x2))


def erf(x):
    """Error function: 2/sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Examples
    --------
    >>> import pycnn
    >>> round(pycnn.ops.erf(0.5).item(), 5)
    0.5205
    """
    return _Erf.apply(x)


def erfc(x):
    """1 - erf(x)."""
    return 1 - erf(x)
