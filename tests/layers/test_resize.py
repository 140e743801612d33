"""UpSampling2D, Resizing, Rescaling."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

from pycnn import layers


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_upsampling(backend, interpolation, tmp_path):
    make = functools.partial(layers.UpSampling2D, (2, 3), interpolation=interpolation)
    run_layer_test(make, normal((2, 3, 2, 2)), (2, 6, 6, 2), tmp_path)


@pytest.mark.parametrize(
    "arguments", [{}, {"interpolation": "nearest"}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}]
)
def test_resizing(backend, arguments, tmp_path):
    make = functools.partial(layers.Resizing, 3, 5, **arguments)
    run_layer_test(make, normal((2, 4, 4, 2)), (2, 3, 5, 2), tmp_path)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_upsampling_against_pytorch(backend, interpolation):
    torch = peer("torch")
    x = normal((2, 3, 4, 2))
    theirs = torch.nn.functional.interpolate(
        torch.tensor(x.transpose(0, 3, 1, 2)), scale_factor=(2, 3), mode=interpolation
    )
    ours = layers.UpSampling2D((2, 3), interpolation=interpolation, dtype="float64")(x)
    assert_close(ours.numpy(), theirs.numpy().transpose(0, 2, 3, 1))


def test_resizing_against_pytorch(backend):
    torch = peer("torch")
    x = normal((2, 8, 8, 1))
    theirs = torch.nn.functional.interpolate(torch.tensor(x.transpose(0, 3, 1, 2)), size=(28, 20), mode="bilinear")
    assert_close(layers.Resizing(28, 20, dtype="float64")(x).numpy(), theirs.numpy().transpose(0, 2, 3, 1))


def test_nothing_is_distorted(backend):
    x = np.zeros((1, 4, 8, 1))
    x[:, 1:3, 3:5] = 1  # a square in the middle
    cropped = layers.Resizing(4, 4, "nearest", crop_to_aspect_ratio=True)(x).numpy()[0, :, :, 0]
    np.testing.assert_array_equal(cropped, x[0, :, 2:6, 0])
    tall = layers.Resizing(4, 4, "nearest", crop_to_aspect_ratio=True)(x.transpose(0, 2, 1, 3)).numpy()[0, :, :, 0]
    np.testing.assert_array_equal(tall, cropped.T)
    padded = layers.Resizing(8, 8, "nearest", pad_to_aspect_ratio=True, fill_value=7)(x).numpy()[0, :, :, 0]
    np.testing.assert_array_equal(padded[2:6], x[0, :, :, 0])
    assert (padded[[0, 1, 6, 7]] == 7).all()


@pytest.mark.parametrize("make", [functools.partial(layers.Resizing, 3, 5), functools.partial(layers.UpSampling2D, 2)])
def test_channels_first_gives_the_same(backend, make):
    x = normal((2, 4, 6, 2), np.float32)
    y = make()(x).numpy()
    np.testing.assert_array_equal(
        make(data_format="channels_first")(x.transpose(0, 3, 1, 2)).numpy(), y.transpose(0, 3, 1, 2)
    )


def test_resizing_knows_its_size_whatever_comes_in():
    assert layers.Resizing(3, 5).compute_output_shape((None, None, None, 2)) == (None, 3, 5, 2)
    assert layers.UpSampling2D(2).compute_output_shape((None, None, 4, 2)) == (None, None, 8, 2)


@pytest.mark.parametrize("arguments", [(0.5,), (2.0, -1.0), ([1.0, 2.0], [0.5, 0.25])])
def test_rescaling(backend, arguments, tmp_path):
    run_layer_test(functools.partial(layers.Rescaling, *arguments), normal((3, 4, 2)), (3, 4, 2), tmp_path)


def test_bytes_do_not_wrap(backend):
    y = layers.Rescaling(1 / 127.5, -1)(np.array([[0, 255]], np.uint8))
    assert_close(y.numpy(), [[-1, 1]], 1e-6)
    y = layers.Rescaling([1, 10])(np.array([[200, 200]], np.uint8))
    assert y.tolist() == [[200, 2000]]


def test_errors():
    with pytest.raises(ValueError, match="interpolation must be one of bilinear, nearest.*'bicubic'"):
        layers.Resizing(2, 2, "bicubic")
    with pytest.raises(ValueError, match="height must be an integer >= 1"):
        layers.Resizing(0, 2)
    with pytest.raises(ValueError, match="Only one of crop_to_aspect_ratio and pad_to_aspect_ratio"):
        layers.Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)
    with pytest.raises(ValueError, match="antialias must be False. there is no antialiasing. Received: antialias=True"):
        layers.Resizing(2, 2, antialias=True)
    with pytest.raises(ValueError, match="fill_mode must be 'constant'. Received: fill_mode='edge'"):
        layers.Resizing(2, 2, fill_mode="edge")
