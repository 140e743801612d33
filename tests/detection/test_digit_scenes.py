"""Digit scenes: what is in them, where its ink lies, and that the test is one."""

import numpy as np
import pytest

from pycnn.datasets import digits, photographs
from pycnn.datasets.digit_ink import COLOURS, draw_ink
from pycnn.detection.datasets import digit_scenes
from pycnn.detection.datasets.digit_scenes import COLOUR_NAMES, load_data, make_scenes


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(train_size=900, test_size=300)


@pytest.fixture(scope="module")
def grey_scenes():
    """Scenes on a grey ground, in which a digit's colour is what differs from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            photographs, "random_pieces", lambda names, n, size, g: np.full((n, size, size, 3), 110, np.uint8)
        )
        return make_scenes(train_size=300, test_size=1)[0]


def test_what_load_data_gives(scenes):
    train, test = load_data(train_size=900, test_size=300)
    assert (train.images.shape, test.images.shape) == ((900, 56, 56, 3), (300, 56, 56, 3))
    assert train.images.dtype == np.uint8
    assert train.class_names == tuple("0123456789")
    for part, made in zip((train, test), scenes, strict=True):
        np.testing.assert_array_equal(part.images, made.images)
        assert [len(t) for t in part.truth] == made.counts.tolist()
        np.testing.assert_array_equal(np.concatenate([t.boxes for t in part.truth]), made.boxes)
        np.testing.assert_array_equal(np.concatenate([t.labels for t in part.truth]), made.labels)


def test_numbers_sizes_and_balance(scenes):
    for part in scenes:
        assert set(part.counts) == {1, 2, 3}
        assert np.bincount(part.counts)[1:].min() > len(part.counts) / 4
        assert 14 <= part.heights.min() < 14.5
        assert 25 < part.heights.max() <= 26
        assert set(part.colours) == set(range(6))
        width, height = (part.boxes[:, 2:] - part.boxes[:, :2]).T
        assert np.all((height <= np.ceil(part.heights) + 1) & (height >= 0.75 * part.heights))
        assert width.min() >= 2
        assert part.boxes.min() >= 0
        assert part.boxes.max() <= 56
    shares = np.bincount(scenes[0].labels) / len(scenes[0].labels)
    assert shares.min() > 0.095  # of 1797 digits 9.7 to 10.2 % are of a class
    assert shares.max() < 0.105


def test_digits_leave_each_other_free(scenes):
    for part in scenes:
        for boxes in part.split(part.boxes):
            inside = np.zeros((len(boxes), 56, 56), bool)
            for k, (x1, y1, x2, y2) in enumerate(boxes.astype(int)):
                inside[k, y1:y2, x1:x2] = True
                for other in inside[:k]:
                    assert (inside[k] & other).sum() <= 0.05 * min(inside[k].sum(), other.sum())


def test_boxes_are_the_extent_of_the_ink(grey_scenes):
    assert (grey_scenes.counts == 1).sum() > 80
    for image, (box, *more) in zip(grey_scenes.images, grey_scenes.split(grey_scenes.boxes), strict=True):
        if more:
            continue
        change = np.abs(image.astype(int) - 110).max(axis=2)
        surely, perhaps = (np.argwhere(change >= change.max() / 2 + slack) for slack in (1, -1))
        for ink, outside in ((surely, 1), (perhaps, -1)):  # what surely is ink lies within, what perhaps is reaches it
            (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0) + 1
            assert np.all(outside * (np.array([left, top, -right, -bottom]) - box * [1, 1, -1, -1]) >= 0)


def test_masks_are_where_the_ink_is(grey_scenes):
    """Where a picture has one digit, its pixels that differ from the grey ground by half of what its ink does."""
    for i in np.flatnonzero(grey_scenes.counts == 1):
        change = np.abs(grey_scenes.images[i].astype(int) - 110).max(axis=2)
        surely, perhaps = (change >= change.max() / 2 + slack for slack in (1, -1))
        ink = grey_scenes.masks[i] > 0
        assert np.all(ink >= surely)
        assert np.all(ink <= perhaps)


def test_masks_tell_the_digits(scenes):
    for part in scenes:
        assert part.masks.dtype == np.uint8
        boxes, labels = part.split(part.boxes), part.split(part.labels)
        for mask, places, names in zip(part.masks, boxes, labels, strict=True):
            allowed = np.zeros((11, 56, 56), bool)
            allowed[0] = True
            for (x1, y1, x2, y2), name in zip(places.astype(int), names, strict=True):
                allowed[name + 1, y1:y2, x1:x2] = True
                window = mask[y1:y2, x1:x2] == name + 1
                assert all(window.any(axis=0)[[0, -1]]) or len(names) > 1  # a box is the extent of its digit's ink
            rows, columns = np.indices(mask.shape)
            assert allowed[mask, rows, columns].all()


def test_colours_are_those_named(grey_scenes):
    names = [[COLOUR_NAMES[i] for i in colours] for colours in grey_scenes.split(grey_scenes.colours)]
    for image, boxes, colours in zip(grey_scenes.images, grey_scenes.split(grey_scenes.boxes), names, strict=True):
        for (x1, y1, x2, y2), colour in zip(boxes.astype(int), colours, strict=True):
            pixels = image[y1:y2, x1:x2] / 255 - COLOURS[colour]
            assert (np.abs(pixels).max(axis=2) < 0.065).mean() > 0.1


def test_seed_decides_everything(scenes):
    again, other = (make_scenes(seed, train_size=900, test_size=300) for seed in (0, 1))
    for part in (0, 1):
        for column, same, different in zip(scenes[part], again[part], other[part], strict=True):
            np.testing.assert_array_equal(column, same)
            assert not np.array_equal(column, different)


def test_digits_and_photographs_of_the_test_are_not_those_of_the_training(monkeypatch):
    drawn, named = [[], []], []

    def draw(images, *rest):
        drawn[len(named) - 1].extend(image.tobytes() for image in images)
        return draw_ink(images, *rest)

    def pieces(names, count, size, generator):
        named.append(names)
        return np.zeros((count, size, size, 3), np.uint8)

    monkeypatch.setattr(digit_scenes, "draw_ink", draw)
    monkeypatch.setattr(photographs, "random_pieces", pieces)
    monkeypatch.setattr(digit_scenes, "_arrange", lambda digit_images, *_: in_a_corner(len(digit_images)))
    make_scenes(seed=3, train_size=1400, test_size=450)
    assert named == [photographs.TRAINING, photographs.TEST]
    for found, (real, _) in zip(drawn, digits.load_data(), strict=True):
        assert set(found) == {image.tobytes() for image in real[..., 0]}


def in_a_corner(count):
    return np.full(count, 20.0), np.zeros(count), np.zeros(count), np.zeros((count, 4), np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed must be an integer >= 0. Received: seed=-1"),
        ({"train_size": 0}, "train_size must be an integer >= 1. Received: train_size=0"),
        ({"test_size": 2.5}, "test_size must be an integer >= 1. Received: test_size=2.5"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_data(**arguments)
