"""Losses of predicted numbers: squared and absolute errors and their kin."""

from pycnn.losses.base import FunctionLoss, check_not_nan, check_sample_shape, to_host
from pycnn.ops import loss
from pycnn.registration import register_serializable


class _OfNumbers(FunctionLoss):
    """Losses of targets of the output's shape."""

    def check_targets(self, y_true, output_shape, argument="y"):
        """Raise for NaN, and for shapes other than the output's."""
        y = to_host(y_true)
        check_sample_shape(y, output_shape, argument)
        check_not_nan(y, argument)


@register_serializable("losses", aliases=("mse",))
class MeanSquaredError(_OfNumbers):
    """Mean of (y_pred - y_true)**2.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.losses.MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]]).item()
    2.5
    """

    _function = loss.mean_squared_error


@register_serializable("losses", aliases=("mae",))
class MeanAbsoluteError(_OfNumbers):
    """Mean of |y_pred - y_true|."""

    _function = loss.mean_absolute_error


@register_serializable("losses", aliases=("mape",))
class MeanAbsolutePercentageError(_OfNumbers):
    """Mean of 100 * |y_pred - y_true| / |y_true|."""

    _function = loss.mean_absolute_percentage_error


@register_serializable("losses", aliases=("msle",))
class MeanSquaredLogarithmicError(_OfNumbers):
    """Mean of (log(1 + y_pred) - log(1 + y_true))**2."""

    _function = loss.mean_squared_logarithmic_error


@register_serializable("losses")
class LogCosh(_OfNumbers):
    """Mean of log(cosh(y_pred - y_true))."""

    _function = loss.log_cosh


@register_serializable("losses")
class Poisson(_OfNumbers):
    """Mean of y_pred - y_true * log(y_pred)."""

    _function = loss.poisson


@register_serializable("losses")
class CosineSimilarity(_OfNumbers):
    """Minus the cosine of the angle between target and prediction along ``axis``."""

    _function = loss.cosine_similarity
    _arguments = ("axis",)

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction, name, dtype)
        self.axis = axis


@register_serializable("losses")
class Huber(_OfNumbers):
    """Mean of d**2/2 where |d| <= delta, else delta*(|d| - delta/2), for d = y_pred - y_true (Huber 1964)."""

    _function = loss.huber
    _arguments = ("delta",)

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction, name, dtype)
        if not delta > 0:
            raise ValueError(f"delta must be positive. Received: delta={delta!r}")
        self.delta = delta


@register_serializable("losses", aliases=("smooth_l1_loss",))
class SmoothL1(_OfNumbers):
    """Mean of d**2/(2*beta) where |d| < beta, else |d| - beta/2: Huber's loss divided by beta (Girshick 2015).

    PyTorch and detectors have it; Keras does not.
    """

    _function = loss.smooth_l1
    _arguments = ("beta",)

    def __init__(self, beta=1.0, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction, name, dtype)
        if not beta > 0:
            raise ValueError(f"beta must be positive. Received: beta={beta!r}")
        self.beta = beta
