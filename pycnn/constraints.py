"""Constraints on weights, applied after each step of an optimizer: Keras's constraints.

A constraint is called with a weight, and returns what the weight becomes.
"""

from pycnn import ops, registration
from pycnn.registration import Configurable, register_serializable


class Constraint(Configurable):
    """Base class: called with a weight, returns what it becomes, a Tensor of the same shape."""

    def __call__(self, w):
        """Return what the weight becomes."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, w)")


@register_serializable("constraints")
class NonNeg(Constraint):
    """No weight below 0.

    Examples
    --------
    >>> from pycnn import constraints
    >>> constraints.NonNeg()([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """

    def __call__(self, w):
        """Return the weights, negative ones replaced by 0."""
        return ops.maximum(w, 0.0)


class _NormConstraint(Constraint):
    """A constraint on the norms of vectors along ``axis``: 0 for Dense, (0, 1, 2) for filters of Conv2D."""

    def __init__(self, axis):
        self.axis = tuple(axis) if isinstance(axis, (tuple, list)) else axis

    def _norm(self, w):
        return ops.sqrt(ops.sum(ops.square(w), axis=self.axis, keepdims=True))


@register_serializable("constraints")
class MaxNorm(_NormConstraint):
    """Vectors along ``axis`` no longer than ``max_value`` (Srivastava et al. 2014).

    Examples
    --------
    >>> from pycnn import constraints
    >>> constraints.MaxNorm(1.0)([[3.0], [4.0]]).numpy().round(3)
    array([[0.6],
           [0.8]], dtype=float32)
    """

    _arguments = ("max_value", "axis")

    def __init__(self, max_value=2, axis=0):
        super().__init__(axis)
        self.max_value = max_value

    def __call__(self, w):
        """Return the weights, vectors that are too long scaled down."""
        norm = self._norm(w)
        return w * (ops.clip(norm, 0.0, self.max_value) / (norm + 1e-7))


@register_serializable("constraints")
class UnitNorm(_NormConstraint):
    """Vectors along ``axis`` of length 1."""

    _arguments = ("axis",)

    def __init__(self, axis=0):
        super().__init__(axis)

    def __call__(self, w):
        """Return the weights, scaled."""
        return w / (self._norm(w) + 1e-7)


@register_serializable("constraints")
class MinMaxNorm(_NormConstraint):
    """Vectors along ``axis`` of lengths from ``min_value`` to ``max_value``.

    Parameters
    ----------
    min_value, max_value : float
    rate : float
        How much of the way to go in one step, in (0, 1].
    axis : int or tuple of ints
    """

    _arguments = ("min_value", "max_value", "rate", "axis")

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        super().__init__(axis)
        self.min_value, self.max_value, self.rate = min_value, max_value, rate

    def __call__(self, w):
        """Return the weights, scaled."""
        norm = self._norm(w)
        wanted = self.rate * ops.clip(norm, self.min_value, self.max_value) + (1 - self.rate) * norm
        return w * (wanted / (norm + 1e-7))


def get(identifier):
    """Return the constraint that a name, dict, class or callable stands for; None stays None.

    Examples
    --------
    >>> from pycnn import constraints
    >>> constraints.get("non_neg")
    NonNeg()
    """
    return registration.resolve(identifier, "constraints", "constraint")


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

serialize, deserialize = registration.serialize, registration.deserialize

__getattr__ = registration.hint_names(__name__, [name for name in dir() if name[0] != "_"])
