"""Intersection over union of predicted and true places, from a confusion matrix of classes."""

from functools import partial

import numpy as np

from pycnn.autograd import as_tensor
from pycnn.backend import get_backend
from pycnn.metrics.base import Metric
from pycnn.metrics.cells import added, check_ends, read, widened
from pycnn.metrics.confusion import quotient
from pycnn.registration import register_serializable


@register_serializable("metrics")
class IoU(Metric):
    """Mean over some classes of intersection / union of predicted and true places.

    Parameters
    ----------
    num_classes : int
    target_class_ids : sequence of ints
        The classes to average over; those that occur nowhere are left out.
    name, dtype
        See ``Metric``.
    ignore_class : int, optional
        Places whose target is this are left out.
    sparse_y_true, sparse_y_pred : bool
        Whether targets and predictions are class indices, or have a number for each class along ``axis``.
    axis : int

    Notes
    -----
    A label outside [0, num_classes) is an error, where Keras leaves its place out: name it in ``ignore_class``. Labels
    on a GPU are checked when the metric is read.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])
    0.3333333333333333
    """

    direction = "up"
    _arguments = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(dtype, name)
        self.num_classes, self.ignore_class, self.axis = num_classes, ignore_class, axis
        self.target_class_ids = list(target_class_ids)
        if not all(0 <= i < num_classes for i in self.target_class_ids):
            raise ValueError(
                f"target_class_ids must lie in [0, {num_classes}). Received: target_class_ids={self.target_class_ids}"
            )
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.reset_state()

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        t, p = as_tensor(y_true).data, as_tensor(y_pred).data
        t = (t if self.sparse_y_true else t.argmax(axis=self.axis)).reshape(-1).astype("int64")
        p = (p if self.sparse_y_pred else p.argmax(axis=self.axis)).reshape(-1).astype("int64")
        xp, n = get_backend().xp, self.num_classes
        weights = xp.ones(t.shape)
        if sample_weight is not None:
            weights = weights * as_tensor(sample_weight).data.astype("float64").reshape(-1)
        if self.ignore_class is not None:
            kept = t != self.ignore_class
            t, p, weights = t * kept, p * kept, weights * kept
        for name, labels in (("y_true", t), ("y_pred", p)):
            self._ends[name] = widened(self._ends.get(name), labels, partial(self._check, name))
        self._confusion = added(self._confusion, xp.clip(t * n + p, 0, n * n - 1), weights, n * n)

    def _check(self, name, low, high):
        if not 0 <= low <= high < self.num_classes:
            raise ValueError(
                f"{name} must hold class indices from 0 to {self.num_classes - 1}. "
                f"Received: {name} from {low:.0f} to {high:.0f}"
            )

    def reset_state(self):
        """Forget all batches."""
        self._confusion, self._ends = None, {}

    def result(self):
        """Return the mean over the classes that occur."""
        for name, ends in self._ends.items():
            check_ends(ends, partial(self._check, name))
        confusion = read(self._confusion, (self.num_classes, self.num_classes))
        hits = np.diag(confusion)
        union = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
        hits, union = hits[self.target_class_ids], union[self.target_class_ids]
        return float(quotient(hits, union).sum() / max(np.count_nonzero(union), 1))


@register_serializable("metrics")
class BinaryIoU(IoU):
    """``IoU`` of the classes 0 and 1, of which a prediction is 1 from ``threshold`` on.

    Parameters
    ----------
    target_class_ids : sequence of 0 and 1
    threshold : float
    name, dtype
        See ``Metric``.
    """

    _arguments = ("target_class_ids", "threshold")

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        super().update_state(y_true, as_tensor(y_pred).data >= self.threshold, sample_weight)


@register_serializable("metrics")
class MeanIoU(IoU):
    """Mean over all classes of intersection / union; the other arguments are those of ``IoU``."""

    _arguments = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        name = name or "mean_io_u"
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@register_serializable("metrics")
class OneHotIoU(IoU):
    """``IoU`` for targets that have a number for each class along ``axis``, and predictions as such or sparse."""

    _arguments = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@register_serializable("metrics")
class OneHotMeanIoU(MeanIoU):
    """``MeanIoU`` for targets that have a number for each class along ``axis``, and predictions as such or sparse."""

    _arguments = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        name = name or "one_hot_mean_io_u"
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
