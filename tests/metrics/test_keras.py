"""Every metric gives Keras's result after several batches, with weights and without, and takes Keras's arguments."""

import inspect

import numpy as np
import pytest
from helpers import assert_close, normal, peer

from pycnn import metrics

N = 24
LABELS = np.random.default_rng(0).integers(0, 3, N)
ONE_HOT = np.eye(3)[LABELS]
LOGITS = normal((N, 3), seed=1)
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
BITS = (normal((N, 3), seed=2) > 0).astype(float)
Q = np.round(1 / (1 + np.exp(-normal((N, 3), seed=3))), 2) * 0.98 + 0.0103  # on no threshold
Y = normal((N, 3), seed=4)
GUESSES = np.random.default_rng(1).integers(0, 3, N)
RANKED = np.argsort(-P, axis=1)
WEIGHTS = np.round(np.abs(normal((N,), seed=5)), 2)
WHOLE = np.random.default_rng(2).integers(0, 4, N)

REGRESSION = (
    *("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "RootMeanSquaredError", "LogCoshError"),
    *("CosineSimilarity", "R2Score", "PearsonCorrelation", "ConcordanceCorrelation"),
)
COUNTS = ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives", "Precision", "Recall")
CASES = [
    *((name, {}, Y, LOGITS, WEIGHTS) for name in REGRESSION),
    ("MeanSquaredLogarithmicError", {}, np.abs(Y), P, WEIGHTS),
    ("R2Score", {"class_aggregation": None}, Y, LOGITS, WEIGHTS),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, Y, LOGITS, WEIGHTS),
    ("R2Score", {"num_regressors": 2}, Y, LOGITS, WEIGHTS),
    ("CosineSimilarity", {"axis": 0}, Y, LOGITS, None),
    ("Poisson", {}, np.abs(Y), P, WEIGHTS),
    ("KLDivergence", {}, P[::-1].copy(), P, WEIGHTS),
    *((name, {}, 2 * ONE_HOT - 1, LOGITS, WEIGHTS) for name in ("Hinge", "SquaredHinge")),
    ("CategoricalHinge", {}, ONE_HOT, LOGITS, WEIGHTS),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, BITS, Q, WEIGHTS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, ONE_HOT, P, WEIGHTS),
    ("CategoricalCrossentropy", {"from_logits": True}, ONE_HOT, LOGITS, WEIGHTS),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, LABELS, LOGITS, WEIGHTS),
    ("Accuracy", {}, LABELS, GUESSES, WEIGHTS),
    ("BinaryAccuracy", {}, BITS, Q, WEIGHTS),
    ("BinaryAccuracy", {"threshold": 0.3}, BITS, Q, WEIGHTS),
    ("CategoricalAccuracy", {}, ONE_HOT, P, WEIGHTS),
    ("SparseCategoricalAccuracy", {}, LABELS, P, WEIGHTS),
    ("TopKCategoricalAccuracy", {"k": 2}, ONE_HOT, P, WEIGHTS),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS, P, WEIGHTS),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, LABELS, RANKED, WEIGHTS),
    *((name, {}, BITS, Q, WEIGHTS) for name in COUNTS),
    *((name, {"thresholds": [0.2, 0.5, 0.7]}, BITS, Q, WEIGHTS) for name in COUNTS),
    *((name, {"top_k": 2}, BITS, Q, WEIGHTS) for name in ("Precision", "Recall")),
    *((name, {"class_id": 1, "thresholds": 0.4}, BITS, Q, WEIGHTS) for name in ("Precision", "Recall")),
    *(("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 50}, BITS, Q, WEIGHTS)
      for curve in ("ROC", "PR") for method in ("interpolation", "minoring", "majoring")
      if (curve, method) != ("PR", "minoring")),
    ("AUC", {"multi_label": True}, BITS, Q, None),
    ("AUC", {"multi_label": True, "num_labels": 3, "label_weights": [1.0, 2.0, 0.5]}, BITS, Q, None),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5]}, BITS, Q, None),
    ("AUC", {"thresholds": [0.2, 0.5, 0.8]}, BITS, Q, WEIGHTS),
    ("AUC", {"from_logits": True}, BITS, LOGITS, None),
    *((name, {"average": average}, ONE_HOT, P, WEIGHTS)
      for name in ("F1Score", "FBetaScore") for average in (None, "micro", "macro", "weighted")),
    ("FBetaScore", {"beta": 0.5, "threshold": 0.4}, BITS, Q, WEIGHTS),
    *((name, {value: 0.6, "num_thresholds": 41}, BITS, Q, WEIGHTS) for name, value in (
        ("PrecisionAtRecall", "recall"), ("RecallAtPrecision", "precision"),
        ("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity"))),
    ("PrecisionAtRecall", {"recall": 0.5, "class_id": 1, "num_thresholds": 1}, BITS, Q, None),
    ("MeanIoU", {"num_classes": 3}, LABELS, GUESSES, WHOLE),
    ("MeanIoU", {"num_classes": 3, "ignore_class": 1}, LABELS, GUESSES, WHOLE),
    ("MeanIoU", {"num_classes": 3, "sparse_y_true": False, "sparse_y_pred": False}, ONE_HOT, P, None),
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, LABELS, GUESSES, WHOLE),
    ("BinaryIoU", {}, BITS, Q, None),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.4}, BITS, Q, None),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": [0, 1]}, ONE_HOT, P, WHOLE),
    ("OneHotMeanIoU", {"num_classes": 3}, ONE_HOT, P, WHOLE),
    ("OneHotMeanIoU", {"num_classes": 3, "sparse_y_pred": True}, ONE_HOT, GUESSES, None),
]  # fmt: skip
BATCHES = (slice(0, 10), slice(10, 15), slice(15, N))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras's Variable
@pytest.mark.parametrize(("name", "arguments", "y", "p", "weights"), CASES)
def test_results_are_those_of_keras(backend, name, arguments, y, p, weights):
    keras = peer("keras")
    for given in (None, weights):
        mine, theirs = getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)
        assert mine.name == theirs.name.removesuffix(theirs.name[len(mine.name) :])
        batches = [slice(0, N)] if arguments.get("axis") == 0 else BATCHES
        for batch in batches:
            part = None if given is None else given[batch]
            mine.update_state(y[batch], p[batch], part)
            theirs.update_state(y[batch], p[batch], part)
        assert_close(np.asarray(mine.result(), np.float64), np.asarray(theirs.result(), np.float64), 2e-6)
        again = metrics.deserialize(metrics.serialize(mine))
        assert again.get_config() == mine.get_config()
        mine.reset_state()
        mine.update_state(y, p, given)
        again.update_state(y, p, given)
        np.testing.assert_array_equal(again.result(), mine.result())


