"""Transforms: where boxes and pixels come to, by hand, and that both come to the same place."""

import colorsys

import numpy as np
import pytest

from pycnn.detection import Detections, GroundTruth
from pycnn.detection.transforms import (
    ColourJitter,
    Compose,
    Crop,
    Letterbox,
    RandomCrop,
    RandomFlip,
    RandomScale,
    Resize,
    Transform,
    clip_truth,
    move_truth,
)
from pycnn.preprocessing.image import resize

IMAGE = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
TRUTH = GroundTruth([[0, 0, 1, 2], [1, 1, 4, 2]], [5, 6], difficult=[1, 0], crowd=[0, 1], areas=[1.5, 2])


def test_flips():
    image, truth = RandomFlip(1.0)(IMAGE, TRUTH)
    np.testing.assert_array_equal(image, IMAGE[:, ::-1])
    assert truth == GroundTruth([[3, 0, 4, 2], [0, 1, 3, 2]], [5, 6], [1, 0], [0, 1], [1.5, 2])
    image, truth = RandomFlip(0.0, 1.0)(IMAGE, TRUTH)
    np.testing.assert_array_equal(image, IMAGE[::-1])
    assert truth.boxes.tolist() == [[0, 0, 1, 2], [1, 0, 4, 1]]
    image, truth = RandomFlip(0.0)(IMAGE, TRUTH)
    np.testing.assert_array_equal(image, IMAGE)
    assert truth == TRUTH


def test_half_of_a_batch_is_flipped_and_boxes_go_with_their_image():
    images, truth = RandomFlip()(np.stack([IMAGE] * 200), [TRUTH] * 200, np.random.default_rng(0))
    flipped = (images == IMAGE[:, ::-1]).all(axis=(1, 2, 3))
    assert (images[~flipped] == IMAGE).all()
    assert 70 < flipped.sum() < 130
    assert [t.boxes[0, 0] == 3 for t in truth] == flipped.tolist()


def test_resizing():
    image, truth = Resize((6, 2))(IMAGE, TRUTH)
    assert truth.boxes.tolist() == [[0, 0, 0.5, 6], [0.5, 3, 2, 6]]
    np.testing.assert_allclose(truth.areas, [1.5 * 1.5, 2 * 1.5])
    assert truth.crowd.tolist() == [False, True]
    np.testing.assert_array_equal(image, np.rint(resize(IMAGE, (6, 2))))
    rng = np.random.default_rng(0)
    pictures = rng.random((2, 7, 9, 3), dtype=np.float32)
    images, _ = Resize((13, 5))(pictures, [GroundTruth([], [])] * 2)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, [resize(picture, (13, 5)) for picture in pictures], atol=1e-6)


def test_letterbox():
    """4 x 2 into 8 x 8: twice as large, with two rows above and below."""
    box = Letterbox(8, fill=(9, 8, 7))
    image, truth = box(IMAGE, TRUTH)
    assert truth.boxes.tolist() == [[0, 2, 2, 6], [2, 4, 8, 6]]
    np.testing.assert_array_equal(image[2:6], np.rint(resize(IMAGE, (4, 8))))
    assert (image[:2] == [9, 8, 7]).all()
    assert (image[6:] == [9, 8, 7]).all()
    back = box.undo(Detections(truth.boxes, [5, 6], [0.5, 0.25]), (2, 4))
    assert back == Detections(TRUTH.boxes, [5, 6], [0.5, 0.25])
    beyond = box.undo(Detections([[-1, 0, 4, 8]], [0], [0.5]), (2, 4))
    assert beyond.boxes.tolist() == [[0, 0, 2, 2]]


def test_letterbox_of_images_of_several_sizes():
    images, truth = Letterbox((4, 8))([IMAGE, np.zeros((8, 4, 3), np.uint8)], [TRUTH, GroundTruth([[0, 0, 4, 8]], [0])])
    assert images.shape == (2, 4, 8, 3)
    assert truth[1].boxes.tolist() == [[3, 0, 5, 4]]
    assert images[1, 0, :, 0].tolist() == [114] * 3 + [0] * 2 + [114] * 3


def test_crop():
    image, truth = Crop(1, 2, 2, 4, least_visible=0.5, fill=99)(IMAGE, TRUTH)
    np.testing.assert_array_equal(image[0, :2], IMAGE[1, 2:])
    assert (image[1] == 99).all()
    assert (image[0, 2:] == 99).all()
    assert truth == GroundTruth([[0, 0, 2, 1]], [6], crowd=[1], areas=[2 * 2 / 3])
    assert len(Crop(1, 2, 2, 4, least_visible=0.7)(IMAGE, TRUTH)[1]) == 0


