import numpy as np
import pytest
from helpers import normal

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
