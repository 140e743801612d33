"""Penalties on weights, which are added to the loss: Keras's regularizers."""

from pycnn import ops, registration
from pycnn.autograd import Function, as_tensor
from pycnn.registration import Configurable, register_serializable


class _Penalty(Function):
    """l1 * sum(|x|) + l2 * sum(x**2)."""

    def forward(self, x, *, l1, l2):
        self.x, self.l1, self.l2 = x, l1, l2
        value = x.dtype.type(0)
        if l1:
            value = value + l1 * abs(x).sum()
        if l2:
            value = value + l2 * (x * x).sum()
        return value

    def backward(self, gy):
        slope = 2 * self.l2 * self.x
        if self.l1:
            slope = slope + self.l1 * self.backend.xp.sign(self.x)
        return gy * slope


class Regularizer(Configurable):
    """Base class: called with a weight, returns what it adds to the loss, a Tensor of one element."""

    def __call__(self, x):
        """Return the penalty for ``x``."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, x)")


@register_serializable("regularizers")
class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x**2).

    Examples
    --------
    >>> from pycnn import regularizers
    >>> regularizers.L1L2(l1=0.5, l2=0.25)([1.0, -2.0]).item()
    2.75
    """

    _arguments = ("l1", "l2")

    def __init__(self, l1=0.0, l2=0.0):
        self.l1, self.l2 = _check("l1", l1), _check("l2", l2)

    def __call__(self, x):
        """Return the penalty for ``x``."""
        return _Penalty.apply(x, l1=self.l1, l2=self.l2)


@register_serializable("regularizers")
class L1(Regularizer):
    """l1 * sum(|x|)."""

    _arguments = ("l1",)

    def __init__(self, l1=0.01):
        self.l1 = _check("l1", l1)

    def __call__(self, x):
        """Return the penalty for ``x``."""
        return _Penalty.apply(x, l1=self.l1, l2=0.0)


@register_serializable("regularizers")
class L2(Regularizer):
    """l2 * sum(x**2)."""

    _arguments = ("l2",)

    def __init__(self, l2=0.01):
        self.l2 = _check("l2", l2)

    def __call__(self, x):
        """Return the penalty for ``x``."""
        return _Penalty.apply(x, l1=0.0, l2=self.l2)


@register_serializable("regularizers")
class OrthogonalRegularizer(Regularizer):
    """Keeps the rows or columns of a matrix at right angles: factor * mean of |cosine| over all pairs of them.

    Parameters
    ----------
    factor : float >= 0
    mode : {"rows", "columns"}

    Examples
    --------
    >>> from pycnn import ops, regularizers
    >>> regularizers.OrthogonalRegularizer(1.0)(ops.eye(3)).item()
    0.0
    """

    _arguments = ("factor", "mode")

    def __init__(self, factor=0.01, mode="rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode must be 'rows' or 'columns'. Received: mode={mode!r}")
        self.factor, self.mode = _check("factor", factor), mode

    def __call__(self, x):
        """Return the penalty for the matrix ``x``."""
        x = as_tensor(x)
        if x.ndim != 2:
            raise ValueError(f"An orthogonal regularizer needs a matrix. Received: x.shape={x.shape}")
        rows = ops.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        size = rows.shape[0]
        cosines = ops.matmul(rows, ops.transpose(rows)) * (1 - ops.eye(size, dtype=x.dtype))
        return ops.sum(ops.absolute(cosines)) * (self.factor / max(size * (size - 1), 1))


def _check(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number >= 0. Received: {name}={value!r}")
    return float(value)


def get(identifier):
    """Return the regularizer that a name, dict, class or callable stands for; None stays None.

    Examples
    --------
    >>> from pycnn import regularizers
    >>> regularizers.get("l2")
    L2(l2=0.01)
    """
    return registration.resolve(identifier, "regularizers", "regularizer")


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

serialize, deserialize = registration.serialize, registration.deserialize

__getattr__ = registration.hint_names(__name__, [name for name in dir() if name[0] != "_"])
