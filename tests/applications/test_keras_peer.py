"""What is as in Keras: prepared pixels, names of layers, sizes of all maps."""

import inspect

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import applications, layers


@pytest.fixture
def keras():
    peer("torch")
    return peer("keras")


PIXELS = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_preprocess_input(keras, mode, layout):
    ours, theirs = applications.imagenet_utils.preprocess_input, keras.applications.imagenet_utils.preprocess_input
    images = PIXELS if layout == "channels_last" else PIXELS.transpose(0, 3, 1, 2)
    for x in (images, images[0], images.astype(np.float64)):
        before = x.copy()
        y = ours(x, layout, mode)
        np.testing.assert_array_equal(x, before)
        assert_close(y, theirs(x.copy(), layout, mode), 1e-6)
        assert y.dtype == (np.float64 if x.dtype == np.float64 else np.float32)
        tensor = ours(pycnn.Tensor(x), layout, mode)
        assert isinstance(tensor, pycnn.Tensor)
        assert_close(tensor.numpy(), y, 1e-6)
    inputs = pycnn.Input(images.shape[1:])
    model = pycnn.Model(inputs, ours(inputs, layout, mode))
    assert_close(model.predict(images, verbose=0), ours(images, layout, mode), 1e-6)


def test_preprocess_input_of_modules(keras):
    for name in ("vgg16", "vgg19", "resnet", "resnet50", "mobilenet"):
        ours, theirs = getattr(applications, name), getattr(keras.applications, name)
        assert_close(ours.preprocess_input(PIXELS), theirs.preprocess_input(PIXELS.copy()), 1e-6)
    expected = keras.applications.imagenet_utils.preprocess_input(PIXELS.copy(), mode="torch")
    assert_close(applications.senet.preprocess_input(PIXELS), expected, 1e-6)


def test_preprocess_input_errors():
    preprocess = applications.imagenet_utils.preprocess_input
    with pytest.raises(ValueError, match="mode must be one of caffe, tf, torch. Received: mode='rgb'"):
        preprocess(PIXELS, mode="rgb")
    with pytest.raises(ValueError, match=r"with 3 or 4 axes. Received: x.shape=\(4, 5\)"):
        preprocess(PIXELS[0, :, :, 0])
    with pytest.raises(ValueError, match=r"3 channels on axis 1, .* Received: x.shape=\(2, 4, 5, 3\)"):
        preprocess(PIXELS, "channels_first")


@pytest.mark.usefixtures("without_numbers")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["VGG16", "VGG19", "ResNet50", "ResNet152", "MobileNet"])
def test_layers_and_maps(keras, name):
    """Layers of the same names give maps of the same sizes; only paddings and the head of MobileNet are others."""
    strides = {"stride_in_1x1": True} if name.startswith("ResNet") else {}
    ours = getattr(applications, name)(include_top=False, input_shape=(64, 96, 3), **strides)
    theirs = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(64, 96, 3))
    expected = {layer.name: layer.output.shape for layer in theirs.layers if "_pad" not in layer.name}
    assert {la.name: la.output.shape for la in ours.layers[1:]} == dict(list(expected.items())[1:])
    if name.startswith("ResNet"):  # whose convolutions have no biases here
        biases = sum(layer.filters for layer in ours.layers if isinstance(layer, layers.Conv2D))
        assert ours.count_params() == theirs.count_params() - biases
    else:
        assert ours.count_params() == theirs.count_params()


@pytest.mark.usefixtures("without_numbers")
@pytest.mark.filterwarnings("ignore")
def test_weights_of_keras(keras, tmp_path):
    """Those of VGG are read from Keras 3's files; those of its ResNet, whose convolutions have biases, are refused."""
    peer("h5py")
    theirs = keras.applications.VGG16(weights=None, include_top=False)
    theirs.save_weights(tmp_path / "vgg.weights.h5")
    ours = applications.VGG16(include_top=False, weights=tmp_path / "vgg.weights.h5")
    x = normal((1, 32, 48, 3), np.float32)
    assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), 1e-4)
    keras.applications.ResNet50(weights=None, include_top=False).save_weights(tmp_path / "resnet.weights.h5")
    with pytest.raises(ValueError, match=r"other layers or weights than the model.*resnet.weights.h5"):
        applications.ResNet50(include_top=False, weights=tmp_path / "resnet.weights.h5")


@pytest.mark.parametrize("name", ["VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152", "MobileNet"])
def test_arguments(keras, name):
    """The same, in the same order, with the same defaults but for ``weights``; what pycnn adds comes behind."""
    ours, theirs = (inspect.signature(getattr(where, name)).parameters for where in (applications, keras.applications))
    assert list(ours)[: len(theirs)] == list(theirs)
    different = [key for key in theirs if ours[key].default != theirs[key].default]
    assert different == ["weights"]
    assert ours["weights"].default is None
