"""Areas under curves of rates over thresholds."""

import numpy as np

from pycnn.autograd import as_tensor
from pycnn.backend import get_backend
from pycnn.metrics.base import Metric, same_shape
from pycnn.metrics.cells import added, check_ends, read, weights_like, widened
from pycnn.registration import register_serializable

_CURVES = ("ROC", "PR")
_METHODS = ("interpolation", "minoring", "majoring")


@register_serializable("metrics")
class AUC(Metric):
    """Area under the ROC curve (true over false positive rate), or the precision-recall curve.

    Parameters
    ----------
    num_thresholds : int
        Predictions are sorted into this many classes, at equal distances.
    curve : {"ROC", "PR"}
    summation_method : {"interpolation", "minoring", "majoring"}
        Between two thresholds the curve is interpolated (for PR as Davis and Goadrich 2006), or takes the smaller
        or larger height.
    name, dtype
        See ``Metric``.
    thresholds : list of floats, optional
        Thresholds between 0 and 1 in place of equally distant ones.
    multi_label : bool
        Average over the areas of the columns.
    num_labels : int, optional
        The number of columns, with ``multi_label``; the first batch shows it, too.
    label_weights : list of floats, optional
        One weight a column: of its area with ``multi_label``, else of its predictions.
    from_logits : bool
        Apply a sigmoid first.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    direction = "up"
    _arguments = (
        *("num_thresholds", "curve", "summation_method", "thresholds"),
        *("multi_label", "num_labels", "label_weights", "from_logits"),
    )

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        super().__init__(dtype, name or "auc")
        for argument, value, choices in (
            ("curve", curve, _CURVES),
            ("summation_method", summation_method, _METHODS),
        ):
            if value not in choices:
                raise ValueError(f"{argument} must be one of {', '.join(choices)}. Received: {argument}={value!r}")
        if num_thresholds < 2:
            raise ValueError(f"num_thresholds must be at least 2. Received: num_thresholds={num_thresholds!r}")
        if thresholds is not None and not all(0 <= t <= 1 for t in thresholds):
            raise ValueError(f"thresholds must lie in [0, 1]. Received: thresholds={thresholds!r}")
        self.num_thresholds, self.curve, self.summation_method = num_thresholds, curve, summation_method
        if num_labels is not None and not multi_label:
            raise ValueError(f"num_labels needs multi_label=True. Received: num_labels={num_labels!r}")
        self.thresholds, self.multi_label, self.from_logits = thresholds, multi_label, from_logits
        self.num_labels, self.label_weights = num_labels, None if label_weights is None else list(label_weights)
        inner = np.linspace(0, 1, num_thresholds)[1:-1] if thresholds is None else np.sort(thresholds)
        self._levels = np.concatenate([[-1e-7], inner, [1 + 1e-7]])
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        if self.from_logits:
            backend = get_backend()
            y_pred = backend.activation_forward(as_tensor(y_pred).data, "sigmoid")
        t, p = same_shape(y_true, y_pred)
        if self.num_labels is not None and p.shape[-1] != self.num_labels:
            raise ValueError(f"y_pred must have num_labels={self.num_labels} columns. Received: y_pred.shape={p.shape}")
        xp, weights = get_backend().xp, weights_like(p, sample_weight)
        if self.label_weights is not None and not self.multi_label:
            weights = weights * xp.asarray(self.label_weights, dtype="float64")
        self._ends = widened(self._ends, p, _check)
        columns, rows = p.shape[-1] if self.multi_label else 1, len(self._levels) + 1
        t, p = t.astype(bool).reshape(-1, columns), p.reshape(-1, columns)
        exceeded = xp.searchsorted(xp.asarray(self._levels), p.astype("float64"))  # thresholds, by each prediction
        cells = (xp.where(t, 0, rows) + exceeded) * columns + xp.arange(columns)
        self._histogram = added(self._histogram, cells, weights, 2 * rows * columns)

    def reset_state(self):
        """Forget all batches."""
        self._histogram = self._ends = None  # cells: positives or negatives, thresholds exceeded, column

    def result(self):
        """Return the area."""
        check_ends(self._ends, _check)
        if self._histogram is None:
            return 0.0
        histogram = read(self._histogram, (2, len(self._levels) + 1, -1))
        above = histogram[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]  # at each threshold, who exceeds it
        areas = [self._area(true, false) for true, false in zip(above[0].T, above[1].T, strict=True)]
        return float(np.average(areas, weights=self.label_weights if self.multi_label else None))

    def _area(self, true, false):
        missed = true[0] - true  # the lowest threshold is exceeded by all
        if self.curve == "PR":
            if self.summation_method == "interpolation":
                return _interpolated_precision_recall(true, false, missed)
            x, y = _share(true, true + missed), _share(true, true + false)
        else:
            x, y = _share(false, false[0]), _share(true, true + missed)
        left, right = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            height = (left + right) / 2
        else:
            height = np.minimum(left, right) if self.summation_method == "minoring" else np.maximum(left, right)
        return float(((x[:-1] - x[1:]) * height).sum())


def _check(low, high):
    if not (low >= 0 and high <= 1):
        raise ValueError(f"y_pred must lie in [0, 1]. Received: y_pred from {low} to {high}")


def _share(part, whole):
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)


def _interpolated_precision_recall(true, false, missed):
    """Sum of the integrals between thresholds of (a + slope*x)/x, where precision is not linear in recall."""
    step = true[:-1] - true[1:]
    positive = true + false
    slope = _share(step, np.maximum(positive[:-1] - positive[1:], 0))
    intercept = true[1:] - slope * positive[1:]
    both = (positive[:-1] > 0) & (positive[1:] > 0)
    ratio = np.where(both, np.divide(positive[:-1], positive[1:], out=np.ones(step.shape), where=both), 1.0)
    total = np.maximum(true[1:] + missed[1:], 0)
    return float(_share(slope * (step + intercept * np.log(ratio)), total).sum())
