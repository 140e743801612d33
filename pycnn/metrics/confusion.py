"""Metrics of what is taken for what: precision, recall, F-scores."""

import math

import numpy as np

from pycnn.autograd import Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.losses.base import fit_weights
from pycnn.metrics.base import Metric, same_shape
from pycnn.ops.crossentropy import integer_labels
from pycnn.registration import register_serializable

_HITS = (lambda t, q: t & q, lambda t, q: ~t & q, lambda t, q: t & ~q, lambda t, q: ~t & ~q)


def _host(x):
    return get_backend().to_numpy(x)


def quotient(a, b):
    """a / b, 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.shape(a)), where=np.asarray(b) != 0)


class _Counts(Metric):
    """True and false positives and negatives at one or more thresholds."""

    direction = "up"
    _arguments = ("thresholds", "top_k", "class_id")

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(dtype, name)
        listed = thresholds if isinstance(thresholds, (list, tuple)) else () if thresholds is None else (thresholds,)
        if not all(0 <= t <= 1 for t in listed):
            raise ValueError(f"thresholds must lie in [0, 1]. Received: thresholds={thresholds!r}")
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self._levels = tuple(listed) or ((0.5,) if top_k is None else (-math.inf,))
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        t, p = same_shape(y_true, y_pred)
        weights = None if sample_weight is None else fit_weights(sample_weight, Tensor.wrap(p)).data
        t = t.astype(bool)
        xp = get_backend().xp
        positives = [p > level for level in self._levels]
        if self.top_k is not None:
            largest = p >= xp.sort(p, axis=-1)[..., -self.top_k, None]
            positives = [q & largest for q in positives]
        if self.class_id is not None:
            t, positives = t[..., self.class_id], [q[..., self.class_id] for q in positives]
            if weights is not None and weights.shape[-1] == p.shape[-1] > 1:
                weights = weights[..., self.class_id]
            elif weights is not None:
                weights = weights[..., 0]
        rows = [[hits(t, q) for q in positives] for hits in _HITS]
        counts = [(h if weights is None else h * weights).sum(dtype="float64") for row in rows for h in row]
        self._counts = self._counts + xp.stack(counts).reshape(len(_HITS), -1)

    def reset_state(self):
        """Forget all batches."""
        self._counts = 0  # rows of true and false positives, false and true negatives; on the device from a batch on

    def _counted(self):
        shape = len(_HITS), len(self._levels)
        return np.zeros(shape) if isinstance(self._counts, int) else _host(self._counts)

    def _shaped(self, values):
        return values if isinstance(self.thresholds, (list, tuple)) else float(values[0])


@register_serializable("metrics")
class Precision(_Counts):
    """True positives / (true + false positives).

    Parameters
    ----------
    thresholds : float or list of floats, optional
        What a prediction must exceed to be positive, 0.5 unless given; a list gives an array of results.
    top_k : int, optional
        Only the k largest predictions of each sample can be positive; without ``thresholds`` all of them are.
    class_id : int, optional
        Look at this column alone.
    name : str

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])
    0.6666666666666666
    """

    def result(self):
        """Return the precision; 0 where nothing was positive."""
        right, wrong, _, _ = self._counted()
        return self._shaped(quotient(right, right + wrong))


@register_serializable("metrics")
class Recall(_Counts):
    """True positives / (true positives + false negatives); the arguments are those of ``Precision``."""

    def result(self):
        """Return the recall; 0 where nothing was to be found."""
        right, _, missed, _ = self._counted()
        return self._shaped(quotient(right, right + missed))


class _Count(_Counts):
    _arguments = ("thresholds",)
    _row = 0

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(thresholds, name=name, dtype=dtype)

    def result(self):
        """Return the (weighted) count."""
        return self._shaped(self._counted()[self._row])


@register_serializable("metrics")
class TruePositives(_Count):
    """Number of positive predictions that are right."""


@register_serializable("metrics")
class FalsePositives(_Count):
    """Number of positive predictions that are wrong."""

    direction = "down"
    _row = 1


@register_serializable("metrics")
class FalseNegatives(_Count):
    """Number of negative predictions that are wrong."""

    direction = "down"
    _row = 2


@register_serializable("metrics")
class TrueNegatives(_Count):
    """Number of negative predictions that are right."""

    _row = 3


@register_serializable("metrics")
class FBetaScore(Metric):
    """(1 + beta**2) * precision * recall / (beta**2 * precision + recall), for each class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None gives an array of one score a class; ``"micro"`` counts over all classes, ``"macro"`` is the mean of
        the scores, ``"weighted"`` their mean weighted by the classes' frequencies.
    beta : float
    threshold : float, optional
        What a prediction must exceed to be positive; without it the largest of each sample is.
    name : str
    """

    direction = "up"
    _arguments = ("average", "beta", "threshold")

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"average must be None, 'micro', 'macro' or 'weighted'. Received: average={average!r}")
        if not beta > 0:
            raise ValueError(f"beta must be positive. Received: beta={beta!r}")
        self.average, self.beta, self.threshold = average, beta, threshold
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch (samples, classes) into account; targets are one-hot or class indices."""
        y_pred, t, xp = as_tensor(y_pred), as_tensor(y_true), get_backend().xp
        p = y_pred.data
        if t.ndim < p.ndim or t.shape != p.shape:
            t = xp.eye(p.shape[-1])[integer_labels(t, y_pred)]
        else:
            t = t.data.astype("float64")
        q = xp.eye(p.shape[-1])[p.argmax(axis=-1)] if self.threshold is None else (p > self.threshold).astype("float64")
        weights = 1.0 if sample_weight is None else fit_weights(sample_weight, y_pred).data
        self._counts = self._counts + xp.stack(
            [(t * q * weights).sum(axis=0), ((1 - t) * q * weights).sum(axis=0), (t * (1 - q) * weights).sum(axis=0)]
        )

    def reset_state(self):
        """Forget all batches."""
        self._counts = 0  # rows of true positives, false positives, false negatives; on the device from a batch on

    def result(self):
        """Return the score, or the scores."""
        counts = np.zeros((3, 1)) if isinstance(self._counts, int) else _host(self._counts)
        counts = counts.sum(axis=1, keepdims=True) if self.average == "micro" else counts
        true, wrong, missed = counts
        squared = self.beta**2
        score = quotient((1 + squared) * true, (1 + squared) * true + squared * missed + wrong)
        if self.average is None:
            return score
        if self.average == "weighted":
            return float(quotient((score * (true + missed)).sum(), (true + missed).sum()))
        return float(score.mean())


@register_serializable("metrics")
class F1Score(FBetaScore):
    """2 * precision * recall / (precision + recall), for each class; see ``FBetaScore``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.F1Score()([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    array([0.66666667, 0.66666667])
    """

    _arguments = ("average", "threshold")

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)
