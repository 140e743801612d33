"""Losses, one number a sample: the last axis is averaged or summed away, as in Keras.

Cross-entropies work on logits whenever these can be had: asked for by ``from_logits``, or found on the tape where
the probabilities come straight from a softmax or sigmoid. Then value and gradient are exact and cost one operation.
"""

import math

from pycnn import config
from pycnn.autograd import Function, as_tensor
from pycnn.backend import get_backend
from pycnn.ops.activation import log_softmax, logits_of, sigmoid, softmax
from pycnn.ops.arithmetic import divide, maximum, where
from pycnn.ops.creation import cast
from pycnn.ops.elementwise import clip, log, log1p, rsqrt, square
from pycnn.ops.promotion import as_float, floatx_dtype
from pycnn.ops.reduction import max as largest
from pycnn.ops.reduction import mean
from pycnn.ops.reduction import sum as total


class _SparseCrossEntropy(Function):
    """Logits (..., C) and labels (...): -log softmax(logits)[label], or the mean of all of these."""

    def forward(self, x, *, labels, mean):
        x = as_float(x)
        self.y = self.backend.log_softmax_forward(x)
        rows = self.y.reshape(-1, x.shape[-1])
        self.place = (self.backend.xp.arange(len(rows)), labels.reshape(-1))
        self.mean = mean
        chosen = rows[self.place]
        return chosen.sum() / -len(rows) if mean else -chosen.reshape(labels.shape)

    def backward(self, gy):
        gx = self.backend.xp.exp(self.y)
        rows = gx.reshape(-1, gx.shape[-1])
        rows[self.place] -= 1
        gx *= gy / len(rows) if self.mean else gy[..., None]
        return gx


class _CrossEntropy(Function):
    """Targets and logits (..., C): -sum(targets * log softmax(logits))."""

    def forward(self, t, x):
        self.t, self.y = t, self.backend.log_softmax_forward(x)
        return -(t * self.y).sum(axis=-1)

    def backward(self, gy):
        need_t, need_x = self.needs_grad
        gy, t = gy[..., None], self.t
        gx = gy * (self.backend.xp.exp(self.y) * t.sum(axis=-1, keepdims=True) - t) if need_x else None
        return -gy * self.y if need_t else None, gx


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


class _OfDifference(Function):
    """Targets and predictions: mean over the last axis of a function of d = prediction - target."""

    def forward(self, t, p, **options):
        self.options = options
        self.d = p - t
        return self.value(self.d, **options).mean(axis=-1)

    def backward(self, gy):
        need_t, need_p = self.needs_grad
        gp = self.slope(self.d, **self.options) * (gy[..., None] / self.d.shape[-1])
        return -gp if need_t else None, gp if need_p else None


class _SquaredError(_OfDifference):
    def value(self, d):
        return d * d

    def slope(self, d):
        return 2 * d


class _AbsoluteError(_OfDifference):
    def value(self, d):
        return abs(d)

    def slope(self, d):
        return self.backend.xp.sign(d)


class _Huber(_OfDifference):
    def value(self, d, delta):
        size = abs(d)
        return self.backend.xp.where(size <= delta, 0.5 * d * d, delta * (size - 0.5 * delta))

    def slope(self, d, delta):
        return d.clip(-delta, delta)


class _LogCosh(_OfDifference):
    def value(self, d):
        size = abs(d)
        return size + self.backend.xp.log1p(self.backend.xp.exp(-2 * size)) - math.log(2)

    def slope(self, d):
        return self.backend.xp.tanh(d)


def _pair(y_true, y_pred):
    """Targets in the dtype and shape of the predictions; (N,) and (N, 1) meet, as in Keras."""
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if y_pred.dtype.kind != "f":
        y_pred = cast(y_pred, floatx_dtype())
    t, p = y_true.data.shape, y_pred.data.shape
    if t != p:
        if t == (*p, 1) or p == (*t, 1):
            y_true = y_true.reshape(p)
        else:
            raise ValueError(
                "y_true and y_pred must have the same shape. "
                f"Received: y_true.shape={t}, y_pred.shape={p}{_sparse_hint(t, p)}"
            )
    return y_true if y_true.dtype == y_pred.dtype else cast(y_true, y_pred.dtype), y_pred


