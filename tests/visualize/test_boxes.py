"""Pictures of boxes: which boxes are drawn, where, in which colours, and what is written."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pycnn.detection import Detections, GroundTruth
from pycnn.visualize import canvas, plot_anchors, plot_comparison, plot_detections, plot_nms, plot_proposals, plot_rois
from pycnn.visualize.labelled import ALARM

IMAGE = np.zeros((40, 60, 3), np.uint8)


def drawn(axis):
    """(x1, y1, x2, y2), colour and style of each box, in its order; without what lies beneath its line."""
    found = []
    for patch in axis.patches:
        colour = to_hex(patch.get_edgecolor())
        if patch.get_linewidth() and colour != "#ffffff":
            x, y = patch.get_xy()
            box = [x + 0.5, y + 0.5, x + 0.5 + patch.get_width(), y + 0.5 + patch.get_height()]
            found.append((np.round(box, 4).tolist(), colour, patch.get_linestyle()))
    return found


def written(axis):
    """What is written, and on which colour; each label lies on a rectangle of its own."""
    grounds = [to_hex(p.get_facecolor()) for p in axis.patches if not p.get_linewidth()]
    return list(zip([text.get_text() for text in axis.texts], grounds, strict=True))


def test_detections_in_colours_of_classes_the_most_certain_on_top():
    found = Detections([[4, 4, 20, 24], [30, 10, 50, 30], [1, 1, 9, 9]], [1, 12, 0], [0.75, 0.9, 0.2])
    figure = plot_detections(IMAGE, found, class_names=[f"class {i}" for i in range(13)], score_threshold=0.5)
    (axis,) = figure.axes
    one, twelve = canvas.class_colour(1), canvas.class_colour(12)
    assert twelve == canvas.class_colour(2) != one
    assert drawn(axis) == [([4, 4, 20, 24], one, "-"), ([30, 10, 50, 30], twelve, "-")]
    assert written(axis) == [("class 12 0.90", twelve), ("class 1 0.75", one)]


def test_several_images_and_truth():
    truth = [GroundTruth([[1, 2, 9, 9]], [3]), GroundTruth([], []), GroundTruth([[0, 0, 5, 5]], [0])]
    figure = plot_detections(np.stack([IMAGE] * 3), truth, max_images=2)
    assert figure.get_suptitle() == "2 boxes in 3 images, 2 shown"
    assert [len(drawn(axis)) for axis in figure.axes] == [1, 0]
    assert written(figure.axes[0]) == [("3", canvas.class_colour(3))]


def test_comparison_marks_hits_misses_and_false_alarms():
    truth = GroundTruth(
        [[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [40, 20, 50, 30]],
        [0, 1, 1, 0],
        difficult=[False, False, True, True],
    )
    found = Detections(
        [[0, 0, 10, 9], [0, 0, 10, 10], [20, 0, 30, 4], [40, 0, 50, 9], [5, 30, 9, 39]],
        [0, 0, 1, 1, 0],
        [0.9, 0.8, 0.7, 0.6, 0.4],
    )
    figure = plot_comparison(IMAGE, truth, found)
    assert figure.get_suptitle() == "1 hit, 1 miss, 2 false alarms"
    green, red, grey = canvas.GREEN, canvas.RED, canvas.GREY
    assert drawn(figure.axes[0]) == [
        ([0, 0, 10, 10], green, ":"),
        ([20, 0, 30, 10], red, "--"),
        ([40, 0, 50, 10], grey, ":"),
        ([40, 20, 50, 30], grey, ":"),
        ([0, 0, 10, 9], green, "-"),
        ([0, 0, 10, 10], ALARM, "-"),  # a second one of the same object
        ([20, 0, 30, 4], ALARM, "-"),  # .4 of it
        ([40, 0, 50, 9], grey, "-"),  # on what need not be found
    ]
    assert set(written(figure.axes[0])) == {
        ("1", red), ("0 0.90", green), ("0 0.80", ALARM), ("1 0.70", ALARM), ("1 0.60", grey)
    }  # fmt: skip
    assert plot_comparison(IMAGE, truth, found, iou_threshold=0.4).get_suptitle() == "2 hits, 0 misses, 1 false alarm"
    assert plot_comparison(IMAGE, truth, found, score_threshold=0).get_suptitle().endswith("3 false alarms")


def test_comparison_of_images_without_objects():
    nothing = GroundTruth([], []), Detections([], [], [])
    one = GroundTruth([[0, 0, 9, 9]], [5]), Detections([[0, 0, 9, 9]], [5], [0.9])
    truth, found = zip(nothing, one, nothing, strict=True)
    figure = plot_comparison([IMAGE] * 3, truth, found)
    assert figure.get_suptitle() == "1 hit, 0 misses, 0 false alarms"
    assert [len(drawn(axis)) for axis in figure.axes] == [0, 2, 0]
    assert plot_comparison(IMAGE, *nothing).get_suptitle() == "0 hits, 0 misses, 0 false alarms"


def test_nms_step_by_step():
    boxes = [[0, 0, 10, 10], [0, 0, 10, 8], [30, 0, 40, 10], [0, 0, 10, 6]]
    figure = plot_nms(IMAGE, boxes, [0.8, 0.9, 0.7, 0.6], iou_threshold=0.7)
    assert figure.get_suptitle() == "2 of 4 boxes kept, dropped above IoU 0.7"
    assert [axis.get_title() for axis in figure.axes] == ["4 boxes", "1: keep 0.90, drop 2", "2: keep 0.70, drop 0"]
    green, red, grey, blue = canvas.GREEN, canvas.RED, canvas.GREY, canvas.class_colour(0)
    assert [box for box, *_ in drawn(figure.axes[0])] == boxes
    assert drawn(figure.axes[1]) == [
        (boxes[2], grey, "-"), (boxes[0], red, "--"), (boxes[3], red, "--"), (boxes[1], green, "-")
    ]  # fmt: skip
    assert written(figure.axes[1]) == [("0.90", green), ("IoU 0.80", red), ("IoU 0.75", red)]
    assert drawn(figure.axes[2]) == [(boxes[1], blue, "-"), (boxes[2], green, "-")]
    short = plot_nms(IMAGE, boxes, [0.8, 0.9, 0.7, 0.6], iou_threshold=0.7, max_steps=1)
    assert short.get_suptitle().endswith("; 1 of 2 steps shown")
    assert len(short.axes) == 2


def test_anchors():
    anchors = [[-10, 10, 20, 30], [0, 0, 20, 30], [30, 5, 50, 35]]
    figure = plot_anchors(anchors, IMAGE)
    assert figure.get_suptitle() == "3 anchors"
    (axis,) = figure.axes
    assert [box for box, *_ in drawn(axis)] == [[0, 0, 60, 40], *anchors]
    assert drawn(axis)[1][1] != drawn(axis)[2][1] == drawn(axis)[3][1]  # a colour for each shape
    assert [words for words, _ in written(axis)] == ["30 x 20", "20 x 30"]
    assert axis.get_xlim()[0] < -10.5
    alone = plot_anchors(anchors).axes[0]
    assert [box for box, *_ in drawn(alone)] == [[0, 0, 60, 35], [0, 10, 30, 30], [10, 0, 30, 30], [40, 5, 60, 35]]
    many = plot_anchors(np.tile([[0, 0, 4, 4]], (99, 1)), image_size=(8, 8), max_anchors=10)
    assert many.get_suptitle() == "99 anchors, 10 shown"
    assert len(drawn(many.axes[0])) == 11


def test_proposals_and_the_best_of_each_object():
    truth = GroundTruth([[0, 0, 10, 10], [20, 20, 30, 30], [50, 30, 60, 40]], [4, 5, 6])
    proposals = [[0, 0, 60, 40], [0, 0, 10, 5], [20, 20, 30, 28], [0, 0, 10, 6]]
    first, best = plot_proposals(IMAGE, proposals, truth, max_proposals=2).axes
    assert first.get_title() == "the first 2"
    assert [box for box, *_ in drawn(first)] == [proposals[1], proposals[0]]  # the first one on top
    assert [(box, colour) for box, colour, style in drawn(best) if style == "-"] == [
        (proposals[3], canvas.GREEN), (proposals[2], canvas.GREEN), (proposals[0], canvas.RED)
    ]  # fmt: skip
    assert [words for words, _ in written(best)] == ["4: IoU 0.60", "5: IoU 0.80", "6: IoU 0.04"]
    assert plot_proposals(IMAGE, proposals, truth).get_suptitle() == "4 proposals, recall 0.67 at IoU 0.5"
    assert plot_proposals(IMAGE, [], truth).get_suptitle() == "0 proposals, recall 0.00 at IoU 0.5"
    with pytest.raises(TypeError, match="truth must be a GroundTruth. Received: list"):
        plot_proposals(IMAGE, proposals, [[0, 0, 1, 1]])


def test_rois_lie_on_the_feature_map_at_its_scale():
    features = np.zeros((10, 15, 2))
    features[2, 3] = -2, 4
    figure = plot_rois(IMAGE, features, [[0, 4, 8, 20, 28], [0, 0, 0, 8, 8]], output_size=(1, 2), max_rois=1)
    image, cells = figure.axes
    assert image.get_title() == "image, 40 x 60"
    assert cells.get_title() == "feature map, 10 x 15"
    assert cells.images[0].get_array()[2, 3] == 3
    assert [box for box, *_ in drawn(image)] == [[4, 8, 20, 28]]
    assert [box for box, *_ in drawn(cells)] == [[1, 2, 5, 7], [1, 2, 3, 7], [3, 2, 5, 7]]
    half = plot_rois(IMAGE, features, [[4, 8, 20, 28]], spatial_scale=0.5).axes[1]
    assert drawn(half)[0][0] == [2, 4, 10, 14]
    with pytest.raises(ValueError, match="feature_map must be"):
        plot_rois(IMAGE, np.zeros(3), [])


def test_labels_stay_in_the_image_and_clear_of_each_other():
    crowd = Detections([[15, 15, 40, 40]] * 60, [0] * 60, np.linspace(0.1, 0.9, 60))
    (axis,) = plot_detections(np.zeros((56, 56)), crowd).axes
    assert len(drawn(axis)) == 60
    texts = [words for words, _ in written(axis)]
    assert texts[0].endswith("0.90")  # the most certain one has the first choice
    assert 3 < len(texts) < 20


def test_errors():
    found = Detections([], [], [])
    with pytest.raises(ValueError, match="images and detections must be equally many, one or more. Received: 2 images"):
        plot_detections([IMAGE, IMAGE], found)
    with pytest.raises(ValueError, match="images and truth must be equally many"):
        plot_comparison([IMAGE], [], [found])
    with pytest.raises(ValueError, match="Received: 0 images, 0 detections"):
        plot_detections([], [])
    with pytest.raises(ValueError, match=r"images must be grey .* Received: images.shape=\(4, 4, 2\)"):
        plot_detections([np.zeros((4, 4, 2))], [found])
