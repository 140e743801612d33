"""Every layer with ``data_format``, or an axis of channels, gives the same for images of either layout."""

import inspect

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import layers
from pycnn.layers.augment import RandomAffine

LAST, FIRST = {"data_format": "channels_last"}, {"data_format": "channels_first"}

WITH_FORMAT = {
    "Conv2D": {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2},
    "Conv2DTranspose": {"filters": 4, "kernel_size": 3, "strides": 2},
    "DepthwiseConv2D": {"kernel_size": 3, "depth_multiplier": 2},
    "SeparableConv2D": {"filters": 4, "kernel_size": (2, 3)},
    "LocallyConnected2D": {"filters": 2, "kernel_size": (2, 3)},
    "MaxPooling2D": {"pool_size": (2, 3)},
    "MinPooling2D": {"pool_size": (2, 3), "strides": 1},
    "AveragePooling2D": {"pool_size": 3, "padding": "same"},
    "GlobalAveragePooling2D": {"keepdims": True},
    "GlobalMaxPooling2D": {"keepdims": True},
    "GlobalMinPooling2D": {"keepdims": True},
    "ZeroPadding2D": {"padding": ((1, 0), (2, 3))},
    "Cropping2D": {"cropping": ((1, 0), (2, 1))},
    "UpSampling2D": {"size": (2, 3), "interpolation": "bilinear"},
    "Resizing": {"height": 3, "width": 9},
    "CenterCrop": {"height": 3, "width": 4},
    "SparseConv2D": {"connections": [[0, 2], [1]], "kernel_size": 2},
    "Subsampling2D": {"pool_size": (2, 3)},
    "SqueezeExcite": {"ratio": 2},
    "RandomRotation": {"factor": 0.2, "seed": 1},
    "RandomZoom": {"height_factor": 0.2, "seed": 1},
    "RandomShear": {"x_factor": 0.2, "seed": 1},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.3, "seed": 1},
    "RandomFlip": {"seed": 1},
    "RandomCrop": {"height": 3, "width": 3, "seed": 1},
    "RandomContrast": {"factor": 0.3, "seed": 1, "value_range": (-9, 9)},
    "RandomBrightness": {"factor": 0.3, "seed": 1, "value_range": (-9, 9)},
    "RandomInvert": {"seed": 1},
    "RandomErasing": {"seed": 1, "fill_value": 0.5},
    "RandomGrayscale": {"seed": 1},
    "SpatialDropout2D": {"rate": 0.5, "seed": 2},
}

ELSEWHERE = {"Flatten"}
"""Those whose output has no layout: see their own tests."""

WITH_AXIS = {
    "BatchNormalization": {},
    "GroupNormalization": {"groups": 2},
    "LayerNormalization": {},
    "RMSNormalization": {},
    "UnitNormalization": {},
    "LocalResponseNormalization": {"size": 3},
    "Normalization": {},
    "Softmax": {},
    "Concatenate": {},
}

CASES = [
    *((name, {**arguments, **LAST}, {**arguments, **FIRST}) for name, arguments in WITH_FORMAT.items()),
    *((name, {**arguments, "axis": -1}, {**arguments, "axis": 1}) for name, arguments in WITH_AXIS.items()),
]


def test_the_table_has_every_layer_with_a_layout():
    found = set()
    for name in layers.__all__:
        cls = getattr(layers, name)
        if isinstance(cls, type) and cls.__name__ == name and "1D" not in name:
            by_name = "data_format" in inspect.signature(cls.__init__).parameters
            if by_name or (name.startswith("Random") and issubclass(cls, layers.Layer)):
                found.add(name)
    assert found == set(WITH_FORMAT) | ELSEWHERE


def to_first(array):
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2)) if array.ndim == 4 else array


def run(layer, x):
    leaf = pycnn.Tensor(x, requires_grad=not isinstance(layer, RandomAffine))  # affine maps have no gradient
    return leaf, layer([leaf, leaf] if isinstance(layer, layers.Concatenate) else leaf, training=True)


@pytest.mark.parametrize(("name", "last", "first"), CASES, ids=[case[0] for case in CASES])
def test_both_layouts_give_the_same(backend, name, last, first):
    channels = 3 if name == "RandomGrayscale" else 4
    x = normal((3, 6, 5, channels), np.float32)
    one, two = getattr(layers, name)(**last), getattr(layers, name)(**first)
    one(x) if name != "Concatenate" else one([x, x])
    two(to_first(x)) if name != "Concatenate" else two([to_first(x), to_first(x)])
    two.set_weights([np.abs(normal(w.shape, w.dtype, seed=i)) for i, w in enumerate(one.weights)])
    one.set_weights(two.get_weights())
    for layer in (one, two):
        if "seed" in last:  # both begin their random numbers anew
            layer._random = type(layer._random)(last["seed"])
    (leaf, y), (turned_leaf, turned) = run(one, x), run(two, to_first(x))
    assert_close(turned.numpy(), to_first(y.numpy()), 1e-5)
    gy = normal(y.shape, np.float32, seed=5)
    if y.requires_grad:
        y.backward(gy)
        turned.backward(to_first(gy))
        assert_close(turned_leaf.grad.numpy(), to_first(leaf.grad.numpy()), 1e-5)
    for w, v in zip(one.trainable_weights, two.trainable_weights, strict=True):
        assert_close(v.grad.numpy(), w.grad.numpy(), 1e-5)
    for w, v in zip(one.get_weights(), two.get_weights(), strict=True):
        assert_close(v, w, 1e-5)


@pytest.mark.parametrize("name", WITH_FORMAT)
def test_shapes_and_the_configured_layout(backend, name):
    """``config.set_image_data_format`` decides where ``data_format`` is not given."""
    arguments = {key: value for key, value in WITH_FORMAT[name].items() if key != "seed"}
    last = getattr(layers, name)(**arguments)
    pycnn.config.set_image_data_format("channels_first")
    first = getattr(layers, name)(**arguments)
    assert (last.data_format, first.data_format) == ("channels_last", "channels_first")
    assert first.get_config()["data_format"] == "channels_first"
    n, h, w, c = last.compute_output_shape((None, 6, 5, 4))
    assert first.compute_output_shape((None, 4, 6, 5)) == (n, c, h, w)
