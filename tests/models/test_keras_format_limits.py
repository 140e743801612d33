"""What pycnn has and Keras lacks is not written to Keras's files: the error names it, and nothing is left behind."""

import os

import pytest

import pycnn
from pycnn import layers
from pycnn.models.keras_format.names import KERAS_NAMES
from pycnn.registration import registered_objects

ONLY_HERE = {
    "MinPooling2D": lambda: layers.MinPooling2D(),
    "GlobalMinPooling2D": lambda: layers.GlobalMinPooling2D(),
    "SqueezeExcite": lambda: layers.SqueezeExcite(ratio=1),
    "LocalResponseNormalization": lambda: layers.LocalResponseNormalization(),
    "LocallyConnected2D": lambda: layers.LocallyConnected2D(2, 3),
    "SparseConv2D": lambda: layers.SparseConv2D([(0,), (0, 1)], 3),
    "Subsampling2D": lambda: layers.Subsampling2D(),
    "RadialBasis": lambda: layers.RadialBasis([[1.0, -1.0]]),
    "RoIPooling2D": lambda: layers.RoIPooling2D(2),
    "RoIAlign2D": lambda: layers.RoIAlign2D(2),
    "padding": lambda: layers.Conv2D(2, 3, padding=1),
    "ceil_mode": lambda: layers.MaxPooling2D(ceil_mode=True),
    "count_include_pad": lambda: layers.AveragePooling2D(padding="same", count_include_pad=True),
    "groups": lambda: layers.Conv2DTranspose(2, 3, groups=2),
    "dilation_rate": lambda: layers.Conv2D(2, 2, strides=2, dilation_rate=2),
}


@pytest.mark.parametrize("name", ONLY_HERE)
def test_what_keras_lacks_is_not_written(tmp_path, name):
    layer, images = ONLY_HERE[name](), pycnn.Input((6, 6, 2))
    if name.startswith("RoI"):
        rois = pycnn.Input((5,))
        model = pycnn.Model([images, rois], layer([images, rois]))
    else:
        model = pycnn.Sequential([images, layer])
    with pytest.raises(ValueError, match=rf"(?s){name}.*\.pycnn|\.pycnn.*{name}") as caught:
        model.save(tmp_path / "model.keras")
    assert repr(layer.name) in str(caught.value)
    assert os.listdir(tmp_path) == []
    model.save(tmp_path / "model.pycnn")


def test_every_layer_of_pycnn_alone_is_tried():
    alone = set(registered_objects("layers")) - KERAS_NAMES["layers"] - {"Operation"}
    assert alone == {name for name in ONLY_HERE if name[0].isupper()}


def test_operations_that_keras_lacks(tmp_path):
    inputs = pycnn.Input((6, 6, 2))
    model = pycnn.Model(inputs, pycnn.ops.min_pool2d(inputs, 2))
    with pytest.raises(ValueError, match=r"min_pool2d.*\.pycnn"):
        model.save(tmp_path / "model.keras")
