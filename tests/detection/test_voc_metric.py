"""Average precision of VOC, curves, kinds of errors: values by hand, and VOC's own loop."""

import numpy as np
import pytest

from pycnn import registration
from pycnn.detection import (
    AnnotatedImages,
    Detections,
    GroundTruth,
    MeanAveragePrecision,
    error_types,
    precision_recall_curves,
    voc_average_precision,
)

NONE = Detections([], [], [])


def box(x, width=10):
    return [x, 0, x + width, 10]


TRUTH = [GroundTruth([box(0), box(20)], [0, 0]), GroundTruth([box(0), box(20), box(40)], [0, 1, 0])]
FOUND = [
    Detections([box(0), box(0, 9), box(20, 4)], [0, 0, 0], [0.9, 0.8, 0.3]),  # hit, second hit, too small
    Detections([box(0, 8), box(20), box(60)], [0, 0, 1], [0.7, 0.6, 0.5]),  # hit, wrong class, nothing there
]


def test_curve_by_hand():
    first, second = precision_recall_curves(TRUTH, FOUND, ["cat", "dog"])
    assert (first.name, first.positives, second.positives) == ("cat", 4, 1)
    np.testing.assert_allclose(first.scores, [0.9, 0.8, 0.7, 0.6, 0.3], rtol=1e-6)
    np.testing.assert_allclose(first.precision, [1, 1 / 2, 2 / 3, 2 / 4, 2 / 5])
    np.testing.assert_allclose(first.recall, [1 / 4, 1 / 4, 2 / 4, 2 / 4, 2 / 4])
    assert second.precision.tolist() == second.recall.tolist() == [0]


def test_average_precision_by_hand():
    elevens = voc_average_precision(TRUTH, FOUND)
    np.testing.assert_allclose(elevens.per_class, [(3 * 1 + 3 * 2 / 3) / 11, 0])  # 0, .1, .2 and .3, .4, .5
    assert elevens.mean == pytest.approx(5 / 22)
    areas = voc_average_precision(TRUTH, FOUND, year=2010)
    np.testing.assert_allclose(areas.per_class, [1 / 4 * 1 + 1 / 4 * 2 / 3, 0])


def test_tenths_are_exact():
    """3 of 10 objects reach the recall .3, which a sum of tenths would miss, and 6 of 10 reach .6, and so on."""
    for hits in range(11):
        truth = [GroundTruth([box(20 * i) for i in range(10)], [0] * 10)]
        found = [Detections([box(20 * i) for i in range(hits)], [0] * hits, np.linspace(1, 0.5, hits))]
        assert voc_average_precision(truth, found, 1).mean == pytest.approx((hits + 1) / 11 if hits else 0)
        assert voc_average_precision(truth, found, 1, year=2010).mean == pytest.approx(hits / 10)


def test_difficult_objects_and_crowds_are_neither_hit_nor_missed():
    truth = [GroundTruth([box(0), box(20), box(40)], [0] * 3, difficult=[1, 0, 0], crowd=[0, 0, 1])]
    found = [Detections([box(0), box(0), box(40), box(20), box(60)], [0] * 5, [0.9, 0.8, 0.7, 0.6, 0.5])]
    (curve,) = precision_recall_curves(truth, found)
    assert curve.positives == 1
    assert curve.precision.tolist() == [1, 0.5]
    assert curve.recall.tolist() == [1, 1]


def test_a_detection_belongs_to_the_object_it_overlaps_most_even_if_that_is_taken():
    truth = [GroundTruth([box(0, 10), box(3, 10)], [0, 0])]
    found = [Detections([box(0), box(1)], [0, 0], [0.9, 0.8])]  # the second one overlaps both by more than half
    (curve,) = precision_recall_curves(truth, found)
    assert curve.precision.tolist() == [1, 0.5]


def test_of_equal_overlaps_the_earlier_object_is_taken():
    truth = [GroundTruth([box(0), box(4)], [0, 0])]
    found = [Detections([box(2), box(4)], [0, 0], [0.9, 0.8])]  # the first one lies between both
    assert voc_average_precision(truth, found).mean == 1


def test_an_overlap_of_the_threshold_is_enough():
    truth, found = [GroundTruth([box(0)], [0])], [Detections([box(0, 5)], [0], [0.9])]
    assert voc_average_precision(truth, found).mean == 1
    assert voc_average_precision(truth, found, iou_threshold=0.5001).mean == 0


