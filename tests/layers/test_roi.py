"""Layers that pool regions of interest."""

import json

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import layers, ops

X = normal((2, 6, 7, 3), np.float32)
ROIS = np.float32([[0, 2.3, 1.2, 11.7, 9.6], [1, -5.1, -3.4, 6.9, 5.4], [1, 4.3, 3.1, 5.0, 3.8]])
MAKERS = [
    (lambda **more: layers.RoIPooling2D((3, 2), 0.5, **more), lambda x, r: ops.roi_pool(x, r, (3, 2), 0.5)),
    (lambda **more: layers.RoIAlign2D((3, 2), 0.5, **more), lambda x, r: ops.roi_align(x, r, (3, 2), 0.5)),
    (
        lambda **more: layers.RoIAlign2D((3, 2), 0.5, 2, False, **more),
        lambda x, r: ops.roi_align(x, r, (3, 2), 0.5, 2, False),
    ),
]


@pytest.mark.parametrize(("make", "operation"), MAKERS)
def test_outputs_shapes_and_dtypes(backend, make, operation):
    layer = make()
    y = layer([X.astype(np.float64), ROIS])
    assert y.dtype == np.float32
    assert_close(y.numpy(), operation(X, ROIS).numpy())
    assert not layer.weights
    assert layer.compute_output_shape([X.shape, ROIS.shape]) == (3, 3, 2, 3)
    assert layer.compute_output_shape([(None, None, None, 3), (None, 5)]) == (None, 3, 2, 3)
    assert make(dtype="float64")([X, ROIS]).dtype == np.float64
    assert layer([X, ROIS[:0]]).shape == (0, 3, 2, 3)


@pytest.mark.parametrize(("make", "operation"), MAKERS)
def test_configuration(make, operation):
    layer = make(name="one")
    twin = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert twin.get_config() == layer.get_config()
    same = layers.deserialize(layers.serialize(layer))
    assert_close(same([X, ROIS]).numpy(), operation(X, ROIS).numpy())


@pytest.mark.parametrize(("make", "operation"), MAKERS)
def test_a_model_is_trained_and_saved(backend, make, operation, tmp_path):
    x, rois = pycnn.Input((6, 7, 3)), pycnn.Input((5,))
    head = layers.Dense(2)(layers.Flatten()(make()([layers.Conv2D(4, 3, padding="same")(x), rois])))
    model = pycnn.Model([x, rois], head)
    assert head.shape == (None, 2)
    before = [w.numpy().copy() for w in model.weights]
    leaf = model([X, ROIS])
    (leaf * leaf).sum().backward()
    assert all(np.abs(w.grad.numpy()).max() > 0 for w in model.trainable_weights)
    model.save(tmp_path / "model.pycnn")
    again = pycnn.models.load_model(tmp_path / "model.pycnn")
    assert_close(again([X, ROIS]).numpy(), leaf.numpy())
    assert all(np.array_equal(a, w.numpy()) for a, w in zip(before, again.weights, strict=True))


@pytest.mark.parametrize(
    ("make", "inputs", "message"),
    [
        (lambda: layers.RoIPooling2D(0), None, "pool_size must be an integer >= 1"),
        (lambda: layers.RoIPooling2D(2), X, r"RoIPooling2D must be called on \[x, rois\]. Received: input_shape="),
        (lambda: layers.RoIAlign2D(2), [X, ROIS, ROIS], r"RoIAlign2D must be called on \[x, rois\]"),
        (lambda: layers.RoIAlign2D(2), [X, ROIS[:, 1:]], r"rois must have the shape \(regions, 5\)"),
        (lambda: layers.RoIPooling2D(2), [X[0], ROIS], "x must have 4 axes"),
        (lambda: layers.RoIPooling2D(2, 0.0), [X, ROIS], "spatial_scale must be a number above 0"),
        (lambda: layers.RoIAlign2D(2), [X[:1], ROIS], "of one of the 1 images of x"),
    ],
)
def test_errors(make, inputs, message):
    with pytest.raises(ValueError, match=message):
        make()(inputs)