def test_random_crops_lie_anywhere_in_the_image():
    images, truth = RandomCrop((1, 2))(np.stack([IMAGE] * 300), [TRUTH] * 300, np.random.default_rng(0))
    assert images.shape == (300, 1, 2, 3)
    corners = images[:, 0, 0, 0]
    assert set(corners.tolist()) == {0, 3, 6, 12, 15, 18}
    first = [t for t, corner in zip(truth, corners, strict=True) if corner == 0]
    assert all(t.boxes.tolist() == [[0, 0, 1, 1]] and t.areas.tolist() == [0.75] for t in first)
    images, truth = RandomCrop(6, fill=77)(np.stack([IMAGE] * 100), [TRUTH] * 100, np.random.default_rng(0))
    for image, objects in zip(images, truth, strict=True):
        x, y = objects.boxes[0, :2].astype(int)
        np.testing.assert_array_equal(image[y : y + 2, x : x + 4], IMAGE)
        assert (image == 77).all(axis=2).sum() == 36 - 8
    assert {tuple(t.boxes[0, :2]) for t in truth} == {(x, y) for x in range(3) for y in range(5)}


def test_scaling_moves_pixels_and_boxes_alike():
    images = np.zeros((50, 40, 60, 1), np.uint8)
    images[:, 15:25, 20:40] = 200
    truth = [GroundTruth([[20, 15, 40, 25]], [0])] * 50
    changed, moved = RandomScale((0.5, 2.0), 0.1, fill=50)(images, truth, np.random.default_rng(0))
    widths = []
    for image, objects in zip(changed[..., 0], moved, strict=True):
        rows, columns = np.nonzero(image > 100)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(objects.boxes[0], seen, atol=0.51)
        widths.append(np.ptp(objects.boxes[0, ::2]))
    assert 10 <= min(widths) < 13
    assert 36 < max(widths) <= 40
    assert changed.min() == 0
    assert (changed == 50).any()
    unchanged, _ = RandomScale((1, 1), 0)(images, truth)
    np.testing.assert_array_equal(unchanged, images)


def test_what_is_cut_off_is_dropped_or_clipped():
    truth = GroundTruth([[-5, 0, 5, 10], [-9, 0, 1, 10], [3, 3, 3, 3], [-2, -2, -2, -2], [50, 0, 60, 9]], range(5))
    assert clip_truth(truth, (20, 20)).labels.tolist() == [0, 2]
    assert clip_truth(truth, (20, 20), 0.5).areas.tolist() == [50, 0]
    assert clip_truth(truth, (20, 20), 0.0).labels.tolist() == [0, 1, 2]
    assert clip_truth(truth, (5, 4), 0.0).boxes[0].tolist() == [0, 0, 4, 5]
    assert len(clip_truth(GroundTruth([], []), (5, 5))) == 0


def test_moving_mirrors_and_scales():
    moved = move_truth(TRUTH, (-2, 3), (10, 1))
    assert moved.boxes.tolist() == [[8, 1, 10, 7], [2, 4, 8, 7]]
    assert moved.areas.tolist() == [9, 12]
    assert moved.difficult.tolist() == [True, False]


def test_brightness_and_contrast():
    image = np.array([[[50, 100, 150], [100, 100, 100]]], np.uint8)
    change = {name: 0.0 for name in ("brightness", "contrast", "saturation", "hue")}
    for _ in range(20):
        brighter, truth = ColourJitter(**{**change, "brightness": 0.5})(image, TRUTH)
        factor = brighter[0, 1, 0] / 100
        assert 0.49 <= factor <= 1.51
        np.testing.assert_allclose(brighter, np.minimum(image * factor, 255), atol=1.6)
        assert truth == TRUTH
    grey = (0.299 * 75 + 0.587 * 100 + 0.114 * 125) * np.ones(3)
    changed, _ = ColourJitter(**{**change, "contrast": 1.0})(image, TRUTH, np.random.default_rng(3))
    factor = (changed[0, 0, 2] - grey[0]) / (150 - grey[0])
    assert abs(factor - 1) > 0.1
    np.testing.assert_allclose(changed, np.clip(grey + factor * (image - grey), 0, 255), atol=2)
    same, _ = ColourJitter(**change)(image, TRUTH)
    np.testing.assert_array_equal(same, image)


