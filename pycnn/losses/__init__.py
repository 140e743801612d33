"""Losses: classes, functions and strings of Keras's names.

base.py            Loss, reduction, weights, checks of targets
classification.py  cross-entropies, hinges, divergence      regression.py  squared and absolute errors and their kin

The functions, which give one number a sample, are those of ``pycnn.ops``.
"""

from pycnn import registration
from pycnn.losses.base import Loss, LossFunctionWrapper
from pycnn.losses.classification import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from pycnn.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from pycnn.ops import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from pycnn.registration import deserialize, serialize

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

_CLASS_OF = {
    cls._function: cls for cls in registration.registered_objects("losses").values() if hasattr(cls, "_function")
}


def get(identifier):
    """Return the Loss that a name, dict, class, function or Loss stands for; None stays None.

    A function ``f(y_true, y_pred)`` must return one number a sample.

    Examples
    --------
    >>> from pycnn import losses
    >>> losses.get("mse").name
    'mean_squared_error'
    """
    loss = registration.resolve(identifier, "losses", "loss")
    if loss is None or isinstance(loss, Loss):
        return loss
    return _CLASS_OF[loss]() if loss in _CLASS_OF else LossFunctionWrapper(loss)
