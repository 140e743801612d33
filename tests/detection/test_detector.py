"""What detectors share: files with any backbone in them, images of other sizes, batches."""

import numpy as np
import pytest

import pycnn
from pycnn import layers
from pycnn.applications import ResNet18
from pycnn.detection import RCNN, YOLO, Detector, FasterRCNN, FastRCNN, GroundTruth
from pycnn.detection.detector import batches, scaled, scaled_truth


def maps():
    """A backbone of one's own, with strides of 4."""
    return pycnn.Sequential([pycnn.Input((16, 16, 3)), layers.Conv2D(4, 3, 4, padding="same")])


MAKERS = {
    "YOLO": lambda: YOLO(["a"], (16, 16, 3), backbone=maps(), grid_size=4),
    "RCNN": lambda: RCNN(["a"], (16, 16, 3), backbone=maps(), units=8, context=4),
    "FastRCNN": lambda: FastRCNN(["a"], (16, 16, 3), backbone=maps(), units=(8,), pool_size=2, dropout=0.0),
    "FasterRCNN": lambda: FasterRCNN(
        ["a"],
        (16, 16, 3),
        backbone=maps(),
        units=(8,),
        anchor_base=8,
        anchor_scales=(1,),
        rpn_filters=4,
        pooling="align",
        pool_size=2,
        dropout=0.0,
        proposals=4,
    ),
}
IMAGES = np.random.default_rng(0).integers(0, 255, (2, 16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "options"),
    [("YOLO", {}), ("FastRCNN", {}), ("FasterRCNN", {"method": "joint"}), ("FasterRCNN", {"method": "exact"})],
)
def test_every_backend_learns_the_same(backend, name, options):
    """One epoch of two images: the loss is the CPU's, and so are the boxes that are found."""
    truth = [GroundTruth([[2, 2, 11, 10]], [0]), GroundTruth([[4, 6, 12, 15]], [0])]
    given = {"proposals": [np.array([[2, 2, 10, 10], [8, 8, 16, 16.0]])] * 2} if name == "FastRCNN" else {}
    results = []
    for used in ("cpu", backend.name):
        pycnn.set_backend(used)
        pycnn.utils.set_random_seed(0)
        detector = MAKERS[name]()
        history = detector.fit(IMAGES, truth, epochs=2, batch_size=2, verbose=0, **given, **options)
        found = detector.predict(IMAGES, score_threshold=0.0, max_detections=3, **given)
        results.append((history.history["loss"], found))
    (losses, found), (others, again) = results
    np.testing.assert_allclose(others, losses, rtol=2e-4)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_allclose(np.sort(one.scores), np.sort(other.scores), rtol=5e-3, atol=1e-4)


@pytest.mark.parametrize("name", MAKERS)
def test_files_hold_a_backbone_of_ones_own(name, tmp_path):
    images, detector = IMAGES, MAKERS[name]()
    detector.save(tmp_path / "detector")
    loaded = Detector.load(tmp_path / "detector")
    assert loaded.get_config() == detector.get_config()
    assert loaded.predict(images, score_threshold=0.0) == detector.predict(images, score_threshold=0.0)


@pytest.mark.usefixtures("without_numbers")
def test_networks_of_applications_are_backbones():
    backbone = ResNet18(include_top=False, input_shape=(224, 224, 3))
    assert YOLO(["a"], (224, 224, 3), backbone=backbone).network.output_shape == (None, 7, 7, 11)
    assert FasterRCNN(["a"], (224, 224, 3), backbone=backbone, units=(8,)).stride == 32


def test_files_of_other_things(tmp_path):
    YOLO(["a"], (16, 16, 3), backbone=maps(), grid_size=4).save(tmp_path / "yolo")
    with pytest.raises(ValueError, match="holds a YOLO, not a RCNN"):
        RCNN.load(tmp_path / "yolo")
    maps().save(tmp_path / "model")
    with pytest.raises(ValueError, match="holds no detector"):
        Detector.load(tmp_path / "model")
    with pytest.raises(FileNotFoundError):
        Detector.load(tmp_path / "nothing")


def test_images_keep_their_proportions():
    wide = np.full((2, 8, 3), 100, np.uint8)
    batch, factors = scaled([wide, np.full((4, 4, 3), 7, np.uint8)], (4, 4, 3))
    assert factors.tolist() == [0.5, 1.0]
    assert (batch[0, :1] == 100).all()
    assert (batch[0, 1:] == 0).all()
    assert (batch[1] == 7).all()
    truth = scaled_truth(GroundTruth([[2, 0, 6, 2]], [3], difficult=[True], areas=[8]), 0.5)
    assert truth == GroundTruth([[1, 0, 3, 1]], [3], difficult=[True], areas=[2])


def test_batches_hold_every_image_once():
    images = np.arange(10, dtype=np.uint8).repeat(12).reshape(10, 2, 2, 3)
    truth = [GroundTruth([[0, 0, 2, 2]], [i]) for i in range(10)]

    def encode(images, truth, proposals, generator):
        assert [t.labels[0] for t in truth] == images[:, 0, 0, 0].tolist() == [p[0, 0] for p in proposals]
        return images, generator.random(len(images))

    def moved(images, truth, generator):
        return images, truth

    proposals = [np.full((1, 4), i) for i in range(10)]
    data = batches(images, truth, (2, 2, 3), 4, encode, proposals, moved)
    first, second = ([x[:, 0, 0, 0].tolist() for x, _ in data] for _ in range(2))
    assert [len(batch) for batch in first] == [4, 4, 2]
    for epoch in (first, second):
        assert sorted(i for batch in epoch for i in batch) == list(range(10))
    assert first != second
    still = batches(images, truth, (2, 2, 3), 10, encode, proposals, shuffle=False)
    assert [x[:, 0, 0, 0].tolist() for x, _ in still] == [list(range(10))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], (16, 16, 3)), "class_names must be"),
        (("digits", (16, 16, 3)), "class_names must be"),
        ((["a"], (16, 16)), "input_shape must be"),
        ((["a"], (16, 0, 3)), "input_shape must be"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        YOLO(*arguments, backbone="small")