def _sparse_hint(t, p):
    if len(p) > 1 and p[-1] > 1 and t in (p[:-1], (*p[:-1], 1)):
        return ". For integer labels there is the loss sparse_categorical_crossentropy"
    return ""


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
    """One pass: a negative label is a huge unsigned one."""
    if labels.size and int(labels.astype("uint64", copy=False).max()) >= classes:
        raise ValueError(
            f"y_true must hold class indices from 0 to {classes - 1}, for y_pred has {classes} classes. "
            f"Received: y_true from {labels.min()} to {labels.max()}"
        )


def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None):
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
    y_pred = as_tensor(y_pred)
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
    _check_labels(labels, y_pred.data.shape[-1])
    logits = y_pred if from_logits else logits_of(y_pred, "softmax")
    if logits is not None:
        return _SparseCrossEntropy.apply(logits, labels=labels, mean=of_all)
    epsilon = config.epsilon()
    place = (get_backend().xp.arange(labels.size), labels.reshape(-1))
    chosen = y_pred.reshape(-1, y_pred.shape[-1])[place].reshape(labels.shape) / total(y_pred, axis=-1)
    loss = -log(clip(chosen, epsilon, 1 - epsilon))
    return mean(loss) if of_all else loss


def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0):
    """-sum(y_true * log(y_pred)) over the classes.

    Parameters
    ----------
    y_true, y_pred : (..., classes)
        Probabilities; ``y_pred`` logits with ``from_logits``.
    from_logits : bool
    label_smoothing : float in [0, 1]
        The targets become ``y_true * (1 - label_smoothing) + label_smoothing / classes``.

    Returns
    -------
    Tensor (...)
    """
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_pred.data.shape[-1])
    logits = y_pred if from_logits else logits_of(y_pred, "softmax")
    if logits is None:
        return _CrossEntropyOfProbabilities.apply(y_true, y_pred)
    return _CrossEntropy.apply(y_true, logits)


def _smooth(y_true, label_smoothing, classes):
    if not label_smoothing:
        return y_true
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie in [0, 1]. Received: label_smoothing={label_smoothing!r}")
    return y_true * (1 - label_smoothing) + label_smoothing / classes


def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0):
    """-(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), averaged over the last axis.

    Parameters
    ----------
    y_true, y_pred : arrays of one shape
        Probabilities; ``y_pred`` logits with ``from_logits``.
    from_logits : bool
    label_smoothing : float in [0, 1]
        The targets become ``y_true * (1 - label_smoothing) + label_smoothing / 2``.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    logits = y_pred if from_logits else logits_of(y_pred, "sigmoid")
    if logits is None:
        return mean(_binary_terms(y_true, y_pred), axis=-1)
    return _BinaryCrossEntropy.apply(y_true, logits)


def _binary_terms(y_true, y_pred):
    p = clip(y_pred, config.epsilon(), 1 - config.epsilon())
    return -(y_true * log(p) + (1 - y_true) * log1p(-p))


def binary_focal_crossentropy(
    y_true, y_pred, from_logits=False, label_smoothing=0.0, gamma=2.0, alpha=0.25, apply_class_balancing=False
):
    """Binary cross-entropy weighted by (1 - probability of the truth) ** gamma (Lin et al. 2017)."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    p = sigmoid(y_pred) if from_logits else y_pred
    loss = _binary_terms(y_true, p) * (1 - (y_true * p + (1 - y_true) * (1 - p))) ** gamma
    if apply_class_balancing:
        loss = loss * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return mean(loss, axis=-1)


