"""DenseCap: the paper's numbers, the way of the words' loss into the boxes, its contract."""

import numpy as np
import pytest
from detector_checks import SIZE, squares
from helpers import assert_close

import pycnn
from pycnn.captioning import Captioner, DenseCap, DescribedRegions, ImageCaptioner, Vocabulary
from pycnn.captioning.learning import LOSSES, Learning
from pycnn.detection import GroundTruth
from pycnn.detection.region_head import padded_objects

WORDS = ["red", "green"]


def described(count, seed=0):
    """Images with a red or a green square, and what is there in words."""
    data = squares(count, seed)
    truth = [DescribedRegions(t.boxes, [f"a {WORDS[label]} square" for label in t.labels]) for t in data.truth]
    return data, truth


def small(truth, **options):
    vocabulary = Vocabulary.build(caption for t in truth for caption in t.captions)
    given = {"rpn_filters": 32, "pool_size": 4, "units": (32,), "dropout": 0.0, "language_units": 24, **options}
    anchors = [(9, 9), (13, 13)]
    return DenseCap(vocabulary, (SIZE, SIZE, 3), backbone="small", anchors=anchors, max_words=5, proposals=30, **given)


@pytest.mark.usefixtures("without_numbers")
def test_parameters_are_the_papers():
    words = Vocabulary([f"word{i}" for i in range(10_496)])  # and UNK
    assert DenseCap(words).count_params() == 151_635_599


def test_contract(tmp_path):
    (data, truth), (held_out, held_truth) = described(96), described(24, seed=1)
    captioner = small(truth)
    classes = captioner.fit_classes(data.images, data.truth, epochs=4, batch_size=4, verbose=0)
    assert classes.history["loss"][-1] < classes.history["loss"][0]
    words = captioner.fit_words(data.images, truth, epochs=20, batch_size=16, verbose=0)
    assert words.history["loss"][-1] < 0.3 < words.history["loss"][0]
    history = captioner.fit(
        data.images,
        truth,
        epochs=15,
        batch_size=4,
        regions=32,
        verbose=0,
        validation_data=(held_out.images, held_truth),
    )
    for name in ("loss", "anchors", "objects", "captions"):
        assert history.history[name][-1] < history.history[name][0], name
    assert {f"val_{name}" for name in LOSSES} < set(history.history)
    found = captioner.predict(held_out.images)
    assert all(isinstance(f, DescribedRegions) and (np.diff(f.scores) <= 0).all() for f in found)
    result = captioner.evaluate(held_out.images, held_truth)
    assert result["exact"] > 0.8, result
    assert result["map"] > 0.6, result
    assert captioner.predict(held_out.images, beam_size=3)[0].captions[0] == found[0].captions[0]

    path = tmp_path / "densecap.pycnn"
    captioner.save(path)
    for cls in (Captioner, DenseCap):
        loaded = cls.load(path)
        assert loaded.get_config() == captioner.get_config()
        assert loaded.predict(held_out.images) == found
    with pytest.raises(ValueError, match="not a ImageCaptioner"):
        ImageCaptioner.load(path)
    with pytest.raises(ValueError, match="holds no detector"):
        pycnn.detection.YOLO.load(path)

    large = [np.repeat(np.repeat(held_out.images[0], 2, axis=0), 2, axis=1), held_out.images[1]]
    found = captioner.predict(large)
    assert np.abs(found[0].boxes[0] / 2 - held_truth[0].boxes[0]).max() < 6  # in the large image's own pixels
    assert captioner.predict(large[:0]) == []
    assert len(captioner.predict(np.zeros((2, SIZE, SIZE, 3), np.uint8), score_threshold=1.0)[1]) == 0


def losses_and_gradients(data, truth, box_gradients):
    pycnn.utils.set_random_seed(0)
    captioner = small(truth)
    tokens, (numbered,) = captioner._numbered([truth])
    network = Learning(captioner, tokens, 16, box_gradients)
    y = [pycnn.Tensor(a) for a in padded_objects(numbered)]
    losses = network.losses_of(pycnn.Tensor(data.images), y, training=False)
    losses["captions"].backward()
    return {name: loss.item() for name, loss in losses.items()}, captioner


def test_words_move_boxes_and_that_can_be_switched_off(backend):
    data, truth = described(2)
    there, with_path = losses_and_gradients(data, truth, 1.0)
    other, without = losses_and_gradients(data, truth, 0.0)
    assert there == other  # the same losses, to the bit
    moved, still = (c.localization.get_layer("rpn_boxes").kernel.grad for c in (with_path, without))
    assert float(np.abs(moved.numpy()).max()) > 0
    assert still is None or not still.numpy().any()
    _, tenth = losses_and_gradients(data, truth, 0.1)
    assert_close(tenth.localization.get_layer("rpn_boxes").kernel.grad.numpy(), 0.1 * moved.numpy(), 1e-5)
    for name in ("recognition", "language"):
        for a, b in zip(*(c.networks[name].trainable_weights for c in (with_path, without)), strict=True):
            assert (a.grad is None) == (b.grad is None)
            if a.grad is not None:
                np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


