"""Losses: classes, functions and strings of Keras's names.

base.py            Loss, reduction, weights, checks of targets
classification.py  cross-entropies, hinges, divergence      regression.py  squared and absolute errors and their kin
overlap.py         Dice, Tversky, Circle

The functions give one number a sample. ``SmoothL1`` is an extra, which Keras does not have; its CTC is not here.
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
    RubbishCrossentropy,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from pycnn.losses.overlap import (
    CategoricalGeneralizedCrossEntropy,
    Circle,
    Dice,
    Tversky,
    categorical_generalized_cross_entropy,
    circle,
    dice,
    tversky,
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
    SmoothL1,
)
from pycnn.ops.crossentropy import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    sparse_categorical_crossentropy,
)
from pycnn.ops.loss import (
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
    smooth_l1,
    squared_hinge,
)
from pycnn.registration import deserialize, serialize

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
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
    "RubbishCrossentropy",
    "SmoothL1",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "deserialize",
    "dice",
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
    "smooth_l1",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
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


__getattr__ = registration.hint_names(__name__, __all__)