def test_saturation_and_hue():
    image = np.array([[[0.3, 0.5, 0.4], [0.5, 0.5, 0.5]]])
    none = dict(brightness=0, contrast=0)
    drawn = [ColourJitter(**none, saturation=0.9, hue=0)(image, TRUTH)[0] for _ in range(20)]
    for changed in drawn:
        np.testing.assert_allclose(changed[0, 1], 0.5, atol=1e-6)
        np.testing.assert_allclose(
            changed[0, 0] @ [0.299, 0.587, 0.114], image[0, 0] @ [0.299, 0.587, 0.114], atol=1e-6
        )
        assert np.argsort(changed[0, 0]).tolist() == [0, 2, 1]
    assert np.ptp([np.ptp(changed[0, 0]) for changed in drawn]) > 0.1
    turned = [ColourJitter(**none, saturation=0, hue=0.5)(image, TRUTH)[0][0] for _ in range(20)]
    hues = [colorsys.rgb_to_hsv(*pixel)[0] for pixel, _ in turned]
    assert max(hues) - min(hues) > 0.5
    np.testing.assert_allclose([grey for _, grey in turned], 0.5, atol=1e-6)


def test_each_image_has_its_own_colours_and_one_channel_works():
    images, _ = ColourJitter()(np.full((5, 2, 2, 1), 100, np.uint8), [TRUTH] * 5)
    assert images.dtype == np.uint8
    assert len(set(images[:, 0, 0, 0].tolist())) > 2
    with pytest.raises(ValueError, match="1 or 3 channels"):
        ColourJitter()(np.zeros((2, 2, 4)), TRUTH)


def test_compose_is_decided_by_its_seed():
    def change(seed):
        return Compose([RandomFlip(), RandomCrop(3), RandomScale(), ColourJitter()], seed)

    images = np.random.default_rng(0).integers(0, 256, (10, 4, 6, 3), dtype=np.uint8)
    one, same, other = change(1), change(1), change(2)
    for _ in range(2):
        first, truth = one(images, [TRUTH] * 10)
        second, truth2 = same(images, [TRUTH] * 10)
        np.testing.assert_array_equal(first, second)
        assert truth == truth2
        assert not np.array_equal(first, other(images, [TRUTH] * 10)[0])
        third, _ = one(images, [TRUTH] * 10)
        assert not np.array_equal(first, third)
        same(images, [TRUTH] * 10)
    assert first.shape == (10, 3, 3, 3)


def test_images_of_several_sizes_stay_so():
    images, truth = RandomFlip(1.0)([IMAGE, IMAGE[:, :3]], [TRUTH, GroundTruth([[0, 0, 1, 1]], [0])])
    assert [image.shape for image in images] == [(2, 4, 3), (2, 3, 3)]
    assert truth[1].boxes.tolist() == [[2, 0, 3, 1]]


def test_no_objects_and_no_images():
    image, truth = RandomScale()(IMAGE, GroundTruth([], []))
    assert image.shape == IMAGE.shape
    assert len(truth) == 0
    images, truth = Letterbox(8)(np.zeros((0, 4, 4, 3), np.uint8), [])
    assert images.shape == (0, 8, 8, 3)
    assert truth == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomFlip(1.5), r"horizontal must lie in 0..1. Received: horizontal=1.5"),
        (lambda: RandomScale((1.2, 0.8)), r"scale must be two factors .*Received: scale=\(1.2, 0.8\)"),
        (lambda: ColourJitter(hue=0.6), r"hue must lie in 0..0.5. Received: hue=0.6"),
        (lambda: Resize((4, 0)), "size must be an integer >= 1"),
        (lambda: RandomFlip()(IMAGE[None], [TRUTH] * 2), "Received: 1 images, 2 of truth"),
        (lambda: RandomFlip()(IMAGE[..., 0], TRUTH), r"axes \(height, width, channels\). Received: \(2, 4\)"),
        (lambda: RandomFlip()(IMAGE, [TRUTH] * 2), r"axes \(height, width, channels\). Received: \(4, 3\)"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_transform_of_ones_own():
    class Black(Transform):
        def _apply(self, images, truth, generator):
            return np.zeros_like(images), truth

    assert Black()(IMAGE, TRUTH)[0].max() == 0
    with pytest.raises(NotImplementedError, match="Transform must define _apply"):
        Transform()(IMAGE, TRUTH)
