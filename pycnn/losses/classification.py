"""Losses of classifiers: cross-entropies, hinges, divergence."""

import numpy as np

from pycnn import ops
from pycnn.autograd import as_tensor
from pycnn.losses.base import MEANS, FunctionLoss, check_not_nan, check_sample_shape, fit_weights, place_of, to_host
from pycnn.ops import crossentropy, loss
from pycnn.ops.crossentropy import mean_categorical_crossentropy, mean_sparse_categorical_crossentropy
from pycnn.registration import register_serializable


class _OfOneHot(FunctionLoss):
    """Losses of targets that have a number for each class."""

    def check_targets(self, y_true, output_shape, argument="y"):
        """Raise for NaN, and for shapes other than the output's."""
        y = to_host(y_true)
        hint = ""
        if len(output_shape) > 1 and y.ndim < len(output_shape) + (y.shape[-1:] == (1,)):
            hint = " For integer labels there is the loss sparse_categorical_crossentropy."
        check_sample_shape(y, output_shape, argument, hint)
        check_not_nan(y, argument)


@register_serializable("losses")
class CategoricalCrossentropy(_OfOneHot):
    """-sum(y_true * log(y_pred)) over the classes, for one-hot targets or probabilities.

    Parameters
    ----------
    from_logits : bool
        Whether ``y_pred`` are logits. Without it a softmax right before the loss is found and used in its log form.
    label_smoothing : float in [0, 1]
    axis : int
        Where the classes stand.
    reduction, name, dtype
        See ``Loss``.

    Examples
    --------
    >>> import pycnn
    >>> loss = pycnn.losses.CategoricalCrossentropy()
    >>> round(loss([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.6931
    """

    _function = crossentropy.categorical_crossentropy
    _arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        super().__init__(reduction, name, dtype)
        self.axis = axis
        self.from_logits, self.label_smoothing = bool(from_logits), _check_smoothing(label_smoothing)

    def _compute(self, y_true, y_pred, sample_weight):
        """Return the reduced loss."""
        if sample_weight is None and self.reduction in MEANS and self.axis == -1 and self.dtype is None:
            return mean_categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)
        return super()._compute(y_true, y_pred, sample_weight)


@register_serializable("losses")
class SparseCategoricalCrossentropy(FunctionLoss):
    """-log of the probability of the right class, for targets that are class indices.

    Parameters
    ----------
    from_logits : bool
        Whether ``y_pred`` are logits. Without it a softmax right before the loss is found and used in its log form.
    ignore_class : int, optional
        Targets of this number count nothing, in the mean neither.
    reduction, name, dtype
        See ``Loss``.
    axis : int
        Where the classes of ``y_pred`` stand.

    Examples
    --------
    >>> import pycnn
    >>> loss = pycnn.losses.SparseCategoricalCrossentropy()
    >>> round(loss([1], [[0.5, 0.5]]).item(), 4)
    0.6931
    """

    _function = crossentropy.sparse_categorical_crossentropy
    _arguments = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name=None,
        dtype=None,
    ):
        super().__init__(reduction, name, dtype)
        self.axis = axis
        self.from_logits, self.ignore_class = bool(from_logits), ignore_class

    def _compute(self, y_true, y_pred, sample_weight):
        """Return the reduced loss; ignored targets are left out of the mean."""
        if self.ignore_class is None:
            if sample_weight is None and self.reduction in MEANS and self.axis == -1 and self.dtype is None:
                return mean_sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)
            return super()._compute(y_true, y_pred, sample_weight)
        y_pred = as_tensor(y_pred)
        classes = self.axis % y_pred.ndim
        counts = as_tensor(y_true).reshape([n for i, n in enumerate(y_pred.shape) if i != classes]) != self.ignore_class
        weights = ops.cast(counts, y_pred.dtype)
        if self.reduction in MEANS:
            weights = weights * (counts.size / ops.maximum(ops.sum(weights), 1.0))
        if sample_weight is not None:
            weights = weights * fit_weights(sample_weight, weights)
        return super()._compute(y_true, y_pred, weights)

    def check_targets(self, y_true, output_shape, argument="y"):
        """Raise for NaN, shapes that do not fit, and labels out of range."""
        y, place = to_host(y_true), self.axis % len(output_shape)
        classes = output_shape[place]
        check_not_nan(y, argument)
        wanted = tuple(n for i, n in enumerate(output_shape) if i not in (0, place))
        sample = y.shape[1:-1] if y.ndim == len(wanted) + 2 and y.shape[-1] == 1 else y.shape[1:]
        if len(sample) != len(wanted) or any(n not in (None, m) for m, n in zip(sample, wanted, strict=True)):
            raise ValueError(
                f"{argument} must hold one class index for each output, of shape {('n', *wanted)}. For one-hot targets "
                f"there is the loss categorical_crossentropy. Received: {argument}.shape={y.shape}"
            )
        if classes is None or not y.size:
            return
        wrong = (y < 0) | (y >= classes)
        if y.dtype.kind == "f":
            wrong |= y != np.floor(y)
        if self.ignore_class is not None:
            wrong &= y != self.ignore_class
        if wrong.any():
            raise ValueError(
                f"{argument} must hold labels from 0 to {classes - 1}, for the model has {classes} outputs. "
                f"Received: {argument}[{place_of(wrong)}]={y[wrong][0]}"
            )


