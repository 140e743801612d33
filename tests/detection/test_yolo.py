"""YOLO: the paper's numbers, its loss by hand, and the contract of detectors."""

import numpy as np
import pytest
from detector_checks import check_detector

import pycnn
from pycnn import layers, ops
from pycnn.autograd import gradcheck
from pycnn.detection import GroundTruth
from pycnn.detection.yolo import YOLO, YOLOLoss

TWENTY = [f"class {i}" for i in range(20)]


def test_contract(tmp_path):
    detector = YOLO(["red", "green"], (32, 32, 3), backbone="small", grid_size=4)
    check_detector(detector, tmp_path, {"epochs": 30, "batch_size": 16})


@pytest.mark.usefixtures("without_numbers")
@pytest.mark.parametrize(("backbone", "count"), [("paper", 271_703_550), ("tiny", 27_095_374)])
def test_parameters_are_the_papers(backbone, count):
    network = YOLO(TWENTY, backbone=backbone).network
    assert network.output_shape == (None, 7, 7, 30)
    assert sum(np.prod(w.shape) for w in network.trainable_weights) == count


@pytest.mark.usefixtures("without_numbers")
def test_multiply_adds_are_the_papers():
    network = YOLO(TWENTY).network
    convolutions = [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]
    assert len(convolutions) == 24
    products = sum(np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]) for layer in convolutions)
    products += sum(np.prod(layer.kernel.shape) for layer in network.layers if isinstance(layer, layers.Dense))
    assert products / 1e9 == pytest.approx(20.29, abs=0.005)


def test_backbones():
    residual = YOLO(["a"], (224, 224, 3), backbone="residual")
    assert residual.network.output_shape == (None, 7, 7, 11)
    own = pycnn.Sequential([pycnn.Input((16, 16, 3)), layers.Conv2D(4, 3, 2, padding="same")])
    assert YOLO(["a"], (16, 16, 3), backbone=own, grid_size=4, boxes=1).network.output_shape == (None, 4, 4, 6)
    with pytest.raises(ValueError, match=r"3 x 3 or 6 x 6 .*maps of 8 x 8, grid_size=3"):
        YOLO(["a"], (16, 16, 3), backbone=own, grid_size=3)
    with pytest.raises(ValueError, match="backbone='large'"):
        YOLO(["a"], backbone="large")


def test_targets():
    detector = YOLO(["a", "b"], (40, 80, 3), backbone=_any_backbone(), grid_size=4)
    truth = [
        GroundTruth([[10, 10, 30, 20], [12, 12, 28, 18]], [1, 0]),  # centres (20, 15): one cell, and the first counts
        GroundTruth([[50, 10, 70, 20]], [0], difficult=[True]),
    ]
    _, y = detector._encode(None, truth)
    assert y.shape == (2, 4, 4, 7)
    # cells are 20 x 10 pixels: x = 20 / 20 = 1 + 0, y = 15 / 10 = 1 + 0.5; sizes 20 / 80 and 10 / 40
    np.testing.assert_allclose(y[0, 1, 1], [1, 0, 0.5, 0.25, 0.25, 0, 1])
    assert np.count_nonzero(y) == np.count_nonzero(y[0, 1, 1])


def _any_backbone():
    return pycnn.Sequential([pycnn.Input((40, 80, 3)), layers.AveragePooling2D((10, 20))])


def one_cell(boxes, classes):
    """Outputs of a grid of one cell."""
    return np.array([*np.ravel(boxes), *classes], float).reshape(1, 1, 1, -1)


