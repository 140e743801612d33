"""plot_precision_recall: which points are drawn, and in which order."""

import numpy as np
import pytest

from pycnn.detection import Detections, GroundTruth, precision_recall_curves, voc_average_precision
from pycnn.visualize import plot_precision_recall


def box(x):
    return [x, 0, x + 10, 10]


TRUTH = [GroundTruth([box(0), box(20), box(40), box(60), box(0)], [1, 1, 1, 1, 0])]
FOUND = [Detections([box(0), box(100), box(20), box(0), box(100)], [1, 1, 1, 0, 1], [0.9, 0.8, 0.7, 0.6, 0.5])]


def lines(figure):
    (axis,) = figure.axes
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axis.lines}


def test_staircases_of_each_class():
    figure = plot_precision_recall(voc_average_precision(TRUTH, FOUND, ["dog", "cat", "owl"], year=2010))
    drawn = lines(figure)
    assert list(drawn) == ["1.000  dog", "0.417  cat", "-  owl"]  # the best one first
    assert drawn["1.000  dog"] == ([0, 1, 1], [1, 1, 0])
    recall, precision = drawn["0.417  cat"]
    assert recall == [0, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.5]
    np.testing.assert_allclose(precision, [1, 1, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 0.5, 0.5, 0])
    assert drawn["-  owl"] == ([], [])
    assert figure.get_suptitle() == "Precision and recall: mean AP 0.708"
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(drawn)


def test_area_under_the_staircase_is_the_average_precision():
    rng = np.random.default_rng(0)
    found = [Detections([box(20 * rng.integers(0, 8)) for _ in range(30)], [1] * 30, rng.random(30))]
    result = voc_average_precision(TRUTH, found, year=2010)
    recall, precision = lines(plot_precision_recall(result))[f"{result.per_class[1]:.3f}  1"]
    assert np.trapezoid(precision, recall) == pytest.approx(result.per_class[1])


def test_lists_of_curves():
    curves = precision_recall_curves(TRUTH, FOUND, ["dog", "cat"])
    figure = plot_precision_recall(curves, "Mine")
    assert figure.get_suptitle() == "Mine"
    assert list(lines(figure)) == ["1.000  dog", "0.455  cat"]  # (3 * 1 + 3 * 2 / 3) / 11
    assert list(lines(plot_precision_recall(curves, year=2010))) == ["1.000  dog", "0.417  cat"]


def test_detectors_are_compared_by_their_means():
    result = voc_average_precision(TRUTH, FOUND, ["dog", "cat", "owl"])
    nothing = voc_average_precision(TRUTH, [Detections([], [], [])], 3)
    drawn = lines(plot_precision_recall({"none": nothing, "YOLO": result}))
    assert list(drawn) == [f"{result.mean:.3f}  YOLO", "0.000  none"]
    recall, precision = drawn[f"{result.mean:.3f}  YOLO"]
    at = dict(zip(np.round(recall, 2), precision, strict=True))
    np.testing.assert_allclose([at[r] for r in (0, 0.25, 0.26, 0.5, 0.51, 1)], [1, 1, 5 / 6, 5 / 6, 0.5, 0.5])
    assert set(drawn["0.000  none"][1]) == {0}


def test_of_many_classes_the_best_and_the_worst_are_named():
    truth = [GroundTruth([box(20 * i) for i in range(15)], range(15))]
    found = [Detections([box(20 * i) for i in range(13)], range(13), np.linspace(0.9, 0.5, 13))]
    figure = plot_precision_recall(voc_average_precision(truth, found, 20))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["1.000  0", "1.000  1", "1.000  2", "9 between", "1.000  12", "0.000  13", "0.000  14"]
    assert len(figure.axes[0].lines) == 15
    assert len({line.get_color() for line in figure.axes[0].lines}) == 7


@pytest.mark.parametrize("result", [[], [1, 2], 7, {"a": [3]}])
def test_errors(result):
    with pytest.raises(ValueError, match="result must"):
        plot_precision_recall(result)
