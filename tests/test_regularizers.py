import inspect

import numpy as np
import pytest
from helpers import normal, peer

import pycnn
from pycnn import regularizers
from pycnn.autograd import gradcheck

W = normal((3, 4))


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (regularizers.L1(0.1), 0.1 * np.abs(W).sum()),
        (regularizers.L2(0.2), 0.2 * (W**2).sum()),
        (regularizers.L1L2(0.1, 0.2), 0.1 * np.abs(W).sum() + 0.2 * (W**2).sum()),
        (regularizers.L1L2(), 0.0),
    ],
)
def test_values_and_gradients(backend, regularizer, expected):
    assert regularizer(W).item() == pytest.approx(expected)
    gradcheck(regularizer, [W])
    again = regularizers.deserialize(regularizers.serialize(regularizer))
    assert type(again) is type(regularizer)
    assert again(W).item() == regularizer(W).item()


def test_the_dtype_of_the_weight_stays(backend):
    x = pycnn.Tensor(W.astype("float32"), requires_grad=True)
    y = regularizers.L1L2(0.1, 0.2)(x)
    y.backward()
    assert y.dtype == x.grad.dtype == np.float32


def test_identifiers():
    assert regularizers.get("l1").l1 == 0.01
    assert regularizers.get("L2").l2 == 0.01
    assert isinstance(regularizers.get("l1_l2"), regularizers.L1L2)
    assert regularizers.get({"class_name": "L2", "config": {"l2": 0.3}}).l2 == 0.3
    assert regularizers.get(None) is None
    with pytest.raises(ValueError, match=r"Unknown regularizer.* Received: regularizer='l3'"):
        regularizers.get("l3")


@pytest.mark.parametrize("value", [-1, float("nan"), "much", float("inf")])
def test_factors_are_numbers_from_zero(value):
    with pytest.raises(ValueError, match=r"l2 must be a number >= 0. Received: l2="):
        regularizers.L2(value)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_regularizer_is_keras_s(backend, mode):
    keras, torch = peer("keras"), peer("torch")
    expected = keras.regularizers.OrthogonalRegularizer(0.3, mode)(torch.tensor(W)).item()
    penalty = regularizers.OrthogonalRegularizer(0.3, mode)
    assert penalty(W).item() == pytest.approx(expected)
    assert gradcheck(penalty, [W])
    assert regularizers.deserialize(regularizers.serialize(penalty)).get_config() == penalty.get_config()
    with pytest.raises(ValueError, match=r"needs a matrix. Received: x.shape=\(3,\)"):
        penalty(W[:, 0])
    with pytest.raises(ValueError, match="mode must be 'rows' or 'columns'. Received: mode='both'"):
        regularizers.OrthogonalRegularizer(mode="both")


def test_signatures_are_those_of_keras():
    keras = peer("keras")
    for name in ("L1", "L2", "L1L2", "OrthogonalRegularizer"):
        mine, theirs = getattr(regularizers, name), getattr(keras.regularizers, name)
        assert str(inspect.signature(mine)) == str(inspect.signature(theirs))
    for name in ("l1", "l2", "l1_l2", "orthogonal_regularizer"):
        assert type(regularizers.get(name)) is getattr(regularizers, name)
