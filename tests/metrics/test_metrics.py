import numpy as np
import pytest
from helpers import normal
from sklearn import metrics as sklearn_metrics

import pycnn
from pycnn import losses, metrics, ops

LABELS = np.array([0, 2, 1, 1, 2, 0, 0, 1])
P = np.abs(normal((8, 3))) + 0.05
P /= P.sum(axis=1, keepdims=True)
ONE_HOT = np.eye(3)[LABELS]
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 1.0, 1.0])
RIGHT = P.argmax(axis=1) == LABELS
BINARY, SCORES = (LABELS > 0) * 1, P[:, 0]
NAMES = [name for name in metrics.__all__ if name[0].isupper() and name not in ("Metric", "MeanMetricWrapper")]


def over_batches(metric, y_true, y_pred, weights=None, size=3):
    for i in range(0, len(y_pred), size):
        metric.update_state(
            y_true[i : i + size], y_pred[i : i + size], None if weights is None else weights[i : i + size]
        )
    return metric.result()


def test_sum_and_mean(backend):
    total, mean = metrics.Sum(), metrics.Mean()
    for values, weights in (([1.0, 2.0], None), (np.float32([3.0]), [2.0]), (5, None)):
        total.update_state(values, weights)
        mean.update_state(values, weights)
    assert total.result() == 14.0
    assert mean.result() == 14.0 / 5
    mean.reset_state()
    total.reset_state()
    assert total.result() == mean.result() == 0.0
    assert isinstance(mean([[1.0, 3.0]]), float)


def test_a_weight_a_row(backend):
    assert metrics.Mean()([[1.0, 2.0], [3.0, 4.0]], [1.0, 3.0]) == pytest.approx((3 + 21) / 8)


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred"),
    [
        (metrics.SparseCategoricalAccuracy, LABELS, P),
        (metrics.SparseCategoricalAccuracy, LABELS[:, None], P.astype("float32")),
        (metrics.CategoricalAccuracy, ONE_HOT, P),
        (lambda: metrics.TopKCategoricalAccuracy(k=1), ONE_HOT, P),
        (lambda: metrics.SparseTopKCategoricalAccuracy(k=1), LABELS, P),
        (metrics.Accuracy, LABELS, P.argmax(axis=1)),
    ],
)
def test_accuracies(backend, metric, y_true, y_pred):
    assert over_batches(metric(), y_true, y_pred) == pytest.approx(RIGHT.mean())
    assert over_batches(metric(), y_true, y_pred, WEIGHTS) == pytest.approx((RIGHT * WEIGHTS).sum() / WEIGHTS.sum())


def test_top_k(backend):
    p = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.25] * 4, [np.nan] * 4])
    labels = np.array([1, 1, 3, 0])
    assert metrics.SparseTopKCategoricalAccuracy(k=2)(labels, p) == 0.5
    assert metrics.sparse_top_k_categorical_accuracy(labels, p, k=3).tolist() == [1.0, 1.0, 1.0, 0.0]
    assert metrics.TopKCategoricalAccuracy(k=2)(np.eye(4)[labels], p) == 0.5
    assert metrics.top_k_categorical_accuracy(np.eye(4)[labels], p, k=1).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_binary_accuracy(backend):
    right = (SCORES > 0.3) == BINARY
    for y_true, y_pred in ((BINARY, SCORES), (BINARY[:, None], SCORES[:, None]), (BINARY, SCORES[:, None])):
        assert over_batches(metrics.BinaryAccuracy(threshold=0.3), y_true, y_pred) == pytest.approx(right.mean())
    assert metrics.binary_accuracy([[1, 0]], [[0.9, 0.6]]).tolist() == [0.5]
    assert metrics.BinaryAccuracy(threshold=0.0)([1, 0], [2.0, -3.0]) == 1.0


def test_accuracies_as_functions(backend):
    assert metrics.sparse_categorical_accuracy(LABELS, P).tolist() == RIGHT.tolist()
    assert metrics.categorical_accuracy(ONE_HOT, P).tolist() == RIGHT.tolist()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("threshold", [None, 0.3])
