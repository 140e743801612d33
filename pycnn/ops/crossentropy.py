"""Cross-entropies, one number a sample: the last axis is averaged or summed away, as in Keras.

They work on logits whenever these can be had: asked for by ``from_logits``, or found on the tape where the
probabilities come straight from a softmax or sigmoid. Then value and gradient are exact and cost one operation.
"""

import math

from pycnn import config
from pycnn.autograd import Function, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.recording import check
from pycnn.ops.activation import log_softmax, logits_of, sigmoid, softmax
from pycnn.ops.arithmetic import product, where
from pycnn.ops.elementwise import clip, log, log1p
from pycnn.ops.loss import matching
from pycnn.ops.promotion import same_float
from pycnn.ops.reduction import mean
from pycnn.ops.reduction import sum as total
from pycnn.ops.shaping import moveaxis


class _CrossEntropy(Function):
    """Logits (..., C) and targets, labels (...) or (..., C): -sum(targets * log softmax(logits)), or the mean of all.

    The gradient is made along with the value, where one is recorded.
    """

    def forward(self, x, t, *, labels=None, smoothing=0.0, mean=False):
        need_x, need_t = self.needs_grad
        x, t = same_float(x, t)
        self.gx = self.backend.xp.empty(x.shape, x.dtype) if need_x else None
        self.x, self.smoothing, self.mean = x if need_t else None, smoothing, mean
        return self.backend.cross_entropy(x, labels if t is None else t, smoothing, mean, self.gx)

    def backward(self, gy):
        need_x, need_t = self.needs_grad
        gy = gy if self.mean else gy[..., None]
        gx = product(self.backend, self.gx, gy) if need_x else None
        if not need_t:
            return gx, None
        share = (1 - self.smoothing) / (self.x[..., 0].size if self.mean else 1)
        return gx, -share * gy * self.backend.log_softmax_forward(self.x)


class _CrossEntropyOfProbabilities(Function):
    """Targets and probabilities (..., C), which are normalised and kept from 0 and 1 as Keras does."""

    def forward(self, t, q):
        epsilon = config.epsilon()
        self.sum = q.sum(axis=-1, keepdims=True)
        self.t, self.p = t, q / self.sum
        self.clipped = self.p.clip(epsilon, 1 - epsilon)
        self.log = self.backend.xp.log(self.clipped)
        return -(t * self.log).sum(axis=-1)

    def backward(self, gy):
        need_t, need_q = self.needs_grad
        gy, p = gy[..., None], self.p
        gt = -gy * self.log if need_t else None
        if not need_q:
            return gt, None
        gp = -gy * self.t / self.clipped * (self.clipped == p)
        return gt, (gp - (gp * p).sum(axis=-1, keepdims=True)) / self.sum


class _BinaryCrossEntropy(Function):
    """Targets and logits: mean over the last axis of max(x, 0) - x*t + log(1 + exp(-|x|))."""

    def forward(self, t, x):
        xp = self.backend.xp
        self.t, self.x = t, x
        return (xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-abs(x)))).mean(axis=-1)

    def backward(self, gy):
        need_t, need_x = self.needs_grad
        gy = gy[..., None] / self.x.shape[-1]
        gx = gy * (self.backend.activation_forward(self.x, "sigmoid") - self.t) if need_x else None
        return -gy * self.x if need_t else None, gx


def integer_labels(y_true, y_pred):
    """Class indices for predictions (..., C): an integer array of shape (...), each in [0, C), or an error."""
    labels, shape = as_tensor(y_true).data, y_pred.data.shape
    if labels.shape != shape[:-1]:
        if labels.shape != (*shape[:-1], 1):
            raise ValueError(
                f"y_true must have the shape {shape[:-1]}, one class index for each row of y_pred. "
                f"Received: y_true.shape={labels.shape}, y_pred.shape={shape}"
            )
        labels = labels.reshape(shape[:-1])
    return labels if labels.dtype.kind in "iu" else labels.astype("int64")


def _check_labels(labels, classes):
    """Raise if a label is none. One pass: a negative label is a huge unsigned one."""
    if labels.size and int(labels.astype("uint64", copy=False).max()) >= classes:
        raise ValueError(
            f"y_true must hold class indices from 0 to {classes - 1}, for y_pred has {classes} classes. "
            f"Received: y_true from {labels.min()} to {labels.max()}"
        )


