"""Fast R-CNN: the paper's numbers, its loss by hand, truncated matrices, and the contract of detectors."""

import numpy as np
import pytest
from detector_checks import check_detector, grids, squares

import pycnn
from pycnn.autograd import gradcheck
from pycnn.detection import FastRCNN, GroundTruth
from pycnn.detection.region_head import RegionBoxLoss, region_batch, sample_regions, with_image_numbers

TWENTY = [f"class {i}" for i in range(20)]


def small(**options):
    return FastRCNN(["red", "green"], (32, 32, 3), backbone="small", pool_size=4, units=(32,), dropout=0.0, **options)


def test_contract(tmp_path):
    check_detector(small(), tmp_path, {"epochs": 12, "batch_size": 4}, proposals=grids)


@pytest.mark.usefixtures("without_numbers")
def test_parameters_are_the_papers():
    assert FastRCNN(TWENTY).count_params() == 134_690_729


def test_truncated_matrices(tmp_path):
    """With all singular values the answers are the same; with fewer the matrices are smaller, and of that rank."""
    data = squares(8)
    detector = small()
    detector.fit(data.images, data.truth, grids(data.images), epochs=1, verbose=0)
    whole = detector.head.get_layer("fc6").kernel.numpy()
    before = detector.head.predict_on_batch(np.ones((3, 4, 4, 64)))
    detector.truncate_svd((32,))
    for a, b in zip(before, detector.head.predict_on_batch(np.ones((3, 4, 4, 64))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="truncated before"):
        detector.truncate_svd((4,))

    detector = small()
    detector.head.get_layer("fc6").set_weights([whole, np.zeros(32)])
    detector.truncate_svd((4,))
    parts = [detector.head.get_layer(name).kernel.numpy() for name in ("fc6_values", "fc6")]
    assert [part.shape for part in parts] == [(1024, 4), (4, 32)]
    u, s, v = np.linalg.svd(whole.astype(float), full_matrices=False)
    np.testing.assert_allclose(parts[0] @ parts[1], (u[:, :4] * s[:4]) @ v[:4], atol=1e-5)
    detector.save(tmp_path / "truncated.pycnn")
    loaded = FastRCNN.load(tmp_path / "truncated.pycnn")
    assert loaded.ranks == (4,)
    np.testing.assert_array_equal(loaded.head.get_layer("fc6").kernel.numpy(), parts[1])
    with pytest.raises(ValueError, match="ranks must be"):
        small().truncate_svd((33,))


def test_regions_to_learn_from():
    truth = GroundTruth([[0, 0, 10, 10], [20, 20, 30, 30]], [3, 1])
    proposals = np.array([[0, 0, 10, 8], [0, 0, 10, 2], [0, 0, 1, 1], [40, 40, 50, 50]])  # IoU .8, .2, .01, 0
    boxes, labels, objects, sources = sample_regions(proposals, truth, 5, 16, np.random.default_rng(0))
    order = np.argsort(sources, kind="stable")
    assert sources[order].tolist() == [-1, -1, 0, 1]
    assert labels[order].tolist()[2:] == [3, 5]
    assert sorted(labels[sources < 0]) == [1, 3]
    row = int(np.flatnonzero(sources == 0)[0])
    assert objects[row].tolist() == [0, 0, 10, 10]
    np.testing.assert_array_equal(objects[sources == 1], boxes[sources == 1])
    # no more than a quarter are objects
    _, labels, _, _ = sample_regions(np.tile(proposals, (10, 1)), truth, 5, 8, np.random.default_rng(0))
    assert (len(labels), (labels < 5).sum()) == (8, 2)
    # objects that are difficult, or crowds, are not learnt; an image without objects is all background
    hard = GroundTruth(truth.boxes, truth.labels, difficult=[True, False], crowd=[False, True])
    _, labels, _, _ = sample_regions(proposals, hard, 5, 16, np.random.default_rng(0))
    assert labels.tolist() == [5] * 4


def test_a_batch_of_regions():
    """Where an image has less, there is a label of -1, and what is to be learnt of its box is nothing."""
    truth = [GroundTruth([[0, 0, 10, 10]], [3]), GroundTruth([], [])]
    proposals = [np.array([[0, 0, 10, 8.0]]), np.array([[20, 20, 30, 30.0]])]
    regions, labels, targets = region_batch(proposals, truth, 5, 8, np.random.default_rng(0), fraction=1.0)
    assert regions[..., 0].tolist() == [[0] * 8, [1] * 8]
    assert sorted(labels[0]) == [-1] * 6 + [3, 3]
    assert sorted(labels[1]) == [-1] * 7 + [5]
    np.testing.assert_array_equal(targets[..., 0], labels)
    row = regions[0, :, 4].tolist().index(8)
    np.testing.assert_allclose(targets[0, row, 1:], [0, 10 * 1 / 8, 0, 5 * np.log(10 / 8)], rtol=1e-6)
    targets[0, row, 1:] = 0
    assert not targets[..., 1:].any()


def test_box_loss_by_hand(backend):
    """Of the first region class 1 counts; the second is background."""
    y_true = backend.asarray(np.array([[1, 0.5, 2.0, 0, 0], [2, 0, 0, 0, 0.0]]))
    y_pred = np.zeros((2, 12))
    y_pred[0, 4:8] = [0, 0, 0, 3]
    y_pred[:, :4], y_pred[:, 8:] = 7, 9
    expected = (0.5 * 0.5**2 + (2 - 0.5) + (3 - 0.5)) / 2
    assert float(RegionBoxLoss()(y_true, backend.asarray(y_pred))) == pytest.approx(expected, rel=1e-12)
    gradcheck(lambda x: RegionBoxLoss()(y_true, x), [y_pred])


def test_image_numbers():
    regions = with_image_numbers([np.ones((2, 4)), np.zeros((0, 4)), np.full((1, 4), 3)])
    assert regions[:, 0].tolist() == [0, 0, 2]
    assert with_image_numbers([]).shape == (0, 5)


def test_bad_proposals():
    data = squares(4)
    with pytest.raises(ValueError, match="3 for 4 images"):
        small().fit(data.images, data.truth, grids(data.images)[:3])
    with pytest.raises(ValueError, match=r"proposals\[0\] need x1 <= x2"):
        small().predict(data.images[:1], [[[4, 0, 2, 2]]])


def test_selective_search_is_the_default():
    data = squares(2)
    detector = small()
    pycnn.utils.set_random_seed(0)
    assert len(detector.predict(data.images)) == 2
