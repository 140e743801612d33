"""Activations without a kernel of their own: hard, soft, shrinking and sparse ones. (See also ``activation``.)"""

from pycnn.autograd import Function, as_tensor
from pycnn.ops.activation import ACTIVATIONS, sigmoid, softplus, tanh
from pycnn.ops.arithmetic import maximum, multiply, subtract, where
from pycnn.ops.axes import normalize_axis
from pycnn.ops.elementwise import Rule, absolute, by_rule, exp, greater, negative, sqrt, square
from pycnn.ops.promotion import as_float
from pycnn.ops.shaping import split
from pycnn.registration import register_serializable

_HARD_SIGMOID = Rule(
    lambda xp, x: xp.clip(x / 6 + 0.5, 0, 1).astype(x.dtype, copy=False), lambda xp, x, y: ((x > -3) & (x < 3)) / 6
)
_HARD_TANH = Rule(lambda xp, x: xp.clip(x, -1, 1), lambda xp, x, y: (x > -1) & (x < 1))
_SPARSE_SIGMOID = Rule(
    lambda xp, x: xp.clip((x + 1) / 2, 0, 1).astype(x.dtype, copy=False), lambda xp, x, y: ((x > -1) & (x < 1)) / 2
)
_LECUN_TANH = Rule(
    lambda xp, x: 1.7159 * xp.tanh(x * (2 / 3)), lambda xp, x, y: (1.7159 * 2 / 3) - (2 / 3 / 1.7159) * y * y
)
_SOFTSIGN = Rule(lambda xp, x: x / (1 + abs(x)), lambda xp, x, y: (1 - abs(y)) ** 2)


class _Sparsemax(Function):
    """Along the last axis: the Euclidean projection onto the simplex."""

    def forward(self, x):
        x = as_float(x)
        xp = self.backend.xp
        falling = xp.sort(x, axis=-1)[..., ::-1]
        count = xp.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        sums = xp.cumsum(falling, axis=-1) - 1
        support = (falling - sums / count > 0).sum(axis=-1, keepdims=True)
        cut = xp.take_along_axis(sums, support - 1, axis=-1) / support.astype(x.dtype)
        y = xp.maximum(x - cut, x.dtype.type(0))
        self.chosen = y > 0
        return y

    def backward(self, gy):
        inside = gy * self.chosen
        mean = inside.sum(axis=-1, keepdims=True) / self.chosen.sum(axis=-1, keepdims=True)
        return ((inside - mean) * self.chosen).astype(gy.dtype, copy=False)


def hard_sigmoid(x):
    """max(0, min(1, x/6 + 1/2))."""
    return by_rule(_HARD_SIGMOID, x)


def hard_silu(x):
    """x * hard_sigmoid(x) (Howard et al. 2019). Also named ``hard_swish``."""
    x = as_tensor(x)
    return multiply(x, hard_sigmoid(x))


def hard_tanh(x):
    """x, cut off at -1 and 1."""
    return by_rule(_HARD_TANH, x)


def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0."""
    x = as_tensor(x)
    return where(greater(absolute(x), threshold), x, 0.0)


def soft_shrink(x, threshold=0.5):
    """x, brought nearer to 0 by ``threshold``, and 0 where |x| <= threshold."""
    x = as_tensor(x)
    return subtract(maximum(subtract(x, threshold), 0.0), maximum(subtract(negative(x), threshold), 0.0))


def tanh_shrink(x):
    """x - tanh(x)."""
    x = as_tensor(x)
    return subtract(x, tanh(x))


def threshold(x, threshold, default_value):
    """x where it exceeds ``threshold``, else ``default_value``."""
    x = as_tensor(x)
    return where(greater(x, threshold), x, default_value)


def softsign(x):
    """x / (1 + |x|)."""
    return by_rule(_SOFTSIGN, x)


def celu(x, alpha=1.0):
    """x where it is positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""

    def value(xp, x):
        return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0) / alpha)).astype(x.dtype, copy=False)

    def slope(xp, x, y):
        return xp.where(x > 0, x.dtype.type(1), xp.exp(xp.minimum(x, 0) / alpha))

    return by_rule(Rule(value, slope), x)


def glu(x, axis=-1):
    """The first half along ``axis`` times the sigmoid of the second (Dauphin et al. 2017)."""
    x = as_tensor(x)
    size = x.shape[normalize_axis(axis, x.ndim)]
    if size % 2:
        raise ValueError(f"The size of the axis must be even. Received: axis={axis} of x.shape={x.shape}")
    a, b = split(x, 2, axis)
    return multiply(a, sigmoid(b))


def log_sigmoid(x):
    """log(sigmoid(x)), without overflow."""
    return negative(softplus(negative(x)))


def mish(x):
    """x * tanh(softplus(x)) (Misra 2019)."""
    x = as_tensor(x)
    return multiply(x, tanh(softplus(x)))


def squareplus(x, b=4):
    """(x + sqrt(x**2 + b)) / 2 (Barron 2021)."""
    x = as_tensor(x)
    return (x + sqrt(square(x) + b)) / 2


def lecun_tanh(x):
    """1.7159 * tanh(2/3 * x), which is 1 at 1, and there bends most (LeCun et al. 1998, appendix A).

    Keras has no such activation.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.lecun_tanh([-1.0, 1.0]).numpy().round(4)
    array([-1.,  1.], dtype=float32)
    """
    return by_rule(_LECUN_TANH, x)


def sparse_plus(x):
    """0 where x <= -1, x where x >= 1, (x + 1)**2 / 4 between."""
    x = as_tensor(x)
    return where(greater(x, -1), where(greater(1, x), square(x + 1) / 4, x), 0.0)


def sparse_sigmoid(x):
    """max(0, min(1, (x + 1) / 2))."""
    return by_rule(_SPARSE_SIGMOID, x)


def sparsemax(x, axis=-1):
    """The nearest vector of probabilities, along ``axis`` (Martins and Astudillo 2016).

    It sums to 1, which Keras's (3.15) does not wherever more than one element is positive.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.sparsemax([2.0, 1.5, 0.0]).numpy()
    array([0.75, 0.25, 0.  ], dtype=float32)
    """
    x = as_tensor(x)
    place = normalize_axis(axis, x.ndim)
    if place == x.ndim - 1:
        return _Sparsemax.apply(x)
    return _Sparsemax.apply(x.swapaxes(place, -1)).swapaxes(place, -1)


def exponential(x):
    """exp(x), as an activation."""
    return exp(x)


for _function in (
    *(hard_sigmoid, hard_silu, hard_tanh, hard_shrink, soft_shrink, tanh_shrink, threshold, softsign, celu, glu),
    *(log_sigmoid, lecun_tanh, mish, squareplus, sparse_plus, sparse_sigmoid, sparsemax, exponential),
):
    ACTIVATIONS[_function.__name__] = register_serializable("activations")(_function)
ACTIVATIONS["hard_swish"] = register_serializable("activations", aliases=("hard_swish",))(hard_silu)
