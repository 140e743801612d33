"""Losses as metrics: cross-entropies, errors of predicted numbers, and what is made of them."""

from pycnn import ops
from pycnn.autograd import as_tensor
from pycnn.metrics.base import MeanOfFunction, Metric, same_shape
from pycnn.registration import register_serializable


@register_serializable("metrics", aliases=("mse",))
class MeanSquaredError(MeanOfFunction):
    """Mean of (y_pred - y_true)**2."""

    _function = ops.mean_squared_error


@register_serializable("metrics", aliases=("rmse",))
class RootMeanSquaredError(MeanOfFunction):
    """Square root of the mean of (y_pred - y_true)**2 over all batches.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]])
    3.0
    """

    _function = ops.mean_squared_error

    def result(self):
        """Return the root of the mean."""
        return super().result() ** 0.5


@register_serializable("metrics", aliases=("mae",))
class MeanAbsoluteError(MeanOfFunction):
    """Mean of |y_pred - y_true|."""

    _function = ops.mean_absolute_error


@register_serializable("metrics", aliases=("mape",))
class MeanAbsolutePercentageError(MeanOfFunction):
    """Mean of 100 * |y_pred - y_true| / |y_true|."""

    _function = ops.mean_absolute_percentage_error


@register_serializable("metrics", aliases=("msle",))
class MeanSquaredLogarithmicError(MeanOfFunction):
    """Mean of (log(1 + y_pred) - log(1 + y_true))**2."""

    _function = ops.mean_squared_logarithmic_error


@register_serializable("metrics", aliases=("log_cosh",))
class LogCoshError(MeanOfFunction):
    """Mean of log(cosh(y_pred - y_true))."""

    _function = ops.log_cosh


@register_serializable("metrics")
class Huber(MeanOfFunction):
    """Mean of the Huber loss."""

    _function = ops.huber
    _arguments = ("delta",)

    def __init__(self, delta=1.0, name=None):
        super().__init__(name)
        self.delta = delta


@register_serializable("metrics")
class Poisson(MeanOfFunction):
    """Mean of y_pred - y_true * log(y_pred)."""

    _function = ops.poisson


def _cosine(y_true, y_pred):
    return -ops.cosine_similarity(y_true, y_pred)


@register_serializable("metrics")
class CosineSimilarity(MeanOfFunction):
    """Mean cosine of the angle between target and prediction: 1 where they point the same way."""

    direction = "up"
    _function = _cosine


@register_serializable("metrics")
class CategoricalCrossentropy(MeanOfFunction):
    """Mean of -sum(y_true * log(y_pred)) over the classes."""

    _function = ops.categorical_crossentropy
    _arguments = ("from_logits", "label_smoothing")

    def __init__(self, name=None, from_logits=False, label_smoothing=0.0):
        super().__init__(name)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


@register_serializable("metrics")
class SparseCategoricalCrossentropy(MeanOfFunction):
    """Mean of -log of the probability of the right class."""

    _function = ops.sparse_categorical_crossentropy
    _arguments = ("from_logits",)

    def __init__(self, name=None, from_logits=False):
        super().__init__(name)
        self.from_logits = from_logits


@register_serializable("metrics", aliases=("bce",))
class BinaryCrossentropy(MeanOfFunction):
    """Mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred))."""

    _function = ops.binary_crossentropy
    _arguments = ("from_logits", "label_smoothing")

    def __init__(self, name=None, from_logits=False, label_smoothing=0.0):
        super().__init__(name)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


@register_serializable("metrics", aliases=("kld", "kullback_leibler_divergence"))
class KLDivergence(MeanOfFunction):
    """Mean of sum(y_true * log(y_true / y_pred))."""

    _function = ops.kl_divergence

    def __init__(self, name="kl_divergence"):
        super().__init__(name)


@register_serializable("metrics")
class Hinge(MeanOfFunction):
    """Mean of max(1 - y_true*y_pred, 0)."""

    _function = ops.hinge


@register_serializable("metrics")
class SquaredHinge(MeanOfFunction):
    """Mean of max(1 - y_true*y_pred, 0)**2."""

    _function = ops.squared_hinge


@register_serializable("metrics")
class CategoricalHinge(MeanOfFunction):
    """Mean of max(1 + largest wrong score - right score, 0)."""

    _function = ops.categorical_hinge


@register_serializable("metrics", aliases=("r2",))
class R2Score(Metric):
    """Coefficient of determination: 1 - residual / total sum of squares, the mean over the columns.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])
    0.5
    """

    direction = "up"

    def __init__(self, name="r2_score"):
        super().__init__(name)
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        t, p = same_shape(y_true, y_pred)
        t, p = t.reshape(len(t), -1).astype("float64"), p.reshape(len(p), -1).astype("float64")
        w = 1.0 if sample_weight is None else as_tensor(sample_weight).data.reshape(-1, 1).astype("float64")
        self._residual = self._residual + (w * (t - p) ** 2).sum(axis=0)
        self._sum = self._sum + (w * t).sum(axis=0)
        self._squares = self._squares + (w * t * t).sum(axis=0)
        self._count = self._count + (len(t) if sample_weight is None else w.sum())

    def reset_state(self):
        """Forget all batches."""
        self._residual = self._sum = self._squares = 0.0
        self._count = 0

    def result(self):
        """Return the score; 0 before the first batch, and for targets that are all equal."""
        if not self._count:
            return 0.0
        total = self._squares - self._sum**2 / self._count
        varies = total > 0
        score = varies * (1 - self._residual / (total + ~varies))
        return float(score.mean())