def test_targets_move_with_regions():
    """The whole gradient of the boxes' loss, by differences: where its regions lie changes what they have to tell."""
    before = pycnn.config.floatx()
    pycnn.config.set_floatx("float64")
    try:
        data, truth = described(1)
        pycnn.utils.set_random_seed(0)
        captioner = small(truth)
        tokens, (numbered,) = captioner._numbered([truth])
        network = Learning(captioner, tokens, 16, 1.0)
        x, y = pycnn.Tensor(data.images.astype(np.float64)), [pycnn.Tensor(a) for a in padded_objects(numbered)]
        bias = captioner.localization.get_layer("rpn_boxes").bias

        def loss(change):
            bias.assign(start + change)
            pycnn.utils.set_random_seed(1)  # the same regions are drawn
            return network.losses_of(x, y, training=False)["boxes"]

        start = bias.numpy().copy()
        loss(0.0).backward()
        grad = bias.grad.numpy()
        assert np.abs(grad).max() > 1e-4
        for i in range(len(start)):
            step = 1e-6 * (np.arange(len(start)) == i)
            assert (loss(step).item() - loss(-step).item()) / 2e-6 == pytest.approx(grad[i], rel=1e-4, abs=1e-7), i
    finally:
        pycnn.config.set_floatx(before)


def test_image_captioner(tmp_path):
    (data, truth), (held_out, held_truth) = described(96), described(24, seed=1)
    captions, held_captions = ([t.captions[0] for t in part] for part in (truth, held_truth))
    captioner = ImageCaptioner(
        Vocabulary.build(captions), (SIZE, SIZE, 3), "small", pool_size=4, language_units=24, max_words=5
    )
    history = captioner.fit(data.images, captions, epochs=20, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    result = captioner.evaluate(held_out.images, held_captions)
    assert set(result) == {"exact", "bleu4", "meteor", "cider"}
    assert result["exact"] > 0.9, result
    found = captioner.predict(held_out.images, beam_size=2)
    captioner.save(tmp_path / "captioner.pycnn")
    assert Captioner.load(tmp_path / "captioner.pycnn").predict(held_out.images, beam_size=2) == found
    with pytest.raises(ValueError, match="captions must have one"):
        captioner.fit(data.images, captions[:-1])


def test_images_without_regions():
    """Whole batches of them are learnt, too: that there is nothing."""
    data, truth = described(8)
    truth[:6] = [DescribedRegions([], [])] * 6
    captioner = small(truth)
    captioner.fit_words(data.images, truth, epochs=1, verbose=0)
    history = captioner.fit(data.images, truth, epochs=3, batch_size=2, regions=16, verbose=0)
    assert np.isfinite([history.history[name] for name in ("loss", *LOSSES)]).all()
    assert all(np.isfinite(w).all() for network in captioner.networks.values() for w in network.get_weights())


def test_bad_input():
    data, truth = described(4)
    captioner = small(truth)
    with pytest.raises(ValueError, match="truth must have one DescribedRegions for each image"):
        captioner.fit(data.images, truth[:-1])
    with pytest.raises(TypeError, match="DescribedRegions"):
        captioner.fit(data.images, data.truth)
    with pytest.raises(ValueError, match="images must be arrays"):
        captioner.fit(data.images[..., :1], truth)
    with pytest.raises(ValueError, match="regions in some images"):
        captioner.fit(data.images, [DescribedRegions([], [])] * 4)
    with pytest.raises(TypeError, match="vocabulary must be a Vocabulary"):
        DenseCap(WORDS, (SIZE, SIZE, 3), backbone="small")
    with pytest.raises(TypeError, match="truth must hold GroundTruth"):
        captioner.fit_classes(data.images, truth)
    with pytest.raises(ValueError, match="objects in some images"):
        captioner.fit_classes(data.images, [GroundTruth([], [])] * 4)
    with pytest.raises(ValueError, match="box_gradients must be in 0..1. Received: box_gradients=2"):
        captioner.fit(data.images, truth, box_gradients=2)
    with pytest.raises(ValueError, match="loss_weights must name anchors"):
        captioner.fit(data.images, truth, loss_weights={"words": 2.0})
    with pytest.raises(ValueError, match="validation_data must be"):
        captioner.fit(data.images, truth, validation_data=data.images)
    with pytest.raises(ValueError, match="batch_size must be an integer >= 1"):
        captioner.predict(data.images, batch_size=-1)
    with pytest.raises(ValueError, match="max_detections must be an integer >= 0"):
        captioner.predict(data.images, max_detections=-1)
    for anchors in ([], [3], [(0, 3)], [(3, 4, 5)]):
        with pytest.raises(ValueError, match="anchors must be"):
            DenseCap(captioner.vocabulary, (SIZE, SIZE, 3), backbone="small", anchors=anchors)
    with pytest.raises(ValueError, match="max_words must be an integer >= 1"):
        DenseCap(captioner.vocabulary, (SIZE, SIZE, 3), backbone="small", max_words=0)
