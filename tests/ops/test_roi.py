"""Pooling of regions: gradients, those of boxes too, inputs of all kinds, and errors."""

import numpy as np
import pytest
from helpers import assert_close, normal, strided

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

X = normal((2, 6, 7, 3))
IMAGES = np.array([[0.0], [1.0], [1.0], [0.0], [1.0]])
BOXES = np.array(
    [
        [2.31, 1.17, 11.73, 9.59],  # inside
        [-5.13, -3.37, 6.91, 5.43],  # partly outside
        [4.27, 3.11, 5.03, 3.79],  # less than a pixel
        [11.3, 8.9, 3.1, 2.3],  # inverted
        [40.1, 30.3, 50.7, 47.9],  # outside
    ]
)
ROIS = np.concatenate([IMAGES, BOXES], axis=1)
ALL = [ops.roi_pool, ops.roi_align, ops.roi_warp]


def with_images(boxes):
    return ops.concatenate([IMAGES, boxes], axis=1)


def test_gradient_of_max_pooling(backend):
    gradcheck(lambda x: ops.roi_pool(x, ROIS, (3, 2), 0.5), [X])


@pytest.mark.parametrize("options", [{}, {"aligned": False}, {"sampling_ratio": 2}])
def test_gradients_of_alignment(backend, options):
    gradcheck(lambda x, boxes: ops.roi_align(x, with_images(boxes), (2, 3), 0.5, **options), [X, BOXES])


@pytest.mark.parametrize("size", [(2, 3), (1, 2)])
def test_gradients_of_warping(backend, size):
    gradcheck(lambda x, boxes: ops.roi_warp(x, with_images(boxes), size, 0.5), [X, BOXES])


def test_boxes_get_no_gradient_of_max_pooling(backend):
    x, rois = pycnn.Tensor(X, requires_grad=True), pycnn.Tensor(ROIS, requires_grad=True)
    ops.roi_pool(x, rois, 2, 0.5).sum().backward()
    assert x.grad is not None
    assert rois.grad is None


@pytest.mark.parametrize("function", ALL)
def test_strided_inputs_dtypes_and_no_regions(backend, function):
    expected = function(X, ROIS, 2, 0.5)
    assert_close(function(strided(X), strided(ROIS), 2, 0.5).numpy(), expected.numpy())
    narrow = function(X.astype(np.float32), ROIS.astype(np.float32), 2, 0.5)
    assert narrow.dtype == np.float32
    assert_close(narrow.numpy(), expected.numpy(), 2e-5)
    assert function(X.astype(np.float32), ROIS, 2).dtype == np.float64  # the wider one
    assert function(np.ones((1, 4, 4, 2), np.uint8), [[0, 0, 0, 2, 2]], 2).dtype == np.float32
    x, rois = pycnn.Tensor(X, requires_grad=True), pycnn.Tensor(ROIS[:0], requires_grad=True)
    y = function(x, rois, (2, 3))
    assert y.shape == (0, 2, 3, 3)
    y.sum().backward()
    assert not x.grad.numpy().any()
    assert function(X[:0], ROIS[:0], 2).shape == (0, 2, 2, 3)


@pytest.mark.parametrize("function", ALL)
def test_in_a_graph_of_layers(backend, function):
    x, rois = pycnn.Input((6, 7, 3)), pycnn.Input((5,))
    model = pycnn.Model([x, rois], function(x, rois, 2, spatial_scale=0.5))
    assert model.outputs[0].shape == (None, 2, 2, 3)
    y = model([X.astype(np.float32), ROIS.astype(np.float32)])
    assert_close(y.numpy(), function(X, ROIS, 2, 0.5).numpy(), 2e-5)


def changed(column, value):
    rois = ROIS.copy()
    rois[2, column] = value
    return rois


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize(
    ("x", "rois", "message"),
    [
        (X[0], ROIS, "x must have 4 axes"),
        (X, ROIS[:, 1:], r"rois must have the shape \(regions, 5\).* Received: rois.shape=\(5, 4\)"),
        (X, ROIS[0], r"rois must have the shape \(regions, 5\)"),
        (X, changed(0, 2), "index, a whole number, of one of the 2 images of x. Received: rois="),
        (X, changed(0, -1), "of one of the 2 images of x"),
        (X, changed(0, 0.5), "a whole number"),
        (X, changed(0, np.nan), "of one of the 2 images"),
        (X, changed(3, np.nan), "rois must be finite"),
        (X, changed(3, np.inf), "rois must be finite"),
        (X[:0], ROIS, "of one of the 0 images of x"),
    ],
)
def test_errors(backend, function, x, rois, message):
    with pytest.raises(ValueError, match=message):
        function(x, rois, 2)
