import numpy as np
import pytest

import pycnn
from pycnn import config, ops
from pycnn.autograd import gradcheck


def test_constant_tensors(backend):
    for y, expected in (
        (ops.zeros((2, 3)), np.zeros((2, 3), "float32")),
        (ops.ones(4), np.ones(4, "float32")),
        (ops.full((2,), 3), np.full(2, 3, "float32")),
        (ops.full((2,), 3, "int32"), np.full(2, 3, "int32")),
        (ops.eye(2, 3), np.eye(2, 3, dtype="float32")),
        (ops.arange(4), np.arange(4)),
        (ops.arange(1, 2, 0.25), np.float32([1, 1.25, 1.5, 1.75])),
        (ops.linspace(0, 1, 3), np.float32([0, 0.5, 1])),
        (ops.zeros_like(np.ones((2, 2), "int16")), np.zeros((2, 2), "int16")),
        (ops.ones_like(np.zeros(2), dtype="float32"), np.ones(2, "float32")),
    ):
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y.numpy(), expected)


def test_the_default_dtype_is_floatx(backend):
    config.set_floatx("float64")
    assert {ops.zeros(1).dtype, ops.ones(1).dtype, ops.eye(1).dtype, ops.one_hot([0], 1).dtype} == {np.dtype("float64")}


def test_cast(backend):
    x = pycnn.Tensor(np.float32([1.5, -2.5]), requires_grad=True)
    y = ops.cast(x, "float64")
    y.sum().backward()
    assert y.dtype == np.float64
    assert x.grad.dtype == np.float32
    whole = ops.cast(x, "int32")
    assert whole.tolist() == [1, -2]
    assert not whole.requires_grad
    gradcheck(lambda x: ops.cast(x, "float64"), [[1.0]])


def test_one_hot(backend):
    assert ops.one_hot([[1], [0]], 2).tolist() == [[[0.0, 1.0]], [[1.0, 0.0]]]
    assert ops.one_hot([0, 2, -1], 3, axis=0).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    with pytest.raises(TypeError, match=r"x must hold integers. Received: x.dtype=float32"):
        ops.one_hot([0.5], 2)
    with pytest.raises(ValueError, match=r"num_classes must be an integer >= 1. Received: num_classes=0"):
        ops.one_hot([0], 0)


def test_conversions(backend):
    assert ops.shape([[1, 2, 3]]) == (1, 3)
    assert ops.convert_to_tensor([1, 2], "float32").dtype == np.float32
    assert isinstance(ops.convert_to_numpy(ops.zeros(2)), np.ndarray)
    x = pycnn.Tensor([1.0], requires_grad=True)
    assert not ops.stop_gradient(x * 2).requires_grad