def test_plus_one_is_for_boxes_that_include_their_last_pixel():
    """Pixels 1..10 and 1..5 overlap by half; as edges 0..10 and 0..5 they do so without the 1."""
    truth, found = [GroundTruth([[1, 1, 10, 10]], [0])], [Detections([[1, 1, 5, 10]], [0], [0.9])]
    assert voc_average_precision(truth, found, plus_one=True).mean == 1
    assert voc_average_precision(truth, found).mean == 0
    point = [GroundTruth([[3, 3, 3, 3]], [0])], [Detections([[3, 3, 3, 3]], [0], [0.9])]
    assert voc_average_precision(*point, plus_one=True).mean == 1
    assert voc_average_precision(*point).mean == 0


def vocdevkit(truth, detections, label, threshold, plus_one):
    """VOCevaldet.m and VOCap.m, line by line: AP of 2007 and of 2010."""
    rows = [(d.scores[k], i, d.boxes[k]) for i, d in enumerate(detections) for k in np.flatnonzero(d.labels == label)]
    rows.sort(key=lambda row: -row[0])
    npos = sum(int((~t.difficult[t.labels == label]).sum()) for t in truth)
    taken, tp, fp = set(), [], []
    for _, i, bb in rows:
        best, jmax = -np.inf, None
        for j in np.flatnonzero(truth[i].labels == label):
            gt = truth[i].boxes[j]
            iw = min(bb[2], gt[2]) - max(bb[0], gt[0]) + plus_one
            ih = min(bb[3], gt[3]) - max(bb[1], gt[1]) + plus_one
            if iw > 0 and ih > 0:
                area = (bb[2] - bb[0] + plus_one) * (bb[3] - bb[1] + plus_one)
                ua = area + (gt[2] - gt[0] + plus_one) * (gt[3] - gt[1] + plus_one) - iw * ih
                if iw * ih / ua > best:
                    best, jmax = iw * ih / ua, j
        hit = miss = 0
        if best >= threshold:
            if not truth[i].difficult[jmax]:
                hit, miss = ((i, jmax) not in taken), ((i, jmax) in taken)
                taken.add((i, jmax))
        else:
            miss = 1
        tp.append(hit)
        fp.append(miss)
    tp, fp = np.cumsum(tp), np.cumsum(fp)
    recall, precision = tp / npos, tp / np.maximum(fp + tp, 1)
    elevens = sum(max(precision[10 * tp >= k * npos], default=0) for k in range(11)) / 11
    mrec, mpre = np.r_[0, recall, 1], np.r_[0, precision, 0]
    for i in range(len(mpre) - 2, -1, -1):
        mpre[i] = max(mpre[i], mpre[i + 1])
    return elevens, sum((mrec[i] - mrec[i - 1]) * mpre[i] for i in range(1, len(mrec)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("plus_one", [False, True])
def test_random_cases(seed, plus_one):
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for _ in range(20):
        n, m = rng.integers(0, 8), rng.integers(0, 20)
        corners = rng.integers(0, 40, (n, 2))
        real = np.concatenate([corners, corners + rng.integers(1, 30, (n, 2))], axis=1)
        truth.append(GroundTruth(real, rng.integers(0, 2, n), difficult=rng.random(n) < 0.2))
        source = rng.integers(0, n, m) if n else np.zeros(0, int)
        guesses = np.sort((real[source] + rng.integers(-3, 4, (len(source), 4))).reshape(-1, 2, 2), axis=1)
        labels = np.where(rng.random(len(source)) < 0.8, truth[-1].labels[source], 1)
        found.append(Detections(guesses.reshape(-1, 4), labels, rng.integers(1, 9, len(source)) / 8))
    for threshold in (0.3, 0.5, 0.75):
        expected = [vocdevkit(truth, found, label, threshold, plus_one) for label in (0, 1)]
        for year, column in ((2007, 0), (2010, 1)):
            ours = voc_average_precision(truth, found, 2, threshold, year, plus_one)
            np.testing.assert_allclose(ours.per_class, [row[column] for row in expected], rtol=1e-12)


def test_classes_and_data_without_objects():
    ours = voc_average_precision(TRUTH, FOUND, ["a", "b", "c"])
    assert np.isnan(ours.per_class).tolist() == [False, False, True]
    assert ours.mean == pytest.approx(5 / 22)  # the class without objects is left out
    nothing = voc_average_precision([GroundTruth([], [])], [Detections([box(0)], [0], [0.5])])
    assert np.isnan(nothing.mean)
    assert nothing.curves[0].precision.tolist() == [0]
    assert np.isnan(nothing.curves[0].recall).all()
    assert voc_average_precision(TRUTH, [NONE, NONE]).per_class.tolist() == [0, 0]
    assert np.isnan(voc_average_precision([], []).mean)


def test_the_table():
    lines = [line.split() for line in str(voc_average_precision(TRUTH, FOUND, ["cat", "dog", "owl"])).splitlines()]
    assert lines == [
        ["class", "objects", "detections", "recall", "AP"],
        ["cat", "4", "5", "0.500", "0.455"],
        ["dog", "1", "1", "0.000", "0.000"],
        ["owl", "0", "0", "-", "-"],
        ["all", "5", "6", "0.227"],
    ]


def test_kinds_of_errors_by_hand():
    kinds = error_types(TRUTH, FOUND, ["cat", "dog"], score_threshold=0)
    assert kinds.per_class.tolist() == [[2, 1, 1, 1, 0, 2], [0, 0, 0, 0, 1, 1]]
    assert kinds.total == dict(correct=2, localisation=1, duplicate=1, confusion=1, background=1, missed=3)
    assert kinds.mean["missed"] == 1.5
    assert [line.split() for line in str(kinds).splitlines()][1] == ["cat", "2", "1", "1", "1", "0", "2"]


def test_as_many_detections_count_as_there_are_objects():
    """Of the class 0 the four most certain ones, so that the badly placed one is left out."""
    assert error_types(TRUTH, FOUND, 2).per_class.tolist() == [[2, 0, 1, 1, 0, 2], [0, 0, 0, 0, 1, 1]]
    assert error_types(TRUTH, FOUND, 2, score_threshold=0.65).per_class[0].tolist() == [2, 0, 1, 0, 0, 2]


def test_kinds_of_errors_where_there_is_a_choice():
    """A neighbour of the same class goes before one of another class; what is difficult does not count."""
    truth = [GroundTruth([box(0), box(0), box(40)], [0, 1, 0], difficult=[0, 0, 1])]
    found = [Detections([box(0, 3), box(40), box(0, 1), box(0, 0.5)], [0] * 4, [0.9, 0.8, 0.7, 0.6])]
    kinds = error_types(truth, found, 2, score_threshold=0)
    assert kinds.per_class.tolist() == [[0, 2, 0, 0, 1, 1], [0, 0, 0, 0, 0, 1]]
    strict = error_types(truth, found, 2, background_threshold=0.2, score_threshold=0)
    assert strict.per_class[0].tolist() == [0, 1, 0, 0, 2, 1]


def test_kinds_of_errors_without_objects_or_detections():
    assert error_types([GroundTruth([], [])], [NONE], 2).per_class.tolist() == [[0] * 6] * 2
    assert error_types(TRUTH, [NONE, NONE]).total["missed"] == 5
    found = [Detections([box(0)], [0], [0.5])]
    assert error_types([GroundTruth([], [])], found, 1, score_threshold=0).total["background"] == 1


def test_metric_gathers_batches():
    metric = MeanAveragePrecision(class_names=["cat", "dog"])
    assert np.isnan(metric.result())
    for i in (0, 1):
        metric.update_state(TRUTH[i : i + 1], FOUND[i : i + 1])
    assert metric.result() == pytest.approx(5 / 22)
    np.testing.assert_allclose(metric.per_class(), [5 / 11, 0])
    assert str(metric.table()).split()[5] == "cat"
    metric.reset_state()
    assert metric(TRUTH[1:], [FOUND[1]]) == pytest.approx((6 / 11 + 0) / 2)  # half of two are found first
    with pytest.raises(ValueError, match="must have one Detections"):
        metric.update_state(TRUTH, FOUND[:1])
    with pytest.raises(ValueError, match="takes no weights"):
        metric.update_state(TRUTH, FOUND, [1, 1])
    assert metric.result() == pytest.approx(3 / 11)


def test_metric_takes_annotated_images_and_can_be_saved():
    data = AnnotatedImages(np.zeros((2, 8, 8, 3), np.uint8), TRUTH, ["cat", "dog"])
    metric = MeanAveragePrecision(0.75, 2010, name="map", class_names=data.class_names)
    again = registration.deserialize(registration.serialize(metric))
    for one in (metric, again):
        one.update_state(data, FOUND)
    assert metric.result() == again.result() == voc_average_precision(data, FOUND, None, 0.75, 2010).mean
    assert (again.name, again.year, again.direction) == ("map", 2010, "up")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: voc_average_precision(TRUTH, FOUND, year=2012), "year must be 2007 or 2010. Received: year=2012"),
        (lambda: voc_average_precision(TRUTH, FOUND, iou_threshold=0), r"iou_threshold must lie in \(0, 1\]"),
        (lambda: voc_average_precision(TRUTH, FOUND, ["cat"]), "classes, 1. .* a label 1"),
        (lambda: voc_average_precision(TRUTH, FOUND[:1]), "Received: 1 detections, 2 of truth"),
        (lambda: error_types(TRUTH, FOUND, background_threshold=0.6), r"background_threshold must lie in \(0, 0.5\]"),
        (lambda: MeanAveragePrecision(1.5), "iou_threshold must lie"),
        (lambda: MeanAveragePrecision(year=1999), "year must be"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
