"""The Metric: a number gathered over batches. Means and sums; functions as metrics."""

import re

import numpy as np

from pycnn import initializers, registration
from pycnn.autograd import MaskedTensor, Variable, as_tensor
from pycnn.backend import get_backend
from pycnn.losses.base import fit_weights, masked_weights
from pycnn.registration import Configurable, register_serializable


class Metric(Configurable):
    """Base class. A subclass defines ``update_state``, ``result`` and, unless it uses ``add_weight``, ``reset_state``.

    ``dtype`` is that of the variables that ``add_weight`` makes; the metrics of this package count in float64
    whatever it is. ``direction`` says which values are better: ``"up"``, ``"down"`` or None.

    Examples
    --------
    >>> import pycnn
    >>> class Largest(pycnn.metrics.Metric):
    ...     def __init__(self, name="largest"):
    ...         super().__init__(name=name)
    ...         self.value = self.add_weight(name="value")
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.value.assign(pycnn.ops.maximum(self.value, pycnn.ops.max(y_pred)))
    ...
    ...     def result(self):
    ...         return self.value
    >>> metric = Largest()
    >>> metric.update_state([0.0], [0.5])
    >>> metric([0.0], [0.25]).item()
    0.5
    """

    direction = None
    made = 0  # how many metrics were made: who keeps a list of a model's looks here

    def __init__(self, dtype=None, name=None):
        Metric.made += 1
        self.name = name or _snake_case(type(self).__name__)
        self.dtype = None if dtype is None else str(np.dtype(dtype))
        self._variables = []  # (variable, initial value)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(self, y_true, y_pred, ...)")

    def result(self):
        """Return the metric over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self)")

    def reset_state(self):
        """Forget all batches."""
        for variable, value in self._variables:
            variable.assign(value)

    def __call__(self, *args, **kwargs):
        """Take a batch into account, and return the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def add_weight(self, shape=(), initializer="zeros", dtype=None, name=None):
        """Make a variable that ``reset_state`` sets back to its initial value."""
        value = initializers.get(initializer)(shape, dtype or self.dtype)
        variable = Variable(value.numpy().copy(), name or f"variable_{len(self._variables)}", trainable=False)
        self._variables.append((variable, value))
        return variable

    add_variable = add_weight

    @property
    def variables(self):
        """The variables that ``add_weight`` made."""
        return [variable for variable, _ in self._variables]

    def get_config(self):
        """Return the arguments that make the same metric again."""
        return {"name": self.name, **self._dtype_config(), **super().get_config()}

    def _dtype_config(self):
        return {} if self.dtype is None else {"dtype": self.dtype}


def same_shape(y_true, y_pred):
    """Targets and predictions as device arrays of one shape; (N,) and (N, 1) meet."""
    t, p = as_tensor(y_true).data, as_tensor(y_pred).data
    if t.shape != p.shape:
        if t.shape != (*p.shape, 1) and p.shape != (*t.shape, 1):
            raise ValueError(
                f"y_true and y_pred must have the same shape. Received: y_true.shape={t.shape}, y_pred.shape={p.shape}"
            )
        t = t.reshape(p.shape)
    return t, p


def _snake_case(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@register_serializable("metrics")
class Sum(Metric):
    """Weighted sum of values.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.Sum()([1.0, 2.0])
    3.0
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(self, values, sample_weight=None):
        """Take values into account, each times its weight."""
        self.total = self.total + _weighted(values, sample_weight)[0].sum(dtype="float64")

    def result(self):
        """Return the sum, a float."""
        return float(self.total)

    def reset_state(self):
        """Forget all values."""
        self.total = 0.0


@register_serializable("metrics")
class Mean(Metric):
    """Weighted mean of values.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.Mean()([1.0, 2.0, 6.0], [1.0, 1.0, 0.5])
    2.4
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(self, values, sample_weight=None):
        """Take values into account, each times its weight."""
        values, weights = _weighted(values, sample_weight)
        self.total = self.total + values.sum(dtype="float64")
        self.count = self.count + (values.size if weights is None else weights.sum(dtype="float64"))

    def _update(self, values, y_pred, sample_weight):
        """Take what was computed of predictions into account, but for what their mask hides."""
        if isinstance(y_pred, MaskedTensor):
            values = as_tensor(values)
            values = values if values.dtype.kind == "f" else values.astype("float64")
            sample_weight = masked_weights(y_pred.mask, values, sample_weight)
        Mean.update_state(self, values, sample_weight)

    def result(self):
        """Return the mean, a float; 0 before the first value."""
        count = float(self.count)
        return float(self.total) / count if count else 0.0

    def reset_state(self):
        """Forget all values."""
        self.total = 0.0
        self.count = 0


def _weighted(values, sample_weight):
    """Values times weights, and the weights stretched to the values' shape (None without weights), on the device."""
    values = as_tensor(values)
    if sample_weight is None:
        return values.data, None
    if values.dtype.kind != "f":
        values = values.astype("float64")
    weights = fit_weights(sample_weight, values)
    return values.data * weights.data, get_backend().xp.broadcast_to(weights.data, values.shape)


@register_serializable("metrics")
class MeanMetricWrapper(Mean):
    """Weighted mean of a function ``fn(y_true, y_pred, **arguments)`` that returns one number a sample."""

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name or getattr(fn, "__name__", None) or _snake_case(type(fn).__name__), dtype)
        self.fn = fn
        self.arguments = kwargs

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        self._update(self.fn(y_true, y_pred, **self.arguments), y_pred, sample_weight)

    def get_config(self):
        """Return the arguments that make the same metric again."""
        return {"name": self.name, **self._dtype_config(), "fn": registration.serialize(self.fn), **self.arguments}

    @classmethod
    def from_config(cls, config):
        """Make a metric from what ``get_config`` returned."""
        return cls(**{**config, "fn": registration.deserialize(config["fn"])})


class MeanOfFunction(Mean):
    """Base class of means of a function of ``pycnn.ops`` with some of the metric's own attributes."""

    direction = "down"
    _function = None

    def __init__(self, name=None, dtype=None):
        super().__init__(name or _snake_case(type(self).__name__), dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        arguments = {name: getattr(self, name) for name in self._arguments}
        self._update(type(self)._function(y_true, y_pred, **arguments), y_pred, sample_weight)
