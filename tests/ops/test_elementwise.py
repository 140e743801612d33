import numpy as np
import pytest
from helpers import normal
from op_checks import assert_matches_torch

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

ANY, POSITIVE = normal((3, 5)), np.abs(normal((3, 5))) + 0.1
UNARY = {
    "negative": ANY,
    "absolute": ANY,
    "square": ANY,
    "exp": ANY,
    "expm1": ANY,
    "log": POSITIVE,
    "log1p": POSITIVE,
    "sqrt": POSITIVE,
    "rsqrt": POSITIVE,
    "reciprocal": POSITIVE,
    "sin": ANY,
    "cos": ANY,
    "arctan": ANY,
}


@pytest.mark.parametrize("name", UNARY)
def test_unary_functions_agree_with_torch(backend, name):
    assert_matches_torch(getattr(ops, name), lambda x: getattr(x, name)(), [UNARY[name]])
    gradcheck(getattr(ops, name), [UNARY[name]])


@pytest.mark.parametrize("bounds", [(-0.5, 0.5), (None, 0.2), (0.1, None), (None, None)])
def test_clip(backend, bounds):
    if bounds == (None, None):
        assert ops.clip(ANY).numpy().tolist() == ANY.tolist()
        gradcheck(ops.clip, [ANY])
    else:
        assert_matches_torch(lambda x: ops.clip(x, *bounds), lambda x: x.clamp(*bounds), [ANY])


def test_clip_between_arrays(backend):
    assert ops.clip([1.0, 5.0, -3.0], [2.0, 2.0, 2.0], 4).tolist() == [2.0, 4.0, 2.0]
    assert ops.clip([1.0, 5.0], x_min=None, x_max=[0.0, 9.0]).tolist() == [0.0, 5.0]
    gradcheck(ops.clip, [np.array([1.0, 5.0, -3.0]), np.array([0.0, 2.0, 2.0]), np.array([4.0, 4.0, 9.0])])


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "isnan", "isfinite", "logical_not"])
def test_functions_without_gradient(backend, name):
    x = pycnn.Tensor([-1.5, 0.0, 2.5, np.nan, np.inf], requires_grad=True)
    y = getattr(ops, name)(x)
    np.testing.assert_array_equal(y.numpy(), getattr(np, name)(x.numpy()))
    assert not y.requires_grad


def test_round_takes_halves_to_even(backend):
    assert ops.round([0.5, 1.5, 2.4, -0.5]).tolist() == [0.0, 2.0, 2.0, 0.0]


@pytest.mark.parametrize(
    "name",
    [
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "logical_and",
        "logical_or",
        "logical_xor",
    ],
)
def test_comparisons(backend, name):
    a, b = np.array([0.0, 1.0, 2.0]), np.array([[0.0], [2.0]])
    y = getattr(ops, name)(a, b)
    assert y.dtype == bool
    np.testing.assert_array_equal(y.numpy(), getattr(np, name)(a, b))
    np.testing.assert_array_equal(getattr(ops, name)(a, 1).numpy(), getattr(np, name)(a, 1))


def test_comparison_with_a_number_is_made_in_the_dtype_of_the_tensor(backend):
    assert (pycnn.Tensor([0.1]) == 0.1).tolist() == [True]
