"""Random rotation, zoom, shear, translation; several of them in one resampling."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

import pycnn
from pycnn import layers
from pycnn.layers.augment import join_affine

MAKERS = {
    "rotation": functools.partial(layers.RandomRotation, 0.2),
    "zoom": functools.partial(layers.RandomZoom, 0.3, (-0.2, 0.1), fill_mode="wrap"),
    "shear": functools.partial(layers.RandomShear, 0.2, 0.1, fill_mode="nearest", seed=1),
    "translation": functools.partial(
        layers.RandomTranslation, 0.1, (-0.2, 0.0), fill_mode="constant", fill_value=0.5, interpolation="nearest"
    ),
}


@pytest.fixture
def spot():
    """An image with one bright pixel: row 2, column 6 of 9 x 9."""
    x = np.zeros((1, 9, 9, 1), np.float32)
    x[0, 2, 6, 0] = 1
    return x


def place(y):
    """Row and column of the brightest pixel."""
    return tuple(int(i) for i in np.unravel_index(y.numpy()[0, :, :, 0].argmax(), y.shape[1:3]))


@pytest.mark.parametrize("name", MAKERS)
def test_layers(backend, name, tmp_path):
    run_layer_test(MAKERS[name], normal((2, 6, 5, 2)), (2, 6, 5, 2), tmp_path, gradients=False)


@pytest.mark.parametrize("name", MAKERS)
def test_outside_training_nothing_happens(backend, name):
    x = normal((2, 6, 5, 2), np.float32)
    np.testing.assert_array_equal(MAKERS[name]()(x, training=False).numpy(), x)
    y = MAKERS[name](seed=1)(x, training=True).numpy()
    assert (y != x).any()
    np.testing.assert_array_equal(MAKERS[name](seed=1)(x).numpy(), y)  # where nobody says it, as in Keras


@pytest.mark.parametrize("name", MAKERS)
def test_each_image_gets_its_own_map_and_seeds_repeat_them(backend, name):
    x = np.repeat(normal((1, 9, 9, 1), np.float32), 3, axis=0)
    y = MAKERS[name](seed=4)(x, training=True).numpy()
    assert (y[0] != y[1]).any()
    np.testing.assert_array_equal(MAKERS[name](seed=4)(x, training=True).numpy(), y)


def test_a_positive_rotation_is_counter_clockwise(backend, spot):
    turned = layers.RandomRotation((0.25, 0.25))(spot, training=True)
    np.testing.assert_allclose(turned.numpy()[0, :, :, 0], np.rot90(spot[0, :, :, 0]), atol=1e-5)
    turned = layers.RandomRotation((-0.25, -0.25))(spot, training=True)
    np.testing.assert_allclose(turned.numpy()[0, :, :, 0], np.rot90(spot[0, :, :, 0], -1), atol=1e-5)


def test_rotation_of_wide_images_is_about_their_centre(backend):
    x = np.zeros((1, 5, 9, 1), np.float32)
    x[0, 2, 4] = 1
    assert place(layers.RandomRotation(0.5)(x, training=True)) == (2, 4)


def test_a_positive_zoom_shows_more_and_a_negative_one_less(backend, spot):
    assert place(layers.RandomZoom((1.0, 1.0), fill_mode="constant")(spot, training=True)) == (3, 5)
    near = layers.RandomZoom((-0.5, -0.5), fill_mode="constant")(spot, training=True)
    assert place(near) == (0, 8)
    wide = layers.RandomZoom((0.0, 0.0), (1.0, 1.0), fill_mode="constant")(spot, training=True)
    assert place(wide) == (2, 5)


def test_zoom_keeps_the_aspect_ratio_unless_given_a_width_factor():
    generator = np.random.default_rng(0)
    maps = layers.RandomZoom(0.5).matrices(generator, 20, 8, 8)
    np.testing.assert_array_equal(maps[:, 0, 0], maps[:, 1, 1])
    maps = layers.RandomZoom(0.5, 0.5).matrices(generator, 20, 8, 8)
    assert (maps[:, 0, 0] != maps[:, 1, 1]).all()


def test_translations_go_down_and_right(backend, spot):
    moved = layers.RandomTranslation((2 / 9, 2 / 9), (-1 / 9, -1 / 9), fill_mode="constant")(spot, training=True)
    assert place(moved) == (4, 5)


def test_shear_leaves_the_centre_and_pushes_rows_apart(backend):
    x = np.zeros((1, 9, 9, 1), np.float32)
    x[0, :, 4] = 1  # an upright line
    y = layers.RandomShear((1.0, 1.0), fill_mode="constant", interpolation="nearest")(x, training=True).numpy()
    y = y[0, :, :, 0]
    assert y[4, 4] == 1
    assert (y == np.eye(9)).all() or (y == np.eye(9)[::-1]).all()


def test_ranges():
    generator = np.random.default_rng(0)
    angles = layers.RandomRotation(0.1).matrices(generator, 2000, 8, 8)
    angles = np.arctan2(angles[:, 1, 0], angles[:, 0, 0]) / (2 * np.pi)
    assert -0.1 <= angles.min() < -0.095
    assert 0.095 < angles.max() <= 0.1
    slants = layers.RandomShear((0.1, 0.2)).matrices(generator, 2000, 8, 8)[:, 0, 1]
    assert (np.abs(slants) >= 0.1).all()
    assert (np.abs(slants) <= 0.2).all()
    assert 0.45 < (slants > 0).mean() < 0.55


AUGMENTATION = [
    functools.partial(layers.RandomRotation, 0.1),
    functools.partial(layers.RandomZoom, 0.2),
    functools.partial(layers.RandomShear, 0.2),
    functools.partial(layers.RandomTranslation, 0.1, 0.1),
]


def make_model(**arguments):
    return pycnn.Sequential([make(**arguments) for make in AUGMENTATION])


def test_a_run_of_layers_is_one_resampling(backend, monkeypatch):
    calls = []
    kernel = backend.affine2d_forward
    monkeypatch.setattr(backend, "affine2d_forward", lambda *args, **kwargs: calls.append(1) or kernel(*args, **kwargs))
    x = normal((4, 12, 12, 1), np.float32)
    y = make_model()(x, training=True)
    assert len(calls) == 1
    assert (y.numpy() != x).any()
    calls.clear()
    np.testing.assert_array_equal(make_model()(x, training=False).numpy(), x)
    assert not calls


def test_joined_layers_do_what_single_ones_do_one_after_another(backend):
    """On a smooth image that is 0 far from its edges, where neither blur nor borders matter much."""
    v, u = np.mgrid[:48, :48]
    x = np.exp(-((u - 20) ** 2 + (v - 26) ** 2) / 60)[None, :, :, None].repeat(5, 0)
    arguments = {"fill_mode": "constant", "seed": 3}
    joined = make_model(**arguments)(x, training=True).numpy()
    single = x
    for make in AUGMENTATION:
        single = make(**arguments)(single, training=True)
    assert_close(joined, single.numpy(), 0.03)
    assert np.abs(joined - x).max() > 0.2


@pytest.mark.parametrize(
    ("change", "steps"),
    [({}, 1), ({"fill_mode": "wrap"}, 3), ({"interpolation": "nearest"}, 3), ({"fill_value": 1.0}, 3)],
)
def test_only_layers_with_the_same_borders_are_joined(change, steps):
    run = [AUGMENTATION[0](), AUGMENTATION[1](**change), AUGMENTATION[2]()]
    assert len(join_affine(run)) == steps


def test_other_layers_end_a_run():
    dense = layers.Flatten()
    steps = join_affine([AUGMENTATION[0](), AUGMENTATION[1](), dense, AUGMENTATION[2]()])
    assert len(steps) == 3
    assert steps[1] is dense


def test_a_saved_model_goes_on_with_the_same_random_numbers(backend, tmp_path):
    model = make_model(seed=5)
    x = normal((2, 8, 8, 1), np.float32)
    model(x, training=True)
    model.save(tmp_path / "m.pycnn")
    loaded = pycnn.models.load_model(tmp_path / "m.pycnn")
    np.testing.assert_array_equal(loaded(x, training=True).numpy(), model(x, training=True).numpy())


@pytest.mark.parametrize("name", MAKERS)
def test_channels_first_gives_the_same(backend, name):
    x = normal((2, 6, 5, 2), np.float32)
    y = MAKERS[name](seed=2)(x, training=True).numpy()
    other = MAKERS[name](seed=2, data_format="channels_first")(x.transpose(0, 3, 1, 2), training=True)
    np.testing.assert_array_equal(other.numpy(), y.transpose(0, 3, 1, 2))


def test_bytes_become_floats(backend):
    y = layers.RandomRotation(0.1)(np.full((1, 8, 8, 1), 255, np.uint8), training=True)
    assert y.dtype == np.float32
    assert_close(y.numpy(), np.full((1, 8, 8, 1), 255.0), 1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomRotation(1.5), r"factor must be a number.*in \[-1, 1\]. Received: factor=1.5"),
        (lambda: layers.RandomRotation((0, 1, 2)), "factor must be a number"),
        (lambda: layers.RandomRotation("a"), "factor must be a number"),
        (lambda: layers.RandomZoom(0.1, 3), "width_factor must be a number"),
        (lambda: layers.RandomShear(-0.1), r"x_factor must be a number.*in \[0, 1\]"),
        (lambda: layers.RandomTranslation(0.1, (-2, 0)), "width_factor must be a number"),
        (lambda: layers.RandomRotation(0.1, fill_mode="edge"), "fill_mode must be one of.*'edge'"),
        (lambda: layers.RandomRotation(0.1, interpolation="cubic"), "interpolation must be one of"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