def test_loss_by_hand(backend):
    """One cell that has an object (a box of half the image in its middle), two boxes, two classes."""
    y_true = np.array([1, 0.5, 0.5, 0.25, 0.25, 0, 1]).reshape(1, 1, 1, 7)
    # the first box is the truth, but for its place by 0.1 (IoU (0.15 * 0.25) / (0.125 - 0.0375)); the other is small
    y_pred = one_cell([[0.6, 0.5, 0.5, 0.5, 0.7], [0.5, 0.5, 0.1, 0.1, 0.2]], [0.3, 0.6])
    iou = 0.15 * 0.25 / (2 * 0.0625 - 0.15 * 0.25)
    expected = 5 * 0.1**2 + (0.7 - iou) ** 2 + 0.5 * 0.2**2 + 0.3**2 + 0.4**2
    loss = YOLOLoss(2, 2)(backend.asarray(y_true), backend.asarray(y_pred))
    assert float(loss) == pytest.approx(expected, rel=1e-12)


def test_loss_of_an_empty_cell_is_that_of_confidence(backend):
    y_true = np.zeros((1, 1, 1, 7))
    y_pred = one_cell([[0.6, 0.5, 0.5, 0.5, 0.7], [0.5, 0.5, 0.1, 0.1, 0.2]], [0.3, 0.6])
    loss = YOLOLoss(2, 2)(backend.asarray(y_true), backend.asarray(y_pred))
    assert float(loss) == pytest.approx(0.5 * (0.7**2 + 0.2**2), rel=1e-12)


def test_the_nearest_box_is_responsible_where_none_overlaps(backend):
    y_true = np.array([1, 0.5, 0.5, 0.01, 0.01, 1]).reshape(1, 1, 1, 6)
    y_pred = one_cell([[0.1, 0.5, 0.1, 0.1, 0.5], [0.7, 0.5, 0.1, 0.1, 0.25]], [1])
    loss = YOLOLoss(1, 2)(backend.asarray(y_true), backend.asarray(y_pred))
    assert float(loss) == pytest.approx(5 * 0.2**2 + 0.25**2 + 0.5 * 0.5**2, rel=1e-12)


def test_gradients_of_the_loss(backend):
    generator = np.random.default_rng(3)
    y_true = np.zeros((2, 2, 2, 7))
    y_true[0, 1, 0] = [1, 0.25, 0.75, 0.5, 0.25, 1, 0]
    y_true[1, 0, 0] = [1, 0.5, 0.5, 0.125, 0.25, 0, 1]
    y_pred = generator.uniform(0.2, 0.8, (2, 2, 2, 12))
    y_pred[..., [4, 9]] += 5  # far from overlaps, which count as given where gradients are made
    loss = YOLOLoss(2, 2)
    still = y_pred.copy()

    def confidence_and_classes(x):  # what does not change the overlaps
        parts = [
            x[..., i : i + 1] if i in (4, 9, 10, 11) else backend.asarray(still[..., i : i + 1]) for i in range(12)
        ]
        return loss(backend.asarray(y_true), ops.concatenate(parts, axis=-1))

    gradcheck(confidence_and_classes, [y_pred])


def test_decoding():
    detector = YOLO(["a", "b"], (16, 16, 3), backbone=_quarter(), grid_size=4, boxes=1)
    outputs = np.zeros((1, 4, 4, 7), np.float32)
    outputs[0, 1, 2] = [0.5, 0.25, np.sqrt(0.5), 0.5, 0.9, 0.5, 1.0]  # centre (10, 5), 8 x 4 pixels
    detector.network.predict_on_batch = lambda images: outputs
    ((boxes, scores),) = detector._candidates(np.zeros((1, 16, 16, 3)))
    np.testing.assert_allclose(boxes[1 * 4 + 2], [6, 3, 14, 7], rtol=1e-6)
    np.testing.assert_allclose(scores[6], [0.45, 0.9], rtol=1e-6)
    (found,) = detector.predict(np.zeros((1, 16, 16, 3)), score_threshold=0.5)
    assert found.labels.tolist() == [1]
    np.testing.assert_allclose(found.boxes, [[6, 3, 14, 7]], rtol=1e-6)


def _quarter():
    return pycnn.Sequential([pycnn.Input((16, 16, 3)), layers.AveragePooling2D(4)])
