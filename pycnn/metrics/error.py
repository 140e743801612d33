"""Losses as metrics: cross-entropies, and errors of predicted numbers."""

from pycnn.metrics.base import MeanOfFunction
from pycnn.ops import crossentropy, loss
from pycnn.registration import register_serializable


@register_serializable("metrics", aliases=("mse",))
class MeanSquaredError(MeanOfFunction):
    """Mean of (y_pred - y_true)**2."""

    _function = loss.mean_squared_error


@register_serializable("metrics", aliases=("rmse",))
class RootMeanSquaredError(MeanOfFunction):
    """Square root of the mean of (y_pred - y_true)**2 over all batches, without what masks hide (Keras counts it).

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]])
    3.0
    """

    _function = loss.mean_squared_error

    def result(self):
        """Return the root of the mean."""
        return super().result() ** 0.5


@register_serializable("metrics", aliases=("mae",))
class MeanAbsoluteError(MeanOfFunction):
    """Mean of |y_pred - y_true|."""

    _function = loss.mean_absolute_error


@register_serializable("metrics", aliases=("mape",))
class MeanAbsolutePercentageError(MeanOfFunction):
    """Mean of 100 * |y_pred - y_true| / |y_true|."""

    _function = loss.mean_absolute_percentage_error


@register_serializable("metrics", aliases=("msle",))
class MeanSquaredLogarithmicError(MeanOfFunction):
    """Mean of (log(1 + y_pred) - log(1 + y_true))**2."""

    _function = loss.mean_squared_logarithmic_error


@register_serializable("metrics", aliases=("log_cosh",))
class LogCoshError(MeanOfFunction):
    """Mean of log(cosh(y_pred - y_true))."""

    _function = loss.log_cosh

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(name, dtype)


@register_serializable("metrics")
class Huber(MeanOfFunction):
    """Mean of the Huber loss."""

    _function = loss.huber
    _arguments = ("delta",)

    def __init__(self, delta=1.0, name=None, dtype=None):
        super().__init__(name, dtype)
        self.delta = delta


@register_serializable("metrics")
class Poisson(MeanOfFunction):
    """Mean of y_pred - y_true * log(y_pred)."""

    _function = loss.poisson


def _cosine(y_true, y_pred, axis):
    return -loss.cosine_similarity(y_true, y_pred, axis)


@register_serializable("metrics")
class CosineSimilarity(MeanOfFunction):
    """Mean cosine of the angle between target and prediction along ``axis``: 1 where they point the same way."""

    direction = "up"
    _function = _cosine
    _arguments = ("axis",)

    def __init__(self, name=None, dtype=None, axis=-1):
        super().__init__(name, dtype)
        self.axis = axis


@register_serializable("metrics")
class CategoricalCrossentropy(MeanOfFunction):
    """Mean of -sum(y_true * log(y_pred)) over the classes."""

    _function = crossentropy.categorical_crossentropy
    _arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(self, name=None, dtype=None, from_logits=False, label_smoothing=0, axis=-1):
        super().__init__(name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


@register_serializable("metrics")
class SparseCategoricalCrossentropy(MeanOfFunction):
    """Mean of -log of the probability of the right class."""

    _function = crossentropy.sparse_categorical_crossentropy
    _arguments = ("from_logits", "ignore_class", "axis")

    def __init__(self, name=None, dtype=None, from_logits=False, ignore_class=None, axis=-1):
        super().__init__(name, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis


@register_serializable("metrics", aliases=("bce",))
class BinaryCrossentropy(MeanOfFunction):
    """Mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred))."""

    _function = crossentropy.binary_crossentropy
    _arguments = ("from_logits", "label_smoothing")

    def __init__(self, name=None, dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(name, dtype)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


@register_serializable("metrics", aliases=("kld", "kullback_leibler_divergence"))
class KLDivergence(MeanOfFunction):
    """Mean of sum(y_true * log(y_true / y_pred))."""

    _function = loss.kl_divergence

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(name, dtype)


@register_serializable("metrics")
class Hinge(MeanOfFunction):
    """Mean of max(1 - y_true*y_pred, 0)."""

    _function = loss.hinge


@register_serializable("metrics")
class SquaredHinge(MeanOfFunction):
    """Mean of max(1 - y_true*y_pred, 0)**2."""

    _function = loss.squared_hinge


@register_serializable("metrics")
class CategoricalHinge(MeanOfFunction):
    """Mean of max(1 + largest wrong score - right score, 0)."""

    _function = loss.categorical_hinge