def test_precision_and_recall(backend, weights, threshold):
    positive = (threshold or 0.5) < SCORES
    for metric, peer in (
        (metrics.Precision, sklearn_metrics.precision_score),
        (metrics.Recall, sklearn_metrics.recall_score),
    ):
        expected = peer(BINARY, positive, sample_weight=weights, zero_division=0)
        assert over_batches(metric(threshold), BINARY, SCORES, weights) == pytest.approx(expected)


def test_counts_at_several_thresholds(backend):
    levels = [0.1, 0.3, 0.6]
    for metric, hits in (
        (metrics.TruePositives, lambda q: q & (BINARY == 1)),
        (metrics.FalsePositives, lambda q: q & (BINARY == 0)),
        (metrics.TrueNegatives, lambda q: ~q & (BINARY == 0)),
        (metrics.FalseNegatives, lambda q: ~q & (BINARY == 1)),
    ):
        counts = over_batches(metric(levels), BINARY, SCORES)
        assert counts.tolist() == [hits(level < SCORES).sum() for level in levels]
    assert over_batches(metrics.Precision(levels), BINARY, SCORES).shape == (3,)


def test_precision_of_a_class_and_of_the_largest(backend):
    positive = P[:, 1] > 0.4
    expected = (positive & (LABELS == 1)).sum() / positive.sum()
    assert over_batches(metrics.Precision(0.4, class_id=1), ONE_HOT, P) == pytest.approx(expected)
    assert over_batches(metrics.Precision(top_k=1), ONE_HOT, P) == pytest.approx(RIGHT.mean())
    assert over_batches(metrics.Recall(top_k=2), ONE_HOT, P) == pytest.approx(
        over_batches(metrics.TopKCategoricalAccuracy(k=2), ONE_HOT, P)
    )
    expected = (WEIGHTS * (positive & (LABELS == 1))).sum() / (WEIGHTS * positive).sum()
    assert over_batches(metrics.Precision(0.4, class_id=1), ONE_HOT, P, WEIGHTS) == pytest.approx(expected)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_f_scores(backend, average, weights):
    chosen = P.argmax(axis=1)
    expected = sklearn_metrics.f1_score(LABELS, chosen, average=average, sample_weight=weights)
    for y_true in (ONE_HOT, LABELS):
        np.testing.assert_allclose(over_batches(metrics.F1Score(average), y_true, P, weights), expected)
    expected = sklearn_metrics.fbeta_score(LABELS, chosen, beta=2, average=average, sample_weight=weights)
    np.testing.assert_allclose(over_batches(metrics.FBetaScore(average, beta=2.0), ONE_HOT, P, weights), expected)


def test_f_score_with_a_threshold(backend):
    expected = sklearn_metrics.f1_score(ONE_HOT, P > 0.3, average=None)
    np.testing.assert_allclose(over_batches(metrics.F1Score(threshold=0.3), ONE_HOT, P), expected)


def test_mean_iou(backend):
    chosen = P.argmax(axis=1)
    expected = sklearn_metrics.jaccard_score(LABELS, chosen, average="macro")
    assert over_batches(metrics.MeanIoU(3), LABELS, chosen) == pytest.approx(expected)
    metric = metrics.MeanIoU(3, sparse_y_true=False, sparse_y_pred=False)
    assert over_batches(metric, ONE_HOT, P) == pytest.approx(expected)
    expected = sklearn_metrics.jaccard_score(LABELS, chosen, average="macro", sample_weight=WEIGHTS)
    assert over_batches(metrics.MeanIoU(3), LABELS, chosen, WEIGHTS) == pytest.approx(expected)
    assert metrics.MeanIoU(3, ignore_class=2)([0, 2, 1], [0, 1, 1]) == 1.0
    with pytest.raises(ValueError, match=r"y_true must hold class indices from 0 to 1. Received: y_true from 0 to 2"):
        metrics.MeanIoU(2)([0, 2], [0, 1])


GRID = np.round(np.random.default_rng(1).random(400) * 50) / 50 + 0.005
TRUTH = (np.random.default_rng(2).random(400) < np.clip(GRID, 0.2, 0.8)) * 1
GRID_WEIGHTS = np.random.default_rng(3).random(400)


