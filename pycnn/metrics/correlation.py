"""How much of the targets' variation predictions explain: R2, correlations."""

import warnings

from pycnn import config, ops
from pycnn.autograd import as_tensor
from pycnn.backend import get_backend
from pycnn.metrics.base import MeanOfFunction, Metric, same_shape
from pycnn.ops.loss import matching
from pycnn.registration import register_serializable


def pearson_correlation(y_true, y_pred, axis=-1):
    """Correlation of targets and predictions along ``axis``, from -1 to 1."""
    t, p = (y - ops.mean(y, axis=axis, keepdims=True) for y in matching(y_true, y_pred))
    return ops.mean((t / ops.std(t, axis=axis, keepdims=True)) * (p / ops.std(p, axis=axis, keepdims=True)), axis=axis)


def concordance_correlation(y_true, y_pred, axis=-1):
    """Agreement of targets and predictions along ``axis``, in mean and scale too (Lin 1989), as Keras has it."""
    t, p = matching(y_true, y_pred)
    means = [ops.mean(y, axis=axis, keepdims=True) for y in (t, p)]
    spread = ops.var(t, axis=axis, keepdims=True) + ops.var(p, axis=axis, keepdims=True)
    spread = spread + ops.square(means[0] - means[1]) + config.epsilon()
    return ops.mean(2 * (t - means[1]) * (p - means[1]) / spread, axis=axis)


class _Correlation(MeanOfFunction):
    direction = "up"
    _arguments = ("axis",)

    def __init__(self, name=None, dtype=None, axis=-1):
        super().__init__(name, dtype)
        self.axis = axis


@register_serializable("metrics")
class PearsonCorrelation(_Correlation):
    """Mean correlation of targets and predictions along ``axis``."""

    _function = pearson_correlation


@register_serializable("metrics")
class ConcordanceCorrelation(_Correlation):
    """Mean of the concordance of targets and predictions along ``axis`` (Lin 1989)."""

    _function = concordance_correlation


@register_serializable("metrics", aliases=("r2",))
class R2Score(Metric):
    """Coefficient of determination: 1 - residual / total sum of squares, for each column.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        Mean over the columns, mean weighted by their variances, or an array of one score a column.
    num_regressors : int
        Above 0 the score is adjusted for this number of explaining variables.
    name, dtype
        See ``Metric``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])
    0.5
    """

    direction = "up"

    _arguments = ("class_aggregation", "num_regressors")

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "class_aggregation must be 'uniform_average', 'variance_weighted_average' or None. "
                f"Received: class_aggregation={class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors must not be negative. Received: num_regressors={num_regressors!r}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
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
        self._numbers += t.size

    def reset_state(self):
        """Forget all batches."""
        self._residual = self._sum = self._squares = 0.0
        self._count = self._numbers = 0

    def result(self):
        """Return the score; 0 before the first batch, and for targets that are all equal."""
        if not self._count:
            return 0.0
        total = self._squares - self._sum**2 / self._count
        varies = total > 0
        score = varies * (1 - self._residual / (total + ~varies))
        if self.class_aggregation is None:
            value = get_backend().to_numpy(score)
        elif self.class_aggregation == "uniform_average":
            value = float(score.mean())
        else:
            value = float((total * score).sum() / total.sum()) if total.sum() else 0.0
        return self._adjusted(value)

    def _adjusted(self, value):
        """With Keras's number of samples, which counts every column of each."""
        rest = self._numbers - self.num_regressors - 1
        if not self.num_regressors:
            return value
        if rest <= 0:
            warnings.warn("Too few samples for an adjusted R2 score: it is the plain one", stacklevel=3)
            return value
        return 1 - (1 - value) * (self._numbers - 1) / rest