@register_serializable("losses")
class RubbishCrossentropy(SparseCategoricalCrossentropy):
    """Cross-entropy of minus penalties, with one more class, rubbish, whose penalty is always the same.

    For targets d that are class indices and ``y_pred = -p`` it is ``p[d] + log(exp(-rubbish) + sum(exp(-p)))``: the
    right penalty is pulled down, the others are pushed up, and those beyond ``rubbish`` are let be. Keras has no such
    loss.

    Parameters
    ----------
    rubbish : float
        The penalty of what belongs to no class.
    reduction, name, dtype
        See ``Loss``.

    Notes
    -----
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proceedings of the
    IEEE 86 (1998), equation 9: what LeNet-5 is trained by, on the output of ``layers.RadialBasis``.

    Examples
    --------
    >>> import pycnn
    >>> loss = pycnn.losses.RubbishCrossentropy(rubbish=2.0)
    >>> round(loss([1], [[-2.0, -2.0]]).item(), 4)  # three classes that are equally likely
    1.0986
    """

    _function = None  # no function of pycnn.ops is this loss
    _arguments = ("rubbish",)

    def __init__(self, rubbish=1.0, reduction="sum_over_batch_size", name="rubbish_crossentropy", dtype=None):
        super().__init__(from_logits=True, reduction=reduction, name=name, dtype=dtype)
        if isinstance(rubbish, bool) or not isinstance(rubbish, (int, float)) or not np.isfinite(rubbish):
            raise ValueError(f"rubbish must be a finite number. Received: rubbish={rubbish!r}")
        self.rubbish = float(rubbish)

    def _compute(self, y_true, y_pred, sample_weight):
        """Return the reduced loss, a Tensor."""
        y_pred = as_tensor(y_pred)
        rubbish = ops.full((*y_pred.shape[:-1], 1), -self.rubbish, y_pred.dtype)
        return super()._compute(y_true, ops.concatenate([y_pred, rubbish], axis=-1), sample_weight)

    def call(self, y_true, y_pred):
        """Return the loss of each sample, of which the last class is rubbish."""
        return crossentropy.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


@register_serializable("losses", aliases=("bce",))
class BinaryCrossentropy(FunctionLoss):
    """-(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), for one or more yes-or-no outputs.

    Parameters
    ----------
    from_logits : bool
        Whether ``y_pred`` are logits. Without it a sigmoid right before the loss is found and left out.
    label_smoothing : float in [0, 1]
    axis : int
        Where the classes stand.
    reduction, name, dtype
        See ``Loss``.
    """

    _function = crossentropy.binary_crossentropy
    _arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size", name=None, dtype=None
    ):
        super().__init__(reduction, name, dtype)
        self.axis = axis
        self.from_logits, self.label_smoothing = bool(from_logits), _check_smoothing(label_smoothing)

    def check_targets(self, y_true, output_shape, argument="y"):
        """Raise for NaN, shapes other than the output's, and targets outside [0, 1]."""
        _check_probabilities(y_true, output_shape, argument)


@register_serializable("losses")
class BinaryFocalCrossentropy(FunctionLoss):
    """Binary cross-entropy weighted by (1 - probability of the truth) ** gamma (Lin et al. 2017)."""

    _function = crossentropy.binary_focal_crossentropy
    _arguments = ("apply_class_balancing", "alpha", "gamma", "from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        super().__init__(reduction, name, dtype)
        self.axis = axis
        self.apply_class_balancing, self.alpha, self.gamma = bool(apply_class_balancing), alpha, gamma
        self.from_logits, self.label_smoothing = bool(from_logits), _check_smoothing(label_smoothing)

    def check_targets(self, y_true, output_shape, argument="y"):
        """Raise for NaN, shapes other than the output's, and targets outside [0, 1]."""
        _check_probabilities(y_true, output_shape, argument)


@register_serializable("losses")
class CategoricalFocalCrossentropy(_OfOneHot):
    """Categorical cross-entropy weighted by alpha * (1 - probability) ** gamma (Lin et al. 2017)."""

    _function = crossentropy.categorical_focal_crossentropy
    _arguments = ("alpha", "gamma", "from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        super().__init__(reduction, name, dtype)
        self.axis = axis
        self.alpha, self.gamma = alpha, gamma
        self.from_logits, self.label_smoothing = bool(from_logits), _check_smoothing(label_smoothing)


@register_serializable("losses", aliases=("kld", "kullback_leibler_divergence"))
class KLDivergence(_OfOneHot):
    """sum(y_true * log(y_true / y_pred)) over the last axis."""

    _function = loss.kl_divergence


@register_serializable("losses")
class Hinge(_OfOneHot):
    """Mean of max(1 - y_true*y_pred, 0); targets are -1 and 1, or 0 and 1."""

    _function = loss.hinge


@register_serializable("losses")
class SquaredHinge(_OfOneHot):
    """Mean of max(1 - y_true*y_pred, 0)**2; targets are -1 and 1, or 0 and 1."""

    _function = loss.squared_hinge


@register_serializable("losses")
class CategoricalHinge(_OfOneHot):
    """max(1 + largest wrong score - right score, 0), for one-hot targets."""

    _function = loss.categorical_hinge


def _check_smoothing(label_smoothing):
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie in [0, 1]. Received: label_smoothing={label_smoothing!r}")
    return label_smoothing


def _check_probabilities(y_true, output_shape, argument):
    y = to_host(y_true)
    check_sample_shape(y, output_shape, argument)
    check_not_nan(y, argument)
    wrong = (y < 0) | (y > 1)
    if wrong.any():
        raise ValueError(
            f"{argument} must lie in [0, 1] for a binary cross-entropy. "
            f"Received: {argument}[{place_of(wrong)}]={y[wrong][0]}"
        )