@pytest.mark.parametrize("weights", [None, GRID_WEIGHTS])
def test_area_under_the_roc_curve(backend, weights):
    """With thresholds between all scores the area is exact."""
    scores = np.clip(GRID, 0, 1)
    expected = sklearn_metrics.roc_auc_score(TRUTH, scores, sample_weight=weights)
    metric = metrics.AUC(num_thresholds=101)
    assert over_batches(metric, TRUTH, scores, weights, size=64) == pytest.approx(expected, abs=1e-12)
    metric.reset_state()
    assert metric.result() == 0.0


def test_area_under_the_precision_recall_curve(backend):
    scores = np.clip(GRID, 0, 1)
    area = {
        method: over_batches(metrics.AUC(101, "PR", method), TRUTH, scores)
        for method in ("interpolation", "minoring", "majoring")
    }
    assert area["minoring"] < area["interpolation"] < area["majoring"]
    assert area["interpolation"] == pytest.approx(sklearn_metrics.average_precision_score(TRUTH, scores), abs=0.02)
    # by hand, three thresholds: recall 1, 1/2, 0 and precision 1/2, 1, - : (integral of x/x) + (1 + log 4)/2 ...
    assert metrics.AUC(3, "PR")([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]) == pytest.approx(_davis_goadrich())


def _davis_goadrich():
    """Points (true, false positives): (2, 2) at the lowest threshold, (1, 0) at 0.5, (0, 0) above all."""
    slope = (2 - 1) / (4 - 1)
    intercept = 1 - slope * 1
    first = slope * ((2 - 1) + intercept * np.log(4 / 1))
    last = 1 * (1 - 0)
    return (first + last) / 2


def test_areas_of_several_columns(backend):
    y = (np.array([0.2, 0.4, 0.3]) < P) ^ (np.arange(24).reshape(8, 3) % 5 == 0)
    each = [metrics.AUC()(y[:, i], P[:, i]) for i in range(3)]
    assert metrics.AUC(multi_label=True)(y, P) == pytest.approx(np.mean(each))
    logits = np.log(P / (1 - P))
    assert metrics.AUC(multi_label=True, from_logits=True)(y, logits) == pytest.approx(np.mean(each))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.AUC(curve="ROX"), "curve must be one of ROC, PR. Received: curve='ROX'"),
        (lambda: metrics.AUC(num_thresholds=1), "Received: num_thresholds=1"),
        (lambda: metrics.AUC(thresholds=[2.0]), "thresholds must lie in"),
        (lambda: metrics.AUC()([1], [2.0]), r"y_pred must lie in \[0, 1\]. Received: y_pred from 2.0 to 2.0"),
        (lambda: metrics.Precision(1.5), "thresholds must lie in .* Received: thresholds=1.5"),
        (lambda: metrics.F1Score("mean"), "average must be None, .* Received: average='mean'"),
        (lambda: metrics.FBetaScore(beta=0), "beta must be positive. Received: beta=0"),
        (lambda: metrics.CategoricalAccuracy()(ONE_HOT, P[:3]), "same shape. Received: y_true.shape"),
        (lambda: metrics.get("accurasy"), r"Unknown metric. Did you mean Accuracy.* Received: metric='accurasy'"),
    ],
)
def test_errors_name_the_argument(backend, make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_root_of_the_mean_over_all_batches(backend):
    y, p = normal((8, 2), seed=1), normal((8, 2), seed=2)
    assert over_batches(metrics.RootMeanSquaredError(), y, p) == pytest.approx(np.sqrt(((y - p) ** 2).mean()))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_r2_score(backend, weights):
    y, p = normal((8, 2), seed=1), normal((8, 2), seed=2)
    expected = sklearn_metrics.r2_score(y, p, sample_weight=weights)
    assert over_batches(metrics.R2Score(), y, p, weights) == pytest.approx(expected)
    assert metrics.R2Score()([[1.0], [1.0]], [[1.0], [2.0]]) == 0.0


LOSSES = [name for name in NAMES if name in losses.__all__ and name != "CosineSimilarity"]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_as_metrics(backend, name):
    target = LABELS if name.startswith("Sparse") else ONE_HOT
    metric = getattr(metrics, name)()
    each = getattr(losses, metric.name.replace("logcosh", "log_cosh"))(target, P).numpy()
    assert over_batches(metric, target, P) == pytest.approx(each.mean())
    metric.reset_state()
    assert over_batches(metric, target, P, WEIGHTS) == pytest.approx((each * WEIGHTS).sum() / WEIGHTS.sum())
    assert metric.direction == "down"


def test_cosine_similarity_is_a_similarity(backend):
    assert metrics.CosineSimilarity()(P, 2 * P) == pytest.approx(1.0)


ARGUMENTS = {
    "AUC": {"num_thresholds": 10, "curve": "PR", "from_logits": True},
    "F1Score": {"average": "macro", "threshold": 0.4},
    "FBetaScore": {"average": "micro", "beta": 2.0},
    "MeanIoU": {"num_classes": 3, "ignore_class": 1},
    "IoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 1]},
    "OneHotMeanIoU": {"num_classes": 3, "ignore_class": 1},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5, "class_id": 1},
    "Precision": {"thresholds": [0.2, 0.3], "class_id": 1},
    "BinaryAccuracy": {"threshold": 0.3},
    "TopKCategoricalAccuracy": {"k": 3},
    "Huber": {"delta": 2.0},
    "CategoricalCrossentropy": {"from_logits": True, "label_smoothing": 0.1},
}


