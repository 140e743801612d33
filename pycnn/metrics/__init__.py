"""Metrics: Keras's names and meanings, gathered over batches; ``result()`` is a float, or an array for several classes.

base.py      Metric, Mean, Sum, functions as metrics     accuracy.py  shares of right predictions
confusion.py precision, recall, F-scores, mean IoU       curve.py     areas under curves
error.py     losses as metrics
"""

from pycnn import registration
from pycnn.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from pycnn.metrics.base import Mean, MeanMetricWrapper, Metric, Sum
from pycnn.metrics.confusion import (
    F1Score,
    FalseNegatives,
    FalsePositives,
    FBetaScore,
    MeanIoU,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from pycnn.metrics.curve import AUC
from pycnn.metrics.error import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    R2Score,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from pycnn.registration import deserialize, serialize

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "categorical_accuracy",
    "deserialize",
    "get",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


def get(identifier):
    """Return the Metric that a name, dict, class, function or Metric stands for; None stays None.

    A function ``f(y_true, y_pred)`` must return one number a sample; the metric is their mean.
    ``compile(metrics=["accuracy"])`` does not end here: it becomes the accuracy that fits the shapes.

    Examples
    --------
    >>> from pycnn import metrics
    >>> metrics.get("sparse_categorical_accuracy").name
    'sparse_categorical_accuracy'
    """
    metric = registration.resolve(identifier, "metrics", "metric")
    return metric if metric is None or isinstance(metric, Metric) else MeanMetricWrapper(metric)
