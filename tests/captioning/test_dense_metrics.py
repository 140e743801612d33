"""Average precision of boxes with sentences: by hand, and against the rule of DenseCap's authors, step by step."""

import numpy as np
import pytest

from pycnn.captioning import DescribedImages, DescribedRegions
from pycnn.captioning.metrics import dense_captioning_average_precision as dense_precision
from pycnn.captioning.metrics import exact_caption_average_precision as exact_precision
from pycnn.captioning.metrics import meteor

A, B, C = [0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]
TRUTH = [DescribedRegions([A, B], ["a red hat", "a small dog"])]
HALF = 51 / 101
"""Average precision with one of two regions, and nothing wrong before it: the recalls 0, 0.01, ... 0.5."""


def found(boxes, captions, scores):
    return [DescribedRegions(boxes, captions, scores)]


def test_all_right():
    result = dense_precision(TRUTH, found([A, B], ["a red hat", "a small dog"], [0.5, 0.9]))
    assert result.positives == 2
    assert (result.precision.shape, result.boxes.shape) == ((5, 6), (5,))
    np.testing.assert_allclose(result.precision, 1)
    assert result.mean == pytest.approx(1)
    assert exact_precision(TRUTH, found([A, B], ["A red hat.", "a small dog"], [0.5, 0.9])) == pytest.approx(1)


def test_thresholds_of_overlap_and_of_sentences():
    # overlap 0.5 (reached at 0.5), and one word of four: P = R = 1/4, in one chunk, 0.125
    (score,) = meteor(["a small red dog"], ["two large blue dogs"])
    assert score == 0.125
    truth = [DescribedRegions([A], ["a small red dog"])]
    result = dense_precision(truth, found([[0, 0, 10, 5]], ["two large blue dogs"], [0.3]))
    np.testing.assert_allclose(result.precision, np.outer([1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0]))
    np.testing.assert_allclose(result.boxes, [1, 1, 1, 0, 0])
    assert result.mean == pytest.approx(9 / 30)
    nothing = dense_precision(truth, found([A], ["cats"], [0.3]))  # METEOR 0 is not above 0
    assert (nothing.mean, nothing.boxes.tolist()) == (0, pytest.approx([1] * 5))


def test_the_more_certain_one_takes_the_region_even_if_it_is_wrong():
    two = found([[0, 0, 10, 1], A], ["a cat", "a red hat"], [0.9, 0.8])
    assert dense_precision(TRUTH, two).mean == 0
    assert exact_precision(TRUTH, two) == pytest.approx(HALF / 2)  # the first one has another sentence
    other_way = found([[0, 0, 10, 1], A], ["a cat", "a red hat"], [0.7, 0.8])
    assert dense_precision(TRUTH, other_way).mean == pytest.approx(HALF)
    beside = found([C, A], ["a red hat", "a red hat"], [0.9, 0.8])  # what overlaps nothing takes nothing
    assert dense_precision(TRUTH, beside).mean == pytest.approx(HALF / 2)


def test_second_hits_are_wrong():
    twice = found([A, A, B], ["a red hat", "a red hat", "a small dog"], [0.9, 0.8, 0.7])
    expected = (51 + 50 * 2 / 3) / 101  # precision 1 up to recall 0.5, then 2/3
    assert dense_precision(TRUTH, twice).mean == pytest.approx(expected)
    assert exact_precision(TRUTH, twice) == pytest.approx(expected)


def test_true_boxes_that_overlap_are_one_region_with_several_references():
    truth = [DescribedRegions([[0, 0, 10, 10], [0, 0, 10, 8], B], ["a red hat", "the cap", "a dog"])]
    result = dense_precision(truth, found([[0, 0, 10, 9], B], ["the cap", "a dog"], [0.9, 0.8]))
    assert result.positives == 2
    assert result.mean == pytest.approx(1)
    # their mean is 9 high: an overlap of 6.3 / 9 with what is 6.3 high, which is 0.63 of the first one
    mean = dense_precision(truth, found([[0, 0, 10, 6.4], B], ["the cap", "a dog"], [0.9, 0.8]))
    assert mean.mean == pytest.approx(1)
    # the middle one of three joins with both, whose overlap is below 0.7: one region and not two
    chain = [DescribedRegions([[0, 0, 10, 10], [0, 0, 8, 10], [0, 0, 6, 10]], ["one", "two", "three"])]
    assert dense_precision(chain, found([[0, 0, 8, 10]], ["three"], [1.0])).positives == 1


def test_words_must_agree_in_all():
    wrong = found([A, B], ["a red cap", "a small dog"], [0.9, 0.8])
    assert exact_precision(TRUTH, wrong) == pytest.approx(HALF / 2)
    order = found([A, B], ["red a hat", "a small dog"], [0.8, 0.9])
    assert exact_precision(TRUTH, order) == pytest.approx(HALF)
    near = found([[0, 0, 10, 6], B], ["a red hat", "a small dog"], [0.9, 0.8])
    assert exact_precision(TRUTH, near, 0.6) == pytest.approx(1)
    assert exact_precision(TRUTH, near, 0.61) == pytest.approx(HALF / 2)


