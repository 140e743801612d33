"""The classic filters: their numbers, their orientation, borders, and the frozen layer."""

import numpy as np
import pytest
from helpers import assert_close, normal
from scipy import ndimage

import pycnn
from pycnn import filters
from pycnn.registration import deserialize, serialize

PRINTED = {
    "vertical_edges": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "horizontal_edges": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "edge_detection": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "sharpening": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "prewitt_x": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "prewitt_y": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "sobel_x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel_y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "scharr_x": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "scharr_y": [[-3, -10, -3], [0, 0, 0], [3, 10, 3]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
}
SCIPY_BORDERS = {"edge": "nearest", "reflect": "mirror", "constant": "constant"}


@pytest.mark.parametrize("name", PRINTED)
def test_kernels_are_as_printed(name):
    kernel = filters.get(name)
    np.testing.assert_array_equal(kernel, PRINTED[name])
    assert kernel.dtype == np.float32


def test_names_are_all_there_and_all_work():
    assert set(filters.names()) == {*PRINTED, "box", "gaussian", "gabor", "sharpen"}
    assert list(filters.names()) == sorted(filters.names())
    for name in filters.names():
        assert filters.get(name).ndim == 2


def test_a_kernel_is_the_callers_own():
    filters.get("sobel_x")[:] = 0
    np.testing.assert_array_equal(filters.get("sobel_x"), PRINTED["sobel_x"])


def test_unknown_names_and_parameters():
    with pytest.raises(ValueError, match=r"name must be one of box, .*Received: name='sobel'"):
        filters.get("sobel")
    with pytest.raises(TypeError, match="'sobel_x' takes no parameters. Received: size"):
        filters.get("sobel_x", size=5)


def test_edges_by_hand(backend):
    dark_to_bright = np.array([[1, 1, 5, 5]] * 3, np.float32)
    inside = filters.apply(dark_to_bright, "vertical_edges")
    np.testing.assert_array_equal(inside, [[0, -12, -12, 0]] * 3)
    np.testing.assert_array_equal(filters.apply(dark_to_bright, "sobel_x"), [[0, 16, 16, 0]] * 3)
    np.testing.assert_array_equal(filters.apply(dark_to_bright, "horizontal_edges"), np.zeros((3, 4)))
    np.testing.assert_array_equal(filters.apply(dark_to_bright.T, "sobel_y"), np.array([[0, 16, 16, 0]] * 3).T)


@pytest.mark.parametrize("border", filters.BORDERS)
@pytest.mark.parametrize("size", [(3, 3), (2, 2), (4, 3), (1, 5), (6, 1)])
def test_apply_agrees_with_scipy(backend, size, border):
    image, kernel = normal((9, 8)), normal(size, seed=1)
    origin = [f // 2 - (f - 1) // 2 for f in size]  # scipy centres even kernels one further
    expected = ndimage.correlate(image, kernel, mode=SCIPY_BORDERS[border], origin=[-o for o in origin])
    assert_close(filters.apply(image, kernel, border), expected)


def test_apply_takes_images_of_any_rank_and_keeps_channels_apart(backend):
    images = normal((2, 7, 6, 3))
    results = filters.apply(images, "laplacian")
    assert results.shape == images.shape
    for n in range(2):
        np.testing.assert_array_equal(filters.apply(images[n], "laplacian"), results[n])
        for c in range(3):
            assert_close(filters.apply(images[n, :, :, c], "laplacian"), results[n, :, :, c])


def test_bytes_do_not_wrap(backend):
    image = np.array([[0, 255, 0]] * 3, np.uint8)
    result = filters.apply(image, "edge_detection")
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[1], [-765, 1530, -765])


def test_tensors_stay_tensors_and_carry_gradients(backend):
    image = pycnn.Tensor(normal((5, 5)), requires_grad=True)
    result = filters.apply(image, "box", border="constant")
    assert isinstance(result, pycnn.Tensor)
    result.sum().backward()
    windows = np.outer([2, 3, 3, 3, 2], [2, 3, 3, 3, 2])  # how many windows each pixel is in
    assert_close(image.grad.numpy(), windows / 9, 1e-6)


