"""What every detector must do, whatever is in it: one check that all of them pass."""

import numpy as np
import pytest

from pycnn.detection import AnnotatedImages, Detections, GroundTruth, MeanAveragePrecision, grid_proposals
from pycnn.detection.detector import Detector

SIZE = 32


def squares(count, seed=0):
    """Images of 32 x 32 pixels with one bright square each, red (class 0) or green (class 1), on a dark ground."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 40, (count, SIZE, SIZE, 3), dtype=np.uint8)
    truth = []
    for image in images:
        side, label = generator.integers(8, 14), int(generator.integers(2))
        left, top = generator.integers(0, SIZE - side, 2)
        image[top : top + side, left : left + side, label] = 220
        truth.append(GroundTruth([[left, top, left + side, top + side]], [label]))
    return AnnotatedImages(images, truth, ("red", "green"))


def grids(images):
    """Proposals without looking: squares all over each image."""
    return [grid_proposals(np.shape(image)[:2], [8, 12, 24], stride=4) for image in images]


def check_detector(detector, tmp_path, fit_options=None, least_map=0.5, **inputs):
    """Train a detector of red and green squares, and see that it keeps the contract.

    ``inputs(images)``, by keyword, are what its methods need beside images, such as proposals.
    """
    data, held_out = squares(96), squares(24, seed=1)
    more = {name: make(data.images) for name, make in inputs.items()}
    held_more = {name: make(held_out.images) for name, make in inputs.items()}
    history = detector.fit(data.images, data.truth, verbose=0, **more, **(fit_options or {}))
    for each in history if isinstance(history, list) else [history]:
        assert each.history["loss"][-1] < each.history["loss"][0]

    found = detector.predict(held_out.images, **held_more)
    assert len(found) == len(held_out)
    assert all(isinstance(f, Detections) for f in found)
    assert all((np.diff(f.scores) <= 0).all() for f in found)
    assert all((f.boxes >= 0).all() and (f.boxes <= SIZE).all() for f in found)
    result = detector.evaluate(held_out.images, held_out.truth, **held_more)
    assert result["map"] >= least_map, result
    assert set(result) == {"map", "red", "green"}
    metric = MeanAveragePrecision()
    metric.update_state(held_out.truth, detector.predict(held_out.images, score_threshold=0.005, **held_more))
    assert float(metric.result()) == pytest.approx(result["map"])

    path = tmp_path / "detector.pycnn"
    detector.save(path)
    for cls in (Detector, type(detector)):
        loaded = cls.load(path)
        assert loaded.get_config() == detector.get_config()
        assert loaded.predict(held_out.images, **held_more) == found
    assert loaded.count_params() == detector.count_params()

    check_images_of_any_size(detector, held_out, inputs)
    check_bad_input(detector, data, more)


def check_images_of_any_size(detector, data, inputs):
    """Images that are larger, of several sizes, none, and without objects."""
    large = [np.repeat(np.repeat(data.images[0], 2, axis=0), 2, axis=1), data.images[1]]
    found = detector.predict(large, **{name: make(large) for name, make in inputs.items()})
    assert [len(f.boxes) > 0 for f in found] == [True, True]
    assert np.abs(found[0].boxes[0] / 2 - data.truth[0].boxes[0]).max() < 6  # in the large image's own pixels
    assert detector.predict(large[:0], **{name: [] for name in inputs}) == []
    dark = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    assert len(detector.predict(dark, **{name: make(dark) for name, make in inputs.items()})) == 2


def check_bad_input(detector, data, more):
    """Errors that name what is wrong, before anything is learnt."""
    images, truth = data.images, data.truth
    before = [weight.numpy().copy() for network in detector.networks.values() for weight in network.weights]
    with pytest.raises(ValueError, match="truth must have one GroundTruth for each image"):
        detector.fit(images, truth[:-1], **more)
    with pytest.raises(ValueError, match=r"truth\[0\].labels=\[2\]"):
        detector.fit(images, [GroundTruth([[0, 0, 4, 4]], [2]), *truth[1:]], **more)
    with pytest.raises(TypeError, match="GroundTruth"):
        detector.fit(images, [t.boxes for t in truth], **more)
    with pytest.raises(ValueError, match="images must be arrays"):
        detector.fit(images[..., :1], truth, **more)
    with pytest.raises(ValueError, match="images must be arrays"):
        detector.predict(images[0], **more)
    for nothing in (GroundTruth([], []), GroundTruth([[0, 0, 4, 4]], [0], difficult=[True])):
        with pytest.raises(ValueError, match="objects in some images"):
            detector.fit(images, [nothing] * len(images), **more)
    after = [weight.numpy() for network in detector.networks.values() for weight in network.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
