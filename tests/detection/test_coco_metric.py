"""Average precision of COCO: equal to pycocotools, and some values by hand."""

import contextlib
import io

import numpy as np
import pytest
from helpers import peer

from pycnn.detection import AnnotatedImages, Detections, GroundTruth
from pycnn.detection.metrics import coco, coco_average_precision, gather


def expected(truth, detections, classes, max_detections=(1, 10, 100)):
    """What pycocotools finds: the twelve numbers, and precision and recall of each class."""
    peer("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def rows(records):
        for i, record in enumerate(records):
            for k in range(len(record)):
                x1, y1, x2, y2 = map(float, record.boxes[k])
                yield (
                    record,
                    k,
                    {
                        "image_id": i,
                        "category_id": int(record.labels[k]),
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                    },
                )

    annotations = [
        row | {"id": n, "area": float(record.areas[k]), "iscrowd": int(record.crowd[k])}
        for n, (record, k, row) in enumerate(rows(truth), 1)
    ]
    results = [row | {"score": float(record.scores[k])} for record, k, row in rows(detections)]
    known, found = COCO(), COCO()
    images, categories = [{"id": i} for i in range(len(truth))], [{"id": i} for i in range(classes)]
    known.dataset = {"images": images, "annotations": annotations, "categories": categories}
    with contextlib.redirect_stdout(io.StringIO()):
        known.createIndex()
        if results:
            found = known.loadRes(results)
        judge = COCOeval(known, found, "bbox")
        judge.params.maxDets = list(max_detections)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision, recall = (np.where(judge.eval[name] < 0, np.nan, judge.eval[name]) for name in ("precision", "recall"))
    return (
        np.where(judge.stats < 0, np.nan, judge.stats),
        precision[..., -1].mean(axis=1).transpose(1, 2, 0),
        recall.transpose(1, 2, 0, 3),
    )


def assert_equal_to_pycocotools(truth, detections, classes, max_detections=(1, 10, 100)):
    numbers, precision, recall = expected(truth, detections, classes, max_detections)
    ours = coco_average_precision(truth, detections, classes, max_detections)
    np.testing.assert_allclose(list(ours.summary.values()), numbers, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.precision, precision, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.recall, recall, rtol=0, atol=1e-9)
    return ours


def random_case(seed, images=12, classes=3, objects=6, detections=15, grid=4.0, levels=0, crowds=0.15, side=150):
    """Objects, and detections near them and elsewhere, on a grid so coarse that overlaps and scores are often equal."""
    rng = np.random.default_rng(seed)

    def boxes(n):
        corners = rng.uniform(0, side, (n, 2))
        sizes = np.exp(rng.uniform(np.log(4), np.log(side), (n, 2)))
        return np.concatenate([corners, corners + sizes], axis=1)

    def rounded(boxes):
        return np.sort((np.round(boxes / grid) * grid).reshape(-1, 2, 2), axis=1).reshape(-1, 4)

    truth, found = [], []
    for _ in range(images):
        n, m = rng.integers(0, objects + 1), rng.integers(0, detections + 1)
        real = rounded(boxes(n))
        areas = np.prod(real[:, 2:] - real[:, :2], axis=1) * rng.uniform(0.4, 1.0, n)
        truth.append(GroundTruth(real, rng.integers(0, classes, n), crowd=rng.random(n) < crowds, areas=areas))
        guesses, labels = boxes(m), rng.integers(0, classes, m)
        near = np.flatnonzero(rng.random(m) < 0.7) if n else np.zeros(0, int)
        source = rng.integers(0, max(n, 1), len(near))
        guesses[near] = real[source] + rng.normal(0, 2 * grid, (len(near), 4)) * (rng.random((len(near), 1)) < 0.7)
        labels[near] = np.where(rng.random(len(near)) < 0.8, truth[-1].labels[source], labels[near])
        scores = rng.integers(1, levels + 1, m) / levels if levels else rng.random(m)
        found.append(Detections(rounded(guesses), labels, scores))
    return truth, found, classes


@pytest.mark.parametrize("seed", range(6))
def test_random_cases(seed):
    ours = assert_equal_to_pycocotools(*random_case(seed))
    assert 0.05 < ours.mean < 0.95


@pytest.mark.parametrize("seed", range(4))
def test_ties_of_scores_and_overlaps(seed):
    assert_equal_to_pycocotools(*random_case(seed, images=8, classes=2, objects=10, detections=60, grid=16, levels=3))


@pytest.mark.parametrize("seed", range(2))
def test_boxes_off_the_grid(seed):
    assert_equal_to_pycocotools(*random_case(seed, grid=2.0**-12))


@pytest.mark.parametrize("seed", range(2))
def test_many_crowds(seed):
    assert_equal_to_pycocotools(*random_case(seed, crowds=0.6, classes=1, objects=8, detections=40, levels=5))


@pytest.mark.parametrize("most", [(1, 2, 100), (1, 5, 100), (3, 50, 100)])
def test_limits_of_detections(most):
    assert_equal_to_pycocotools(*random_case(7, images=5, classes=1, detections=150, objects=20), most)


def test_more_than_100_detections():
    truth, found, classes = random_case(8, images=3, classes=1, detections=400, objects=30, grid=8.0)
    assert max(map(len, found)) > 200
    assert_equal_to_pycocotools(truth, found, classes)


def test_areas_at_the_edges_of_the_ranges():
    """Areas of exactly 32 x 32 and 96 x 96 belong to both ranges; detections of objects of another area are void."""
    sides = [31, 32, 33, 95, 96, 97]
    truth = [GroundTruth([[0, 0, s, s]], [0]) for s in sides]
    found = [Detections([[0, 0, s + 2, s + 2]], [0], [1 - i / 10]) for i, s in enumerate(sides)]
    ours = assert_equal_to_pycocotools(truth, found, 1)
    assert ours.positives.tolist() == [[6, 2, 4, 2]]


def test_boxes_without_area():
    truth = [GroundTruth([[5, 5, 5, 9], [0, 0, 10, 10]], [0, 0])]
    found = [Detections([[5, 5, 5, 9], [0, 0, 10, 10], [3, 3, 3, 3]], [0] * 3, [0.9, 0.8, 0.7])]
    assert_equal_to_pycocotools(truth, found, 1)


def test_a_better_object_that_is_ignored_is_not_taken():
    """The crowd overlaps more, but an object that counts goes first, even the lesser one."""
    truth = [GroundTruth([[0, 0, 100, 100], [0, 0, 10, 6]], [0, 0], crowd=[True, False])]
    found = [Detections([[0, 0, 10, 10]] * 3, [0] * 3, [0.9, 0.8, 0.7])]
    ours = assert_equal_to_pycocotools(truth, found, 1)
    assert ours.precision[0, 0].tolist() == pytest.approx([1, 1, 1, *[0] * 7])  # hits up to .6, then all in the crowd


def test_of_equal_overlaps_the_later_object_is_taken():
    """The first detection lies between two objects, and takes the one that the second detection needs."""
    truth = [GroundTruth([[0, 0, 10, 10], [4, 0, 14, 10]], [0, 0])]
    found = [Detections([[2, 0, 12, 10], [4, 0, 14, 10]], [0, 0], [0.9, 0.8])]
    assert assert_equal_to_pycocotools(truth, found, 1).recall[0, 0, 0, -1] == 0.5


@pytest.mark.parametrize(
    ("truth", "found"),
    [
        ([GroundTruth([], []), GroundTruth([], [])], [Detections([], [], [])] * 2),
        ([GroundTruth([], [])], [Detections([[0, 0, 9, 9]], [1], [0.5])]),
        ([GroundTruth([[0, 0, 9, 9]], [1])], [Detections([], [], [])]),
        ([GroundTruth([[0, 0, 9, 9]], [0]), GroundTruth([], [])], [Detections([[0, 0, 9, 9]], [0], [0.5])] * 2),
        ([GroundTruth([[0, 0, 9, 9]], [0], crowd=[True])], [Detections([[0, 0, 9, 9]], [0], [0.5])]),
    ],
)
def test_images_and_classes_without_objects(truth, found):
    assert_equal_to_pycocotools(truth, found, 2)


def test_no_images_at_all():
    nothing = coco_average_precision([], [], 2)
    assert np.isnan(nothing.mean)
    assert np.isnan(nothing.per_class).all()
    assert len(coco_average_precision([], []).per_class) == 0


def test_parts_of_pairs_do_not_matter(monkeypatch):
    case = random_case(3)
    whole = coco_average_precision(*case)
    monkeypatch.setattr(gather, "_PAIRS", 7)
    parts = coco_average_precision(*case)
    np.testing.assert_array_equal(whole.precision, parts.precision)
    np.testing.assert_array_equal(whole.recall, parts.recall)


def test_by_hand():
    """Two of three objects are found at .5, one of them at .9; a miss lies between the two in certainty."""
    truth = [GroundTruth([[0, 0, 10, 10], [20, 0, 30, 10]], [0, 0]), GroundTruth([[0, 0, 10, 10]], [0])]
    found = [
        Detections([[0, 0, 10, 9], [60, 0, 70, 10]], [0, 0], [0.9, 0.7]),
        Detections([[0, 0, 10, 5]], [0], [0.6]),
    ]
    ours = coco_average_precision(truth, found)
    assert ours.precision[0, 0, 0] == pytest.approx((34 + 33 * 2 / 3) / 101)  # 1 up to 1/3, then 2/3 up to 2/3
    np.testing.assert_allclose(ours.precision[0, 0, 1:9], 34 / 101)
    assert ours.precision[0, 0, 9] == 0
    assert ours.per_class.tolist() == [ours.mean]
    assert ours.summary["AR 1"] == pytest.approx((2 / 3 + 8 / 3) / 10)
    assert np.isnan(ours.summary["AP large"])


def test_the_table():
    data = AnnotatedImages(np.zeros((1, 8, 8, 3), np.uint8), [GroundTruth([[0, 0, 8, 8]], [1])], ["cat", "dog"])
    ours = coco_average_precision(data, [Detections([[0, 0, 8, 8]], [1], [0.5])])
    lines = [line.split() for line in str(ours).splitlines()]
    assert lines[1] == ["cat", "0", *["-"] * 7]
    assert lines[2] == ["dog", "1", "1.000", "1.000", "1.000", "1.000", "-", "-", "1.000"]
    assert lines[3][:3] == ["all", "1", "1.000"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], [Detections([], [], [])]), ValueError, "one Detections for each image. Received: 1 detections, 0 of"),
        (([GroundTruth([], [])], [np.zeros((1, 5))]), TypeError, r"detections\[0\] of ndarray"),
        (([[0, 0, 1, 1]], [Detections([], [], [])]), TypeError, r"truth\[0\] of list"),
        (([GroundTruth([[0, 0, 1, 1]], [3])], [Detections([], [], [])], 3), ValueError, "classes, 3. .* a label 3"),
        (([], [], "cat"), ValueError, "classes must be a number or names.*'cat'"),
        (([], [], -1), ValueError, "classes must be a number or names"),
        (([], [], 1, (10, 100)), ValueError, "max_detections must be three"),
        (([], [], 1, (0, 10, 100)), ValueError, "max_detections must be three"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        coco_average_precision(*arguments)


def test_constants_are_those_of_pycocotools():
    peer("pycocotools")
    from pycocotools.cocoeval import Params

    params = Params("bbox")
    np.testing.assert_array_equal(coco.THRESHOLDS, params.iouThrs)
    np.testing.assert_array_equal(coco.RECALLS, params.recThrs)
    assert [list(area) for area in coco.AREAS.values()] == params.areaRng
    assert list(coco.AREAS) == params.areaRngLbl