def test_gaussian_agrees_with_scipy():
    impulse = np.zeros((21, 21))
    impulse[10, 10] = 1
    for sigma in (0.7, 1.5, 3.0):
        kernel = filters.gaussian(sigma)
        radius = len(kernel) // 2
        expected = ndimage.gaussian_filter(impulse, sigma, radius=radius)[
            10 - radius : 11 + radius, 10 - radius : 11 + radius
        ]
        assert_close(kernel, expected, 1e-6)
    assert filters.gaussian(1.0, size=4).shape == (4, 4)
    assert filters.gaussian(1.0, size=4).sum() == pytest.approx(1)


def test_sharpen_adds_what_blur_takes_away():
    image = normal((20, 20))
    expected = image + 1.5 * (image - filters.apply(image, filters.gaussian(0.8)))
    assert_close(filters.apply(image, filters.sharpen(1.5, 0.8)), expected, 1e-5)


def test_gabor_by_hand():
    kernel = filters.gabor(wavelength=4.0, sigma=2.0, aspect=0.5, size=9)
    assert kernel[4, 4] == 1
    assert kernel[4, 6] == pytest.approx(-np.exp(-0.5))  # half a wave to the right: -1 under the bell
    assert kernel[4, 5] == pytest.approx(0, abs=1e-7)
    assert kernel[6, 4] == pytest.approx(np.exp(-0.125))  # along the stripe the bell is twice as wide
    odd = filters.gabor(wavelength=4.0, phase=-np.pi / 2, sigma=2.0, aspect=0.5, size=9)
    assert odd[4, 5] == pytest.approx(np.exp(-0.125)) == -odd[4, 3]  # dark to bright is positive
    np.testing.assert_allclose(filters.gabor(orientation=np.pi / 2), filters.gabor().T, atol=1e-6)
    falling = np.cos(
        2 * np.pi * np.add.outer(np.arange(61), np.arange(61)) / np.sqrt(2) / 6
    )  # the wave runs down right
    answers = [
        np.abs(filters.apply(falling, filters.gabor(6.0, angle))[30, 20:40]).max() for angle in (np.pi / 4, -np.pi / 4)
    ]
    assert answers[0] > 10 * answers[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: filters.box(0), "size must be an integer >= 1. Received: size=0"),
        (lambda: filters.gaussian(0), "sigma must be positive. Received: sigma=0"),
        (lambda: filters.gabor(wavelength=-1), "wavelength must be positive. Received: wavelength=-1"),
        (lambda: filters.gabor(size=4), "size must be odd. Received: size=4"),
        (lambda: filters.apply(np.zeros(5), "box"), r"image must have the axes .* Received: image.shape=\(5,\)"),
        (lambda: filters.apply(np.zeros((5, 5)), np.zeros((3, 3, 1))), "kernel must be a name or a 2-D array"),
        (
            lambda: filters.apply(np.zeros((5, 5)), "box", "mirror"),
            "border must be one of .* Received: border='mirror'",
        ),
        (lambda: filters.as_layer([]), "kernels must hold at least one kernel"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_layer_does_what_apply_does(backend):
    names = ["sobel_x", "gaussian", "box"]
    image = normal((10, 12, 3), np.float32)
    bank = [*names, np.array([[1.0, 2.0], [3.0, 4.0]])]  # 3 x 3, 7 x 7, 3 x 3 and an even one
    output = filters.as_layer(bank)(image[None]).numpy()[0]
    assert output.shape == (10, 12, 12)
    for c in range(3):
        for m, kernel in enumerate(bank):
            assert_close(output[:, :, 4 * c + m], filters.apply(image[:, :, c], kernel, "constant"), 1e-5)


def test_layer_is_never_trained():
    layer = filters.as_layer("sobel_x", name="edges")
    layer.build((None, 8, 8, 2))
    assert layer.name == "edges"
    assert layer.trainable_weights == []
    assert layer.count_params() == 18


def test_layer_survives_saving():
    image = normal((1, 6, 6, 2), np.float32)
    layer = filters.as_layer(["emboss", "laplacian"])
    again = deserialize(serialize(layer))
    np.testing.assert_array_equal(again(image).numpy(), layer(image).numpy())
    assert again.trainable_weights == []
