"""Losses of overlaps, for segmentation; of embeddings; and one that bears wrong labels."""

from pycnn import config, ops
from pycnn.autograd import as_tensor
from pycnn.losses.base import FunctionLoss, check_not_nan, check_sample_shape, to_host
from pycnn.ops.crossentropy import integer_labels
from pycnn.ops.loss import matching
from pycnn.registration import register_serializable


def dice(y_true, y_pred, axis=None):
    """1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred)) over ``axis``, all axes by default.

    Milletari, Navab and Ahmadi, V-Net, 3DV 2016.
    """
    t, p = matching(y_true, y_pred)
    both = ops.sum(t * p, axis=axis)
    return 1 - 2 * both / (ops.sum(t, axis=axis) + ops.sum(p, axis=axis) + config.epsilon())


def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - both / (both + alpha * missed + beta * false) over ``axis``, all axes by default (Salehi et al. 2017).

    As in Keras, ``alpha`` weighs what is true and not predicted, ``beta`` what is predicted and not true.
    """
    t, p = matching(y_true, y_pred)
    both = ops.sum(t * p, axis=axis)
    missed, false = ops.sum((1 - p) * t, axis=axis), ops.sum(p * (1 - t), axis=axis)
    return 1 - both / (both + missed * alpha + false * beta + config.epsilon())


def categorical_generalized_cross_entropy(y_true, y_pred, q=0.5):
    """(1 - p**q) / q for the probability p of the class that ``y_true`` names (Zhang and Sabuncu 2018)."""
    y_pred = as_tensor(y_pred)
    hot = ops.one_hot(integer_labels(y_true, y_pred), y_pred.shape[-1], dtype=y_pred.dtype)
    return (1 - ops.sum(y_pred * hot, axis=-1) ** q) / q


def circle(y_true, y_pred, ref_labels=None, ref_embeddings=None, remove_diagonal=True, gamma=80, margin=0.4):
    """Circle loss of each embedding, by its similarity to those of its class and of others (Sun et al. 2020).

    Parameters
    ----------
    y_true : (n,) or (n, 1)
        Class indices.
    y_pred : (n, dimensions)
        Embeddings of length 1.
    ref_labels, ref_embeddings : optional
        What to compare with; the batch itself unless given.
    remove_diagonal : bool
        Not to compare an embedding with itself.
    gamma, margin : float

    Returns
    -------
    Tensor (n,)
    """
    y_pred = as_tensor(y_pred)
    reference = y_pred if ref_embeddings is None else as_tensor(ref_embeddings)
    labels = ops.reshape(ops.cast(y_true, "int64"), (-1,))
    others = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int64"), (-1,))
    distance = ops.maximum(1 - ops.matmul(y_pred, ops.transpose(reference)), 0.0)
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(others, 0))
    different = ops.logical_not(same)
    if remove_diagonal:
        same = ops.logical_and(same, ops.logical_not(ops.eye(*same.shape, dtype="bool")))
    pull = -gamma * (margin + distance) * (margin - distance)
    push = gamma * ops.maximum(1 + margin - distance, 0.0) * (1 - margin - distance)
    nothing = -float("inf")
    return ops.softplus(
        ops.logsumexp(ops.where(same, pull, nothing), axis=1)
        + ops.logsumexp(ops.where(different, push, nothing), axis=1)
    )


class _OfMasks(FunctionLoss):
    """Losses of targets of the output's shape."""

    def check_targets(self, y_true, output_shape, argument="y"):
        """Raise for NaN, and for shapes other than the output's."""
        y = to_host(y_true)
        check_sample_shape(y, output_shape, argument)
        check_not_nan(y, argument)


@register_serializable("losses")
class Dice(_OfMasks):
    """1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred)) (Milletari et al. 2016).

    Parameters
    ----------
    reduction, name, dtype
        See ``Loss``.
    axis : int or tuple of ints, optional
        What is summed over: all axes, the batch among them, unless given.

    Examples
    --------
    >>> import pycnn
    >>> round(pycnn.losses.Dice()([[1.0, 0.0]], [[0.5, 0.5]]).item(), 4)
    0.5
    """

    _function = dice
    _arguments = ("axis",)

    def __init__(self, reduction="sum_over_batch_size", name=None, axis=None, dtype=None):
        super().__init__(reduction, name, dtype)
        self.axis = tuple(axis) if isinstance(axis, list) else axis


@register_serializable("losses")
class Tversky(_OfMasks):
    """1 - both / (both + alpha * missed + beta * false) (Salehi et al. 2017).

    Parameters
    ----------
    alpha, beta : float
        Weights of what is missed, and of what is falsely predicted.
    reduction, name, dtype
        See ``Loss``.
    axis : int or tuple of ints, optional
        What is summed over: all axes, the batch among them, unless given.
    """

    _function = tversky
    _arguments = ("alpha", "beta", "axis")

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name=None, axis=None, dtype=None):
        super().__init__(reduction, name, dtype)
        self.alpha, self.beta = alpha, beta
        self.axis = tuple(axis) if isinstance(axis, list) else axis


@register_serializable("losses")
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """(1 - p**q) / q for the probability p of the right class: bears wrong labels (Zhang and Sabuncu 2018).

    ``q`` lies in (0, 1); near 0 it is the cross-entropy, near 1 the absolute error.
    """

    _function = categorical_generalized_cross_entropy
    _arguments = ("q",)

    def __init__(self, q=0.5, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction, name, dtype)
        if not 0 < q < 1:
            raise ValueError(f"q must lie in (0, 1). Received: q={q!r}")
        self.q = q


@register_serializable("losses")
class Circle(FunctionLoss):
    """Circle loss of embeddings of length 1, for class indices (Sun et al. 2020); losses of 0 do not count in the mean.

    Parameters
    ----------
    gamma, margin : float
    remove_diagonal : bool
        Not to compare an embedding with itself.
    reduction, name, dtype
        See ``Loss``.
    """

    _function = circle
    _arguments = ("gamma", "margin", "remove_diagonal")

    def __init__(
        self,
        gamma=80.0,
        margin=0.4,
        remove_diagonal=True,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        super().__init__(reduction, name, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, bool(remove_diagonal)

    def call(self, y_true, y_pred):
        """Return the loss of each sample, so scaled that the mean is that over the losses above 0."""
        each = super().call(y_true, y_pred)
        if self.reduction in ("sum", "none"):
            return each
        return each * (each.size / max(int((each.data > 0).sum()), 1))
