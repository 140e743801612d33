"""Identity, Lambda, RepeatVector, ActivityRegularization, CategoryEncoding."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

import pycnn
from pycnn import layers


@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        (layers.Identity, (3, 4), (3, 4)),
        (functools.partial(layers.RepeatVector, 3), (2, 4), (2, 3, 4)),
        (functools.partial(layers.ActivityRegularization, 0.1, 0.2), (2, 4), (2, 4)),
    ],
)
def test_layers(backend, make, shape, expected, tmp_path):
    run_layer_test(make, normal(shape), expected, tmp_path)


def test_activity_regularization(backend):
    layer = layers.ActivityRegularization(l1=0.5, l2=0.25)
    layer([[1.0, -2.0]])
    assert [loss.item() for loss in layer.losses] == [2.75]


@pycnn.utils.register_serializable("tests", name="scaled_by")
def scaled_by(x, factor=1.0, training=False):
    return x * factor + (100.0 if training else 0.0)


def test_lambda(backend):
    layer = layers.Lambda(scaled_by, arguments={"factor": 3.0})
    assert layer([[1.0, 2.0]]).tolist() == [[3.0, 6.0]]
    assert layer([[1.0, 2.0]], training=True).tolist() == [[103.0, 106.0]]
    assert layers.Lambda(pycnn.ops.abs)([[-1.0]]).tolist() == [[1.0]]
    assert layers.Lambda(lambda xs: xs[0] - xs[1])([np.full((1, 1), 5.0), np.full((1, 1), 3.0)]).tolist() == [[2.0]]


def test_lambda_shapes(backend):
    assert layers.Lambda(lambda x: x[:, :1]).compute_output_shape((None, 4)) == (None, 1)
    assert layers.Lambda(lambda x: x, output_shape=(7,)).compute_output_shape((None, 4)) == (None, 7)
    assert layers.Lambda(lambda x: x, output_shape=lambda s: (s[0], 9)).compute_output_shape((None, 4)) == (None, 9)


def test_a_lambda_with_a_registered_function_is_saved(backend, tmp_path):
    model = pycnn.Sequential([pycnn.Input((2,)), layers.Lambda(scaled_by, arguments={"factor": 2.0})])
    model.save(tmp_path / "m.pycnn")
    loaded = pycnn.models.load_model(tmp_path / "m.pycnn")
    assert loaded.predict(np.array([[1.0, 2.0]]), verbose=0).tolist() == [[2.0, 4.0]]


def test_a_lambda_with_code_is_not_saved(backend, tmp_path):
    model = pycnn.Sequential([pycnn.Input((2,)), layers.Lambda(lambda x: x * 2, name="twice")])
    with pytest.raises(ValueError, match="Layer 'twice' .Lambda. cannot be saved, for its function is not registered"):
        model.save(tmp_path / "m.pycnn")
    with pytest.raises(ValueError, match="function must name a registered function"):
        layers.Lambda.from_config({"function": {"class_name": "__lambda__", "config": {"code": "..."}}})


def test_category_encoding(backend):
    one = layers.CategoryEncoding(4, "one_hot")
    assert one([3, 0]).tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]
    assert one([[3], [0]]).tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]
    assert layers.CategoryEncoding(4)([[0, 1], [3, 3]]).tolist() == [[1, 1, 0, 0], [0, 0, 0, 1]]
    count = layers.CategoryEncoding(4, "count")
    assert count([[0, 1], [3, 3]]).tolist() == [[1, 1, 0, 0], [0, 0, 0, 2]]
    assert_close(count([[3, 3]], count_weights=[[0.5, 0.25]]).numpy(), np.float32([[0, 0, 0, 0.75]]))
    assert count.compute_output_shape((None, 5)) == (None, 4)
    assert one.compute_output_shape((None, 1)) == (None, 4)
    assert one.compute_output_shape((None,)) == (None, 4)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: layers.RepeatVector(0), ValueError, "n must be an integer >= 1. Received: n=0"),
        (lambda: layers.Lambda(3), TypeError, "function must be callable"),
        (lambda: layers.CategoryEncoding(), ValueError, "num_tokens must be an integer >= 1"),
        (lambda: layers.CategoryEncoding(3, "binary_hot"), ValueError, "output_mode must be"),
        (lambda: layers.CategoryEncoding(3, sparse=True), ValueError, "sparse must be False"),
        (lambda: layers.CategoryEncoding(3)([[3]]), ValueError, "inputs must lie in"),
        (lambda: layers.CategoryEncoding(3)([[2]], count_weights=[[1.0]]), ValueError, "count_weights is for"),
    ],
)
def test_errors(act, error, message):
    with pytest.raises(error, match=message):
        act()