def test_scores_are_compared_over_all_images():
    truth = [DescribedRegions([A], ["a hat"]), DescribedRegions([A], ["a hat"]), DescribedRegions([], [])]
    predictions = [*found([A], ["a hat"], [0.5]), *found([A], ["cats"], [0.9]), *found([], [], [])]
    for value in (dense_precision(truth, predictions).mean, exact_precision(truth, predictions)):
        assert value == pytest.approx(HALF / 2)
    data = DescribedImages(np.zeros((3, 8, 8, 3), np.uint8), truth)
    assert exact_precision(data, predictions) == pytest.approx(HALF / 2)
    assert dense_precision(data, predictions).mean == pytest.approx(HALF / 2)


def test_without_regions_or_predictions():
    nothing = DescribedRegions([], [], [])
    assert dense_precision(TRUTH, [nothing]).mean == 0
    assert exact_precision(TRUTH, [nothing]) == 0
    for predictions in ([nothing], found([A], ["a hat"], [0.5])):
        result = dense_precision([DescribedRegions([], [])], predictions)
        assert (result.positives, np.isnan(result.mean)) == (0, True)
        assert np.isnan(exact_precision([DescribedRegions([], [])], predictions))
        assert str(result).endswith("-")
    assert np.isnan(dense_precision([], []).mean)


def scenes(seed, images=12):
    """Regions that overlap each other, and predictions near some of them, with words that agree in part."""
    random = np.random.default_rng(seed)
    words = np.array(["a", "the", "red", "blue", "small", "large", "cat", "dog", "hat"])
    truth, predictions = [], []
    for _ in range(images):
        corner = random.integers(0, 20, (random.integers(0, 7), 2))
        boxes = np.hstack([corner, corner + random.integers(5, 14, corner.shape)])
        boxes = np.vstack([boxes, boxes[:2] + random.integers(0, 2, 4)])
        captions = [" ".join(random.choice(words, 3, replace=False)) for _ in boxes]
        truth.append(DescribedRegions(boxes, captions))
        near = random.integers(0, max(len(boxes), 1), 2 * len(boxes) if len(boxes) else 0)
        guesses = np.maximum(boxes[near] + random.integers(-2, 3, (len(near), 4)), 0)
        guesses[:, 2:] = np.maximum(guesses[:, 2:], guesses[:, :2] + 1)
        said = [captions[i] if random.random() < 0.4 else " ".join(random.choice(words, 3)) for i in near]
        predictions.append(DescribedRegions(guesses, said, random.integers(0, 40, len(near)) / 40))
    return truth, predictions


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def groups_of(boxes):
    left, groups = set(range(len(boxes))), []
    while left:
        friends = {i: [j for j in sorted(left) if iou(boxes[i], boxes[j]) >= 0.7] for i in sorted(left)}
        group = max(friends.values(), key=len)
        groups.append(group)
        left -= set(group)
    return groups


def one_by_one(truth, predictions, least_iou, least_meteor):
    """The rule of DenseCap's eval_utils.lua, in loops."""
    records, positives = [], 0
    for regions, guesses in zip(truth, predictions, strict=True):
        boxes = regions.boxes.astype(float).tolist()
        groups = groups_of(boxes)
        merged = [np.float32(np.mean([boxes[i] for i in group], axis=0)).tolist() for group in groups]
        positives += len(groups)
        used = set()
        for d in np.argsort(-guesses.scores, kind="stable"):
            overlaps = [iou(guesses.boxes[d].astype(float).tolist(), box) for box in merged]
            best = max(range(len(merged)), key=overlaps.__getitem__, default=None)
            right = best is not None and overlaps[best] > 0 and best not in used
            if right:
                used.add(best)
                references = [regions.captions[i] for i in groups[best]]
                right = overlaps[best] >= least_iou and meteor([references], [guesses.captions[d]])[0] > least_meteor
            records.append((-guesses.scores[d], len(records), right))
    hits = np.array([right for *_, right in sorted(records)])
    recall, precision = hits.cumsum() / positives, hits.cumsum() / np.arange(1, len(hits) + 1)
    return np.mean([precision[recall >= i / 100].max(initial=0.0) for i in range(101)])


@pytest.mark.parametrize("seed", range(3))
def test_the_rule_of_the_authors_step_by_step(seed):
    truth, predictions = scenes(seed)
    predictions = [p[np.argsort(-p.scores, kind="stable")] for p in predictions]  # of equal ones the earlier one
    result = dense_precision(truth, predictions)
    assert 0.1 < result.mean < 0.9
    for i, j in [(0, 0), (1, 3), (2, 5), (4, 1)]:
        expected = one_by_one(truth, predictions, (0.3, 0.4, 0.5, 0.6, 0.7)[i], (0, 0.05, 0.1, 0.15, 0.2, 0.25)[j])
        assert result.precision[i, j] == pytest.approx(expected, abs=1e-9)
    assert result.boxes[2] == pytest.approx(one_by_one(truth, predictions, 0.5, -1), abs=1e-9)


def test_errors():
    right = found([A], ["a"], [0.5])
    for metric in (dense_precision, exact_precision):
        with pytest.raises(ValueError, match="for each image. Received: 2 predictions, 1 of truth"):
            metric(TRUTH, right * 2)
        with pytest.raises(ValueError, match=r"predictions must have scores. Received: predictions\[0\].scores=None"):
            metric(TRUTH, TRUTH)
        with pytest.raises(TypeError, match=r"predictions\[0\] of list"):
            metric(TRUTH, [[]])
        with pytest.raises(TypeError, match=r"truth\[0\] of list"):
            metric([[]], right)
    with pytest.raises(ValueError, match=r"iou_threshold must lie in \(0, 1\]. Received: iou_threshold=0"):
        exact_precision(TRUTH, right, 0)
