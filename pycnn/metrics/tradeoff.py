"""The best value of one rate at the thresholds where another is high enough."""

import numpy as np

from pycnn.backend import get_backend
from pycnn.metrics.base import Metric, same_shape
from pycnn.metrics.cells import added, read, weights_like
from pycnn.metrics.confusion import quotient
from pycnn.registration import register_serializable


class _BestAt(Metric):
    """Base class: the largest ``wanted`` rate at a threshold where the ``required`` one is at least ``least``."""

    direction = "up"
    _required = _wanted = None  # names of methods

    def __init__(self, least, num_thresholds, class_id, name, dtype):
        super().__init__(dtype, name)
        if not 0 <= least <= 1:
            argument = self._arguments[0]
            raise ValueError(f"{argument} must lie in [0, 1]. Received: {argument}={least!r}")
        if num_thresholds < 1:
            raise ValueError(f"num_thresholds must be at least 1. Received: num_thresholds={num_thresholds!r}")
        self._least, self.num_thresholds, self.class_id = least, num_thresholds, class_id
        self._levels = np.linspace(0, 1, num_thresholds) if num_thresholds > 1 else np.array([0.5])
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        t, p = same_shape(y_true, y_pred)
        xp, weights = get_backend().xp, weights_like(p, sample_weight)
        if self.class_id is not None:
            t, p, weights = (a[..., self.class_id] for a in (t, p, weights))
        exceeded = xp.searchsorted(xp.asarray(self._levels), p.astype("float64"))  # thresholds, by each prediction
        rows = len(self._levels) + 1
        self._histogram = added(self._histogram, xp.where(t.astype(bool), 0, rows) + exceeded, weights, 2 * rows)

    def reset_state(self):
        """Forget all batches."""
        self._histogram = None  # cells: positives or negatives, thresholds exceeded

    def _rates(self):
        histogram = read(self._histogram, (2, len(self._levels) + 1))
        above = histogram[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        total = histogram.sum(axis=1, keepdims=True)
        (true, false), (missed, rejected) = above, total - above
        return {
            "recall": quotient(true, true + missed),
            "precision": quotient(true, true + false),
            "specificity": quotient(rejected, rejected + false),
        }

    def result(self):
        """Return the largest rate; 0 where no threshold will do."""
        rates = self._rates()
        return float(np.where(rates[self._required] >= self._least, rates[self._wanted], 0).max(initial=0))


@register_serializable("metrics")
class PrecisionAtRecall(_BestAt):
    """Largest precision at a threshold where the recall is at least ``recall``.

    Parameters
    ----------
    recall : float in [0, 1]
    num_thresholds : int
        Thresholds at equal distances from 0 to 1.
    class_id : int, optional
        Look at this column alone.
    name, dtype
        See ``Metric``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    _arguments = ("recall", "num_thresholds", "class_id")
    _required, _wanted = "recall", "precision"

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


@register_serializable("metrics")
class RecallAtPrecision(_BestAt):
    """Largest recall at a threshold where the precision is at least ``precision``; see ``PrecisionAtRecall``."""

    _arguments = ("precision", "num_thresholds", "class_id")
    _required, _wanted = "precision", "recall"

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision


@register_serializable("metrics")
class SensitivityAtSpecificity(_BestAt):
    """Largest recall at a threshold where true negatives are at least this share of negatives.

    See ``PrecisionAtRecall`` for the other arguments.
    """

    _arguments = ("specificity", "num_thresholds", "class_id")
    _required, _wanted = "specificity", "recall"

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


@register_serializable("metrics")
class SpecificityAtSensitivity(_BestAt):
    """Largest share of true negatives among negatives at a threshold where the recall is at least ``sensitivity``.

    See ``PrecisionAtRecall`` for the other arguments.
    """

    _arguments = ("sensitivity", "num_thresholds", "class_id")
    _required, _wanted = "recall", "specificity"

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity
