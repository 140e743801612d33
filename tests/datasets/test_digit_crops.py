"""Digits on photographs: what the pictures are made of, where the ink lies, and that the test is one."""

import sys

import numpy as np
import pytest

from pycnn.datasets import digit_crops, digits, photographs
from pycnn.datasets.digit_ink import COLOURS, contrasting_colours, draw_ink, ink_boxes, paint


@pytest.fixture(scope="module")
def data():
    return digit_crops.load_data(train_size=1400, test_size=500, dtype="uint8")


def test_shapes_types_and_balance(data):
    (x_train, y_train), (x_test, y_test) = data
    assert (x_train.shape, x_test.shape) == ((1400, 32, 32, 3), (500, 32, 32, 3))
    assert (x_train.dtype, y_train.dtype) == (np.uint8, np.int64)
    (_, labels), (_, test_labels) = digits.load_data()
    once = np.bincount(labels)
    assert np.all((np.bincount(y_train) >= once) & (np.bincount(y_train) <= once + 53))  # 1400 = 1347 + 53
    assert np.all(np.bincount(y_test) >= np.bincount(test_labels))


def test_floats(data):
    (x_train, y_train), (x_test, _) = digit_crops.load_data(train_size=1400, test_size=500)
    assert x_train.dtype == np.float32
    np.testing.assert_array_equal(np.rint(255 * x_train), data[0][0])
    np.testing.assert_array_equal(y_train, data[0][1])
    assert (x_test.min(), x_test.max()) == (0, 1)


def test_seed_decides_everything(data):
    again = digit_crops.load_data(train_size=1400, test_size=500, dtype="uint8")
    other = digit_crops.load_data(1, train_size=1400, test_size=500, dtype="uint8")
    for part in (0, 1):
        np.testing.assert_array_equal(data[part][0], again[part][0])
        assert not np.array_equal(data[part][0], other[part][0])


def test_digits_of_the_test_are_in_no_training_picture(monkeypatch):
    drawn = []
    monkeypatch.setattr(digit_crops, "draw_ink", lambda images, *rest: drawn.append(images) or draw_ink(images, *rest))
    digit_crops.load_data(seed=5, train_size=1400, test_size=500)
    train, test = ({image.tobytes() for image in images} for images in drawn)
    (real_train, _), (real_test, _) = digits.load_data()
    assert train == {image.tobytes() for image in real_train[..., 0]}
    assert test == {image.tobytes() for image in real_test[..., 0]}
    assert not set(photographs.TRAINING) & set(photographs.TEST)


def test_pieces_are_pieces_of_their_photographs():
    page = photographs.load_photograph("page")
    pieces = photographs.random_pieces(["page"], 40, 100, np.random.default_rng(0))  # fits in at one scale alone
    windows = np.lib.stride_tricks.sliding_window_view(page, (100, 100), axis=(0, 1))
    rows = {window.tobytes() for row in windows for window in row[:, 0, 0]}
    mirrored = {row for piece in pieces if (row := piece[0, :, 0].tobytes()) not in rows}
    assert 5 < len(mirrored) < 35
    assert all(piece[0, ::-1, 0].tobytes() in rows for piece in pieces if piece[0, :, 0].tobytes() in mirrored)


def test_pieces_come_from_every_photograph():
    bright = photographs.random_pieces(["page", "rocket"], 200, 32, np.random.default_rng(0)).mean(axis=(1, 2, 3)) > 140
    assert 70 < bright.sum() < 130  # the page is paper, the rocket's sky is dark


@pytest.mark.parametrize("name", photographs.TRAINING + photographs.TEST)
def test_photographs(name):
    image = photographs.load_photograph(name)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.std() > 20


def test_ink_lies_where_it_is_asked_for():
    full = np.ones((3, 8, 8))
    ink = draw_ink(full, [16.0, 8.0, 20.0], [3.0, 0.0, 10.0], [5.0, 24.0, 2.5], 32)
    assert ink.dtype == np.float32
    np.testing.assert_array_equal(ink_boxes(ink), [[5, 3, 21, 19], [24, 0, 32, 8], [2, 10, 23, 30]])
    inside = ink[0, 5:17, 7:19]
    assert inside.min() == 1
    assert ink[0, :2].max() == 0


def test_box_of_a_stroke():
    digit = np.zeros((1, 8, 8))
    digit[0, 2:6, 3] = 1  # rows 2 to 5 of one column: at 4 pixels a cell y from 8 to 24, x from 12 to 16
    x1, y1, x2, y2 = ink_boxes(draw_ink(digit, [32.0], [0.0], [0.0], 32))[0]
    assert abs(x1 - 12) <= 1
    assert abs(x2 - 16) <= 1
    assert abs(y1 - 8) <= 1
    assert abs(y2 - 24) <= 1


def test_colours_stand_out():
    names = list(COLOURS)
    grounds = np.zeros((300, 32, 32, 3), np.uint8)
    grounds[100:200] = 250
    grounds[200:] = 110
    ink = draw_ink(np.ones((300, 8, 8)), np.full(300, 20.0), np.full(300, 6.0), np.full(300, 6.0), 32)
    chosen, colours = contrasting_colours(grounds, ink, np.random.default_rng(0))
    on_black, on_white, on_grey = ({names[i] for i in part} for part in np.split(chosen, 3))
    assert on_black == {"red", "green", "blue", "yellow", "white"}
    assert on_white == {"red", "green", "blue", "black"}
    assert on_grey == {"red", "yellow", "white", "black"}
    painted = paint(grounds, ink, colours)
    np.testing.assert_array_equal(painted[:, 16, 16], np.rint(255 * colours))
    np.testing.assert_array_equal(painted[:, :5], grounds[:, :5])


def test_the_colour_that_least_is_like_where_none_stands_out():
    red, *others = COLOURS.values()
    stripes = np.broadcast_to([red] * 2 + others * 6, (50, 32, 32, 3))
    ink = np.ones((50, 32, 32), np.float32)
    chosen, _ = contrasting_colours(np.rint(255 * stripes), ink, np.random.default_rng(0), alike=0.1)
    assert set(chosen) == {0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed must be an integer >= 0. Received: seed=-1"),
        ({"train_size": 0}, "train_size must be an integer >= 1. Received: train_size=0"),
        ({"test_size": 2.5}, "test_size must be an integer >= 1. Received: test_size=2.5"),
        ({"dtype": "int32"}, "dtype must be .* Received: dtype='int32'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        digit_crops.load_data(**arguments)


def test_unknown_photograph():
    with pytest.raises(ValueError, match="name must be one of astronaut, .* Received: name='lena'"):
        photographs.load_photograph("lena")


def test_missing_package_is_named(monkeypatch):
    photographs.load_photograph.cache_clear()
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ImportError, match="scikit-image"):
        photographs.load_photograph("coins")
