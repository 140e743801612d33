"""Single pictures: files, arrays, sizes."""

import io

import numpy as np
import pytest
from helpers import assert_close, peer

from pycnn import config, preprocessing, utils
from pycnn.preprocessing.image import INTERPOLATIONS, resize, smart_resize

PICTURE = np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8)


@pytest.mark.parametrize(("channels", "mode"), [(1, "grayscale"), (3, "rgb"), (4, "rgba")])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_there_and_back(tmp_path, channels, mode, layout):
    x = np.random.default_rng(0).integers(0, 256, (5, 7, channels)).astype(np.float32)
    x = x.transpose(2, 0, 1) if layout == "channels_first" else x
    utils.save_img(tmp_path / "x.png", x, layout, scale=False)
    picture = utils.load_img(tmp_path / "x.png", color_mode=mode)
    assert picture.size == (7, 5)
    back = utils.img_to_array(picture, layout)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, x)
    config.set_image_data_format(layout)
    np.testing.assert_array_equal(utils.img_to_array(picture, dtype="uint8"), x)


def test_scaling():
    picture = utils.array_to_img(np.array([[-1.0, 0.0], [0.5, 1.0]])[..., None])
    assert np.asarray(picture).tolist() == [[0, 127], [191, 255]]
    assert np.asarray(utils.array_to_img(np.full((1, 1, 3), 7.0))).tolist() == [[[0, 0, 0]]]
    assert utils.array_to_img(np.full((1, 1, 1), 300.0), scale=False).getpixel((0, 0)) == 300


def test_formats(tmp_path):
    x = np.full((8, 8, 3), 90.0)
    utils.save_img(tmp_path / "x.jpg", x, scale=False, quality=90)
    assert abs(utils.img_to_array(utils.load_img(tmp_path / "x.jpg")) - 90).max() < 3
    buffer = io.BytesIO()
    utils.save_img(buffer, x, file_format="PNG", scale=False)
    assert buffer.getvalue().startswith(b"\x89PNG")
    assert utils.load_img(io.BytesIO(buffer.getvalue())).size == (8, 8)
    with pytest.warns(UserWarning, match="JPEG knows no transparency"):
        utils.save_img(tmp_path / "y.jpg", np.zeros((2, 2, 4)))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"])
@pytest.mark.parametrize("keep_aspect_ratio", [False, True])
def test_loading_in_a_size_equals_keras(tmp_path, interpolation, keep_aspect_ratio):
    keras = peer("keras")
    utils.save_img(tmp_path / "x.png", PICTURE, scale=False)
    arguments = {
        "target_size": (6, 5),
        "interpolation": interpolation,
        "keep_aspect_ratio": keep_aspect_ratio,
        "color_mode": "grayscale",
    }
    ours = utils.load_img(tmp_path / "x.png", **arguments)
    theirs = keras.utils.load_img(tmp_path / "x.png", **arguments)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("size", [(9, 14), (5, 5), (20, 17), (1, 30)])
@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_resizing_equals_pytorch(size, method):
    torch = peer("torch")
    x = torch.tensor(PICTURE.transpose(2, 0, 1)[None].astype(np.float32))
    mode = {"mode": "bilinear", "align_corners": False} if method == "bilinear" else {"mode": "nearest-exact"}
    expected = torch.nn.functional.interpolate(x, size, **mode)[0].numpy().transpose(1, 2, 0)
    assert_close(resize(PICTURE, size, method), expected, 1e-5)


def test_area_is_the_mean():
    expected = PICTURE[:8].astype(float).reshape(4, 2, 7, 2, 3).mean((1, 3))
    assert_close(resize(PICTURE[:8], (4, 7), "area"), expected, 1e-5)


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras with PyTorch
def test_smart_resize_equals_keras(layout):
    keras = peer("keras")
    x = PICTURE.transpose(2, 0, 1) if layout == "channels_first" else PICTURE
    for size in ((6, 6), (20, 5), (3, 12)):
        expected = keras.preprocessing.image.smart_resize(x.astype(np.float32), size, data_format=layout)
        assert_close(smart_resize(x, size, data_format=layout), expected, 1e-5)
        batch = smart_resize(np.stack([x, x]), size, data_format=layout)
        np.testing.assert_array_equal(batch[1], smart_resize(x, size, data_format=layout))


def test_names():
    assert preprocessing.image.load_img is utils.load_img
    assert preprocessing.image_dataset_from_directory is utils.image_dataset_from_directory
    assert resize(PICTURE, (4, 4), "lanczos3").shape == (4, 4, 3)
    assert set(INTERPOLATIONS) == {"bilinear", "nearest", "bicubic", "area", "lanczos3"}


def test_errors(tmp_path):
    utils.save_img(tmp_path / "x.png", PICTURE)
    with pytest.raises(ValueError, match="color_mode must be one of grayscale, rgb, rgba. Received: color_mode='bgr'"):
        utils.load_img(tmp_path / "x.png", color_mode="bgr")
    with pytest.raises(ValueError, match="interpolation must be one of nearest"):
        utils.load_img(tmp_path / "x.png", target_size=(2, 2), interpolation="cubic")
    with pytest.raises(TypeError, match="path must be a path"):
        utils.load_img(3)
    with pytest.raises(FileNotFoundError):
        utils.load_img(tmp_path / "none.png")
    with pytest.raises(ValueError, match="x must have 1, 3 or 4 channels"):
        utils.array_to_img(np.zeros((2, 2, 5)))
    with pytest.raises(ValueError, match="three axes"):
        utils.array_to_img(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="two or three axes"):
        utils.img_to_array(np.zeros(3))
    with pytest.raises(ValueError, match="data_format must be"):
        utils.img_to_array(PICTURE, "nhwc")
    with pytest.raises(ValueError, match="interpolation must be one of bilinear"):
        smart_resize(PICTURE, (2, 2), "gaussian")
    with pytest.raises(ValueError, match="x must be a picture or a batch"):
        smart_resize(np.zeros((3, 3)), (2, 2))