def test_every_metric_of_keras_is_here_with_its_arguments():
    keras = peer("keras")
    names = {n for n in dir(keras.metrics) if n[0] != "_"} - {"get", "serialize", "deserialize"}
    assert names <= set(metrics.__all__)
    compared = {name for name, *_ in CASES}
    classes = {n for n in names if n[0].isupper()}
    assert classes - compared == {"Metric", "Mean", "Sum", "MeanMetricWrapper"}
    for name in names:
        mine = inspect.signature(getattr(metrics, name)).parameters
        theirs = inspect.signature(getattr(keras.metrics, name)).parameters
        assert list(mine) == list(theirs), name
        for argument in set(mine) - {"name"}:  # None stands for the metric's own name
            assert mine[argument].default == theirs[argument].default, (name, argument)


def test_means_and_sums_are_those_of_keras(backend):
    keras = peer("keras")
    for name in ("Mean", "Sum"):
        mine, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
        for batch in BATCHES:
            mine.update_state(Y[batch], WEIGHTS[batch])
            theirs.update_state(Y[batch], WEIGHTS[batch][:, None])
        assert mine.result() == pytest.approx(float(theirs.result()), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.PrecisionAtRecall(1.5), r"recall must lie in \[0, 1\]. Received: recall=1.5"),
        (lambda: metrics.RecallAtPrecision(0.5, num_thresholds=0), "num_thresholds must be at least 1"),
        (lambda: metrics.IoU(2, [2]), r"target_class_ids must lie in \[0, 2\)"),
        (lambda: metrics.R2Score("mean"), "class_aggregation must be .* Received: class_aggregation='mean'"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors must not be negative"),
        (lambda: metrics.AUC(num_labels=2), "num_labels needs multi_label=True"),
        (lambda: metrics.AUC(multi_label=True, num_labels=2)(BITS, Q), "y_pred must have num_labels=2 columns"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_adjusted_r2_of_too_few_samples_is_the_plain_one():
    with pytest.warns(UserWarning, match="Too few samples"):
        assert metrics.R2Score(num_regressors=3)([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]]) == 0.5


def test_the_dtype_is_that_of_added_variables():
    class Kept(metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.value = self.add_weight()

    assert Kept(dtype="float64").value.dtype == np.float64
    assert Kept(dtype="float64").get_config() == {"name": "kept", "dtype": "float64"}