def categorical_focal_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, gamma=2.0, alpha=0.25):
    """Categorical cross-entropy weighted by alpha * (1 - probability) ** gamma (Lin et al. 2017)."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_pred.data.shape[-1])
    logits = y_pred if from_logits else logits_of(y_pred, "softmax")
    if logits is None:
        epsilon = config.epsilon()
        p = clip(y_pred / total(y_pred, axis=-1, keepdims=True), epsilon, 1 - epsilon)
        log_p = log(p)
    else:
        p, log_p = softmax(logits), log_softmax(logits)
    return total(-alpha * (1 - p) ** gamma * y_true * log_p, axis=-1)


def mean_squared_error(y_true, y_pred):
    """Mean of (y_pred - y_true)**2 over the last axis.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.mean_squared_error([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
    array([5.], dtype=float32)
    """
    return _SquaredError.apply(*_pair(y_true, y_pred))


def mean_absolute_error(y_true, y_pred):
    """Mean of |y_pred - y_true| over the last axis."""
    return _AbsoluteError.apply(*_pair(y_true, y_pred))


def huber(y_true, y_pred, delta=1.0):
    """Mean over the last axis of d**2/2 where |d| <= delta, else delta*(|d| - delta/2) (Huber 1964)."""
    return _Huber.apply(*_pair(y_true, y_pred), delta=delta)


def log_cosh(y_true, y_pred):
    """Mean of log(cosh(y_pred - y_true)) over the last axis."""
    return _LogCosh.apply(*_pair(y_true, y_pred))


def mean_absolute_percentage_error(y_true, y_pred):
    """Mean of 100 * |y_pred - y_true| / max(|y_true|, epsilon) over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return 100 * mean(abs(divide(y_true - y_pred, maximum(abs(y_true), config.epsilon()))), axis=-1)


def mean_squared_logarithmic_error(y_true, y_pred):
    """Mean of (log(1 + y_pred) - log(1 + y_true))**2 over the last axis; both are kept above 0."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(
        square(log1p(maximum(y_pred, config.epsilon())) - log1p(maximum(y_true, config.epsilon()))),
        axis=-1,
    )


def _signed(y_true):
    """Labels 0 and 1 become -1 and 1; others stay."""
    binary = ((y_true.data == 0) | (y_true.data == 1)).all()
    return y_true * 2 - 1 if binary else y_true


def hinge(y_true, y_pred):
    """Mean of max(1 - y_true*y_pred, 0) over the last axis; targets are -1 and 1, or 0 and 1."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(maximum(1 - _signed(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true, y_pred):
    """Mean of max(1 - y_true*y_pred, 0)**2 over the last axis; targets are -1 and 1, or 0 and 1."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(square(maximum(1 - _signed(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true, y_pred):
    """max(1 + largest wrong score - right score, 0); targets are one-hot."""
    y_true, y_pred = _pair(y_true, y_pred)
    return maximum(largest((1 - y_true) * y_pred, axis=-1) - total(y_true * y_pred, axis=-1) + 1, 0.0)


def kl_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) over the last axis (Kullback and Leibler 1951)."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true, y_pred = clip(y_true, config.epsilon(), 1.0), clip(y_pred, config.epsilon(), 1.0)
    return total(y_true * log(y_true / y_pred), axis=-1)


def poisson(y_true, y_pred):
    """Mean of y_pred - y_true * log(y_pred) over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(y_pred - y_true * log(y_pred + config.epsilon()), axis=-1)


def cosine_similarity(y_true, y_pred):
    """Minus the cosine of the angle between the vectors along the last axis: -1 where they point the same way."""
    y_true, y_pred = _pair(y_true, y_pred)
    lengths = [rsqrt(maximum(total(square(v), axis=-1, keepdims=True), 1e-12)) for v in (y_true, y_pred)]
    return -total(y_true * lengths[0] * (y_pred * lengths[1]), axis=-1)
