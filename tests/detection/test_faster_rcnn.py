"""Faster R-CNN: the paper's numbers, its losses by hand, the three ways to train it, and the contract of detectors."""

import numpy as np
import pytest
from detector_checks import check_detector, squares

import pycnn
from pycnn.detection import FasterRCNN, GroundTruth
from pycnn.detection.faster_rcnn import Joint
from pycnn.detection.rpn import AnchorBoxLoss, AnchorLoss, Proposer, rpn_targets

TWENTY = [f"class {i}" for i in range(20)]


def small(**options):
    return FasterRCNN(
        ["red", "green"],
        (32, 32, 3),
        backbone="small",
        anchor_base=11,
        anchor_ratios=(1,),
        anchor_scales=(0.8, 1.2),
        rpn_filters=32,
        pool_size=4,
        units=(32,),
        dropout=0.0,
        proposals=30,
        **{"pooling": "align", **options},
    )


@pytest.mark.parametrize(
    ("method", "pooling", "epochs"),
    [("joint", "pool", 12), ("joint", "align", 12), ("exact", "align", 12), ("alternating", "align", 8)],
)
def test_contract(tmp_path, method, pooling, epochs):
    options = {"method": method, "epochs": epochs, "batch_size": 4, "anchors": 32, "regions": 32}
    check_detector(small(pooling=pooling), tmp_path, options)


@pytest.mark.usefixtures("without_numbers")
def test_parameters_are_the_papers():
    detector = FasterRCNN(TWENTY)
    assert detector.count_params() == 137_078_239
    assert detector.rpn.count_params() == 2_387_510
    assert detector.backbone_model.output_shape == (None, 38, 63, 512)
    assert len(detector.anchors) == 21_546


def test_what_anchors_learn():
    anchors = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [-1, 0, 9, 10], [20, 20, 30, 30], [0, 5, 10, 15.0]])
    truth = GroundTruth([[0, 0, 10, 10]], [0])
    targets, empty = rpn_targets([truth, GroundTruth([], [])], anchors, (32, 32), 8, np.random.default_rng(0))
    assert targets[:, 0].tolist() == [1, 1, -1, 0, -1]  # the third crosses the edge, the last is neither (IoU 1/3)
    np.testing.assert_allclose(targets[1, 1:], [0, 0.5 / 9, 0, np.log(10 / 9)], rtol=1e-5)
    assert not targets[3, 1:].any()
    assert empty[:, 0].tolist() == [0, 0, -1, 0, 0]
    assert not empty[:, 1:].any()
    (few,) = rpn_targets([GroundTruth([], [])], anchors, (32, 32), 2, np.random.default_rng(0))
    assert sorted(few[:, 0]) == [-1, -1, -1, 0, 0]


def test_anchor_losses_by_hand(backend):
    y_true = np.zeros((1, 4, 5))
    y_true[0, :, 0] = [1, 0, -1, -1]
    y_true[0, 0, 1:] = [0.05, 1.0, 0, 0]
    logits = np.array([[[0.0, 1.0], [0.0, 2.0], [9.0, 9.0], [5.0, 1.0]]])
    changes = np.full((1, 4, 4), 3.0)
    changes[0, 0] = 0
    y_true, logits, changes = map(backend.asarray, (y_true, logits, changes))
    expected = (np.log1p(np.exp(-1)) + np.log1p(np.exp(2))) / 2
    assert float(AnchorLoss()(y_true, logits)) == pytest.approx(expected, rel=1e-12)
    expected = (0.5 * 9 * 0.05**2 + (1 - 0.5 / 9)) / 2  # sigma 3: quadratic up to 1/9
    assert float(AnchorBoxLoss()(y_true, changes)) == pytest.approx(expected, rel=1e-12)


def test_proposals(backend):
    anchors = np.array([[0, 0, 8, 8], [0, 0, 8, 7], [16, 16, 24, 24], [28, 28, 40, 40.0]], np.float32)
    proposer = Proposer(anchors, (32, 32), before=4, after=3, iou_threshold=0.7, smallest=4.5)
    logits = np.array([[[0, 2.0], [0, 3.0], [0, 1.0], [0, 9.0]]], np.float32)
    boxes = proposer.boxes(pycnn.Tensor.wrap(backend.asarray(np.zeros((1, 4, 4), np.float32))))
    np.testing.assert_allclose(boxes.numpy()[3], [28, 28, 32, 32])
    (chosen,) = proposer.choose(pycnn.Tensor.wrap(backend.asarray(logits)), boxes)
    assert chosen.tolist() == [1, 2]  # 0 overlaps 1 by 7/8, and what is left of 3 is too small


def test_exact_training_reaches_the_proposals_coordinates():
    """The head's loss moves what the proposing network says of boxes; in joint training it does not."""
    data = squares(2)
    moved = {}
    for share in (0.0, 0.1, 1.0):
        pycnn.utils.set_random_seed(0)
        detector = small()
        network = Joint(detector, 16, share)
        targets = rpn_targets(data.truth, detector.anchors, (32, 32), 16, np.random.default_rng(0))
        boxes = np.stack([t.boxes for t in data.truth])
        labels = np.stack([t.labels for t in data.truth])
        images, *truth = [pycnn.Tensor(a) for a in (data.images, targets, boxes, labels)]
        losses = network.losses_of(images, truth, training=False)
        (losses["classes"] + losses["boxes"]).backward()
        grad = detector.rpn.get_layer("rpn_boxes").kernel.grad
        moved[share] = 0.0 if grad is None else float(np.abs(grad.numpy()).max())
        values = [loss.item() for loss in losses.values()]
        assert moved.setdefault("values", values) == pytest.approx(values, rel=1e-5)  # whatever gradients there are
    assert moved[0.0] == 0
    assert moved[1.0] > 0
    assert moved[0.1] == pytest.approx(0.1 * moved[1.0], rel=1e-4)


def test_each_step_of_alternating_training_logs_its_losses():
    data = squares(4)
    histories = small().fit(data.images, data.truth, method="alternating", epochs=1, batch_size=4, verbose=0)
    proposing, looking = {"loss", "anchors_loss", "anchor_boxes_loss"}, {"loss", "classes_loss", "boxes_loss"}
    assert [set(history.history) for history in histories] == [proposing, looking, proposing, looking]


def test_bad_methods():
    data = squares(2)
    with pytest.raises(ValueError, match="method='fast'"):
        small().fit(data.images, data.truth, method="fast")
    with pytest.raises(ValueError, match="pooling='align'"):
        small(pooling="pool").fit(data.images, data.truth, method="exact")
    with pytest.raises(ValueError, match="box_gradients must be in 0..1. Received: box_gradients=2"):
        small().fit(data.images, data.truth, method="exact", box_gradients=2)
    with pytest.raises(ValueError, match="takes no optimizer"):
        small().fit(data.images, data.truth, method="alternating", optimizer="adam")
    with pytest.raises(ValueError, match="pooling='warp'"):
        small(pooling="warp")