@pytest.mark.parametrize("name", NAMES)
def test_serialisation_and_names(backend, name):
    cls = getattr(metrics, name)
    metric = cls(**ARGUMENTS.get(name, {}))
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is cls
    assert again.get_config() == metric.get_config()
    assert ARGUMENTS.get(name, {}).items() <= metric.get_config().items()
    if "IoU" not in name and "At" not in name and name != "LogCoshError":
        assert type(metrics.get(cls().name)) is cls
        assert type(metrics.get(name)) is cls


@pytest.mark.parametrize(
    ("alias", "name"),
    [("acc", "Accuracy"), ("mse", "MeanSquaredError"), ("MAE", "MeanAbsoluteError"), ("bce", "BinaryCrossentropy")],
)
def test_short_names(alias, name):
    assert type(metrics.get(alias)) is getattr(metrics, name)


def test_functions_as_metrics(backend):
    def distance(y_true, y_pred):
        return ops.sum(abs(ops.subtract(y_true, y_pred)), axis=-1)

    metric = metrics.get(distance)
    assert metric.name == "distance"
    assert over_batches(metric, ONE_HOT, P) == pytest.approx(np.abs(ONE_HOT - P).sum(axis=1).mean())
    assert metrics.get(None) is None
    assert metrics.get(metric) is metric
    wrapped = metrics.MeanMetricWrapper(ops.huber, delta=0.3)
    assert wrapped(ONE_HOT, P) == pytest.approx(ops.huber(ONE_HOT, P, delta=0.3).numpy().mean())


def test_a_metric_of_ones_own_with_variables(backend):
    class Hits(metrics.Metric):
        def __init__(self, name="hits"):
            super().__init__(name=name)
            self.hits = self.add_weight(name="hits", initializer="zeros")
            self.floor = self.add_variable((2,), "ones", name="floor")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.hits.assign(self.hits + ops.sum(ops.cast(ops.equal(y_true, y_pred), "float32")))
            self.floor.assign(self.floor * 2)

        def result(self):
            return self.hits

    metric = Hits()
    assert metric([1, 2, 3], [1, 0, 3]).item() == 2.0
    assert metric([1], [1]).item() == 3.0
    assert metric.floor.tolist() == [4.0, 4.0]
    metric.reset_state()
    assert metric.result().item() == 0.0
    assert metric.floor.tolist() == [1.0, 1.0]
    assert [v.name for v in metric.variables] == ["hits", "floor"]


def test_updates_record_nothing_on_the_tape(backend):
    p = pycnn.Tensor(P, requires_grad=True)
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(LABELS, p)
    assert metric.result() == RIGHT.mean()
    assert p.grad is None