def _check_labels_of_nan(loss, labels, classes):
    """A loss that is no number may come from a label that is no class."""
    if math.isnan(loss.item()) if loss.ndim == 0 else (loss != loss).any():
        _check_labels(labels, classes)


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log of the probability of the right class.

    Parameters
    ----------
    y_true : (...) or (..., 1)
        Class indices.
    y_pred : (..., classes)
        Probabilities, or logits with ``from_logits``.
    from_logits : bool
    ignore_class : int, optional
        Where ``y_true`` is this number the loss is 0.
    axis : int
        Where the classes of ``y_pred`` stand.

    Returns
    -------
    Tensor (...)

    Raises
    ------
    ValueError
        If shapes disagree or a label is outside [0, classes).

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.sparse_categorical_crossentropy([1], [[0.5, 0.25, 0.25]]).numpy()
    array([1.3862944], dtype=float32)
    """
    y_pred = as_tensor(y_pred) if axis == -1 else moveaxis(y_pred, axis, -1)
    if ignore_class is None:
        return _sparse(integer_labels(y_true, y_pred), y_pred, from_logits, False)
    labels = integer_labels(y_true, y_pred)
    counts = labels != ignore_class
    return where(counts, _sparse(labels * counts, y_pred, from_logits, False), 0.0)


def mean_sparse_categorical_crossentropy(y_true, y_pred, from_logits=False):
    """Mean of ``sparse_categorical_crossentropy``: from logits one operation, the one that most trainings end in."""
    y_pred = as_tensor(y_pred)
    return _sparse(integer_labels(y_true, y_pred), y_pred, from_logits, True)


def _sparse(labels, y_pred, from_logits, of_all):
    logits = y_pred if from_logits else logits_of(y_pred, "softmax")
    if logits is not None:
        loss = _CrossEntropy.apply(logits, None, labels=labels, mean=of_all)
        check(_check_labels_of_nan, loss.data, labels, logits.data.shape[-1], nan_in=loss.data)
        return loss
    check(_check_labels, labels, y_pred.data.shape[-1])
    epsilon = config.epsilon()
    place = (get_backend().xp.arange(labels.size), labels.reshape(-1))
    chosen = y_pred.reshape(-1, y_pred.shape[-1])[place].reshape(labels.shape) / total(y_pred, axis=-1)
    loss = -log(clip(chosen, epsilon, 1 - epsilon))
    return mean(loss) if of_all else loss


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y_true * log(y_pred)) over the classes.

    Parameters
    ----------
    y_true, y_pred : (..., classes)
        Probabilities; ``y_pred`` logits with ``from_logits``.
    from_logits : bool
    label_smoothing : float in [0, 1]
        The targets become ``y_true * (1 - label_smoothing) + label_smoothing / classes``.
    axis : int
        Where the classes stand.

    Returns
    -------
    Tensor (...)
    """
    y_true, y_pred = matching(y_true, y_pred)
    if axis != -1:
        y_true, y_pred = moveaxis(y_true, axis, -1), moveaxis(y_pred, axis, -1)
    return _categorical(y_true, y_pred, from_logits, label_smoothing, False)


def mean_categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0):
    """Mean of ``categorical_crossentropy``: from logits one operation."""
    return _categorical(*matching(y_true, y_pred), from_logits, label_smoothing, True)


def _categorical(y_true, y_pred, from_logits, label_smoothing, of_all):
    logits = y_pred if from_logits else logits_of(y_pred, "softmax")
    if logits is not None:
        _check_smoothing(label_smoothing)
        return _CrossEntropy.apply(logits, y_true, smoothing=label_smoothing, mean=of_all)
    y_true = _smooth(y_true, label_smoothing, y_pred.data.shape[-1])
    loss = _CrossEntropyOfProbabilities.apply(y_true, y_pred)
    return mean(loss) if of_all else loss


def _smooth(y_true, label_smoothing, classes):
    _check_smoothing(label_smoothing)
    return y_true * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


def _check_smoothing(label_smoothing):
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie in [0, 1]. Received: label_smoothing={label_smoothing!r}")


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), averaged over ``axis``.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape
        Probabilities; ``y_pred`` logits with ``from_logits``.
    from_logits : bool
    label_smoothing : float in [0, 1]
        The targets become ``y_true * (1 - label_smoothing) + label_smoothing / 2``.
    axis : int
    """
    y_true, y_pred = matching(y_true, y_pred)
    if axis != -1:
        y_true, y_pred = moveaxis(y_true, axis, -1), moveaxis(y_pred, axis, -1)
    y_true = _smooth(y_true, label_smoothing, 2)
    logits = y_pred if from_logits else logits_of(y_pred, "sigmoid")
    if logits is None:
        return mean(_binary_terms(y_true, y_pred), axis=-1)
    return _BinaryCrossEntropy.apply(y_true, logits)


def _binary_terms(y_true, y_pred):
    p = clip(y_pred, config.epsilon(), 1 - config.epsilon())
    return -(y_true * log(p) + (1 - y_true) * log1p(-p))


def binary_focal_crossentropy(
    y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """Binary cross-entropy weighted by (1 - probability of the truth) ** gamma (Lin et al. 2017)."""
    y_true, y_pred = matching(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    p = sigmoid(y_pred) if from_logits else y_pred
    loss = _binary_terms(y_true, p) * (1 - (y_true * p + (1 - y_true) * (1 - p))) ** gamma
    if apply_class_balancing:
        loss = loss * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return mean(loss, axis=axis)


def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """Categorical cross-entropy weighted by alpha * (1 - probability) ** gamma (Lin et al. 2017)."""
    y_true, y_pred = matching(y_true, y_pred)
    if axis != -1:
        y_true, y_pred = moveaxis(y_true, axis, -1), moveaxis(y_pred, axis, -1)
    y_true = _smooth(y_true, label_smoothing, y_pred.data.shape[-1])
    logits = y_pred if from_logits else logits_of(y_pred, "softmax")
    if logits is None:
        epsilon = config.epsilon()
        p = clip(y_pred / total(y_pred, axis=-1, keepdims=True), epsilon, 1 - epsilon)
        log_p = log(p)
    else:
        p, log_p = softmax(logits), log_softmax(logits)
    return total(-alpha * (1 - p) ** gamma * y_true * log_p, axis=-1)
