"""The Loss: one number a sample, weighted, reduced to one number; and what is checked before training."""

import numpy as np

from pycnn import ops, registration
from pycnn.autograd import MaskedTensor, Tensor, as_tensor, autocast
from pycnn.backend.dtypes import FLOAT32, is_half
from pycnn.registration import Configurable, register_serializable

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
REDUCTIONS = (*MEANS, "sum", "none")


class Loss(Configurable):
    """Base class. A subclass defines ``call(y_true, y_pred)``, which returns one number a sample.

    Parameters
    ----------
    name : str, optional
    reduction : {"sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None}
        The first two are the mean over all numbers, weighted ones counted as one;
        ``"mean_with_sample_weight"`` divides by the sum of the weights, each counted for every loss that it
        multiplies (Keras counts it once); None is ``"none"``.
    dtype : str, optional
        What targets and predictions are cast to; without it the loss has the dtype of the predictions.

    Examples
    --------
    >>> import pycnn
    >>> class Deviation(pycnn.losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return pycnn.ops.mean(abs(y_pred - y_true), axis=-1)
    >>> Deviation()(pycnn.ops.zeros((2, 1)), [[1.0], [2.0]]).item()
    1.5
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        reduction = "none" if reduction is None else reduction
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}. Received: reduction={reduction!r}")
        self.name = name or type(self).__name__.lower()
        self.reduction = reduction
        self.dtype = None if dtype is None else str(np.dtype(dtype))

    def call(self, y_true, y_pred):
        """Return the loss of each sample, a Tensor."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred)")

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Return the reduced loss, a Tensor.

        Parameters
        ----------
        y_true, y_pred : arrays
            What the mask of a ``MaskedTensor`` of predictions hides is left out.
        sample_weight : array, optional
            One factor a sample.
        """
        if isinstance(y_pred, Tensor) and is_half(y_pred.dtype):
            with autocast(FLOAT32):
                return self._compute(y_true, y_pred, sample_weight)
        return self._compute(y_true, y_pred, sample_weight)

    def _compute(self, y_true, y_pred, sample_weight):
        """Return the reduced loss, a Tensor: what ``__call__`` does, in float32 or float64."""
        given = y_pred
        if self.dtype is not None:
            y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        values = as_tensor(self.call(y_true, y_pred))
        if isinstance(given, MaskedTensor):
            is_mean = self.reduction in ("sum_over_batch_size", "mean")
            sample_weight = masked_weights(given.mask, values, sample_weight, is_mean)
        return reduce(values, sample_weight, self.reduction)

    def check_targets(self, y_true, output_shape, argument="y"):
        """Raise if targets cannot be right: called once, on all of them, before training.

        Parameters
        ----------
        y_true : (samples, ...)
        output_shape : tuple
            Shape of the model's output; its first axis (the batch) is not looked at, None matches any size.
        argument : str
            What messages call the targets.
        """
        check_not_nan(to_host(y_true), argument)

    def get_config(self):
        """Return the arguments that make the same loss again."""
        dtype = {} if self.dtype is None else {"dtype": self.dtype}
        return {"name": self.name, "reduction": self.reduction, **dtype, **super().get_config()}


class FunctionLoss(Loss):
    """Base class of losses that call a function of ``pycnn.ops``, with the attributes named in ``_arguments``."""

    _function = None

    def __init__(self, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(name or type(self)._function.__name__, reduction, dtype)

    def call(self, y_true, y_pred):
        """Return the loss of each sample."""
        return type(self)._function(y_true, y_pred, **{name: getattr(self, name) for name in self._arguments})


@register_serializable("losses")
class LossFunctionWrapper(Loss):
    """A function ``fn(y_true, y_pred, **arguments)`` that returns one number a sample, as a loss."""

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, **arguments):
        super().__init__(name or getattr(fn, "__name__", None), reduction)
        self.fn = fn
        self.arguments = arguments

    def call(self, y_true, y_pred):
        """Call the function, on targets and predictions with the same number of axes: (n,) meets (n, 1)."""
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor) and y_true.ndim != y_pred.ndim:
            y_true, y_pred = _same_rank(y_true, y_pred)
        return as_tensor(self.fn(y_true, y_pred, **self.arguments))

    def get_config(self):
        """Return the arguments that make the same loss again."""
        return {**super().get_config(), "fn": registration.serialize(self.fn), **self.arguments}

    @classmethod
    def from_config(cls, config):
        """Make a loss from what ``get_config`` returned."""
        return cls(**{**config, "fn": registration.deserialize(config["fn"])})


def _same_rank(y_true, y_pred):
    """Put an axis of length 1 at the end of (n,) beside (n, 1), and take it off elsewhere, as Keras does."""
    shorter, longer = sorted((y_true, y_pred), key=lambda y: y.ndim)
    if longer.ndim != shorter.ndim + 1 or longer.shape[-1] != 1:
        return y_true, y_pred
    if shorter.ndim == 1:
        shorter = ops.expand_dims(shorter, -1)
    else:
        longer = ops.squeeze(longer, -1)
    return (longer, shorter) if y_true.ndim > y_pred.ndim else (shorter, longer)


def reduce(values, sample_weight=None, reduction="sum_over_batch_size"):
    """Weight losses, and reduce them to one number."""
    if sample_weight is None:
        if reduction == "none":
            return values
        return ops.sum(values) if reduction == "sum" else ops.mean(values)
    weights = fit_weights(sample_weight, values)
    values = values * weights
    if reduction == "none":
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight":
        return total / ops.sum(ops.broadcast_to(weights, values.shape))
    return total / max(values.size, 1)


def fit_weights(sample_weight, values):
    """Sample weights in the dtype of ``values``, shaped so that they are broadcast along its later axes."""
    weights = ops.cast(sample_weight, values.dtype)
    shape, wanted = weights.shape, values.shape
    if not wanted:
        return weights  # one number for the whole batch, as Dice gives, counts for each sample
    while len(shape) > len(wanted) and shape[-1] == 1:
        shape = shape[:-1]
    shape = shape + (1,) * (len(wanted) - len(shape))
    if len(shape) != len(wanted) or any(m not in (1, n) for m, n in zip(shape, wanted, strict=True)):
        raise ValueError(
            f"sample_weight must have one number for each loss, of shape {wanted}, or for each of its first axes. "
            f"Received: sample_weight.shape={weights.shape}"
        )
    return weights.reshape(shape)


def masked_weights(mask, values, sample_weight=None, fill=False):
    """Sample weights that are 0 where a mask hides ``values``; with ``fill`` the others make up for that in a mean."""
    weights = fit_weights(mask, values)
    if fill:
        weights = weights * (weights.size / ops.maximum(ops.sum(weights), 1.0))
    return weights if sample_weight is None else weights * fit_weights(sample_weight, values)


def to_host(y):
    """Targets as a ``numpy.ndarray``."""
    return y if isinstance(y, np.ndarray) else as_tensor(y).numpy()


def place_of(wrong):
    """Where the first True stands, as a text such as ``3, 0``."""
    return ", ".join(str(int(i)) for i in np.argwhere(wrong)[0])


def check_not_nan(y, argument):
    """Raise if ``y`` holds NaN."""
    if y.dtype.kind == "f" and np.isnan(y).any():
        raise ValueError(f"{argument} must not contain NaN. Received: {argument}[{place_of(np.isnan(y))}]=nan")


def check_sample_shape(y, output_shape, argument, hint=""):
    """Raise unless each sample of ``y`` has the shape of the output; (n,) and (n, 1) meet."""
    sample, wanted = y.shape[1:], tuple(output_shape[1:])
    for shape in (sample, (*sample, 1), sample[:-1] if sample[-1:] == (1,) else sample):
        if len(shape) == len(wanted) and all(n in (None, m) for m, n in zip(shape, wanted, strict=True)):
            return
    raise ValueError(
        f"{argument} must have the shape of the model's output, {('n', *wanted)}.{hint} "
        f"Received: {argument}.shape={y.shape}"
    )
