"""Accuracies: the share of predictions that are right."""

from pycnn.autograd import MaskedTensor, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.metrics.base import Mean, same_shape
from pycnn.ops.crossentropy import integer_labels
from pycnn.registration import register_serializable


def _equal(y_true, y_pred):
    t, p = same_shape(y_true, y_pred)
    return t == p


def _binary(y_true, y_pred, threshold=0.5):
    t, p = same_shape(y_true, y_pred)
    return t == (p > threshold)


def _categorical(y_true, y_pred):
    t, p = same_shape(y_true, y_pred)
    return t.argmax(axis=-1) == p.argmax(axis=-1)


def _sparse(y_true, y_pred):
    y_pred = as_tensor(y_pred)
    return y_pred.data.argmax(axis=-1) == integer_labels(y_true, y_pred)


def _sparse_top_k(y_true, y_pred, k=5, from_sorted_ids=False):
    y_pred = as_tensor(y_pred)
    if from_sorted_ids:
        return (y_pred.data[..., :k] == as_tensor(y_true).data.reshape(y_pred.shape[:-1])[..., None]).any(axis=-1)
    labels, p = integer_labels(y_true, y_pred), y_pred.data
    chosen = get_backend().xp.take_along_axis(p, labels[..., None], axis=-1)
    return ((p > chosen).sum(axis=-1) < k) & (chosen == chosen)[..., 0]  # NaN is in no one's top k


def _top_k(y_true, y_pred, k=5):
    t, p = same_shape(y_true, y_pred)
    return _sparse_top_k(Tensor.wrap(t.argmax(axis=-1)), Tensor.wrap(p), k)


def _as_numbers(matches, dtype):
    return Tensor.wrap(matches.astype(dtype))


def _dtype(y_pred):
    dtype = as_tensor(y_pred).dtype
    return dtype if dtype.kind == "f" else "float32"


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Share of the last axis where target and prediction lie on the same side of the threshold."""
    matches = _binary(y_true, y_pred, threshold)
    return _as_numbers(matches.mean(axis=-1) if matches.ndim > 1 else matches, _dtype(y_pred))


def categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction is that of the right class, for one-hot targets."""
    return _as_numbers(_categorical(y_true, y_pred), _dtype(y_pred))


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction is that of the right class, for class indices."""
    return _as_numbers(_sparse(y_true, y_pred), _dtype(y_pred))


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where fewer than k predictions are larger than that of the right class, for one-hot targets."""
    return _as_numbers(_top_k(y_true, y_pred, k), _dtype(y_pred))


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where fewer than k predictions are larger than that of the right class, for class indices.

    With ``from_sorted_ids`` the predictions are class indices, the most probable first.
    """
    return _as_numbers(_sparse_top_k(y_true, y_pred, k, from_sorted_ids), _dtype(y_pred))


class _ShareOfMatches(Mean):
    """Base class: the mean of truth values."""

    direction = "up"
    _matches = None

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take a batch into account."""
        matches = type(self)._matches(y_true, y_pred, *(getattr(self, name) for name in self._arguments))
        if sample_weight is None and not isinstance(y_pred, MaskedTensor):
            self.total = self.total + get_backend().xp.count_nonzero(matches)
            self.count += matches.size
        else:
            self._update(Tensor.wrap(matches), y_pred, sample_weight)


@register_serializable("metrics", aliases=("acc",))
class Accuracy(_ShareOfMatches):
    """Share of predictions that equal their targets exactly.

    ``compile(metrics=["accuracy"])`` means the binary, categorical or sparse accuracy, as the shapes tell.
    """

    _matches = _equal

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name, dtype)


@register_serializable("metrics")
class BinaryAccuracy(_ShareOfMatches):
    """Share of predictions on the right side of the threshold."""

    _matches = _binary
    _arguments = ("threshold",)

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        super().__init__(name, dtype)
        self.threshold = threshold


@register_serializable("metrics")
class CategoricalAccuracy(_ShareOfMatches):
    """Share of samples whose largest prediction is that of the right class, for one-hot targets."""

    _matches = _categorical

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(name, dtype)


@register_serializable("metrics")
class SparseCategoricalAccuracy(_ShareOfMatches):
    """Share of samples whose largest prediction is that of the right class, for class indices.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.metrics.SparseCategoricalAccuracy()([1, 0], [[0.1, 0.9], [0.2, 0.8]])
    0.5
    """

    _matches = _sparse

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(name, dtype)


@register_serializable("metrics")
class TopKCategoricalAccuracy(_ShareOfMatches):
    """Share of samples whose right class is among the k largest predictions, for one-hot targets."""

    _matches = _top_k
    _arguments = ("k",)

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(name, dtype)
        self.k = k


@register_serializable("metrics")
class SparseTopKCategoricalAccuracy(_ShareOfMatches):
    """Share of samples whose right class is among the k largest predictions, for class indices.

    With ``from_sorted_ids`` the predictions are class indices, the most probable first.
    """

    _matches = _sparse_top_k
    _arguments = ("k", "from_sorted_ids")

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        super().__init__(name, dtype)
        self.k, self.from_sorted_ids = k, bool(from_sorted_ids)
