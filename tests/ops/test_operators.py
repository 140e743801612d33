import operator

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

A, B = np.abs(normal((2, 3), seed=1)) + 0.5, np.abs(normal((2, 3), seed=2)) + 0.5
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.floordiv]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("function", ARITHMETIC + COMPARISONS)
def test_operators_take_tensors_arrays_and_numbers_on_either_side(backend, function):
    for a, b in ((pycnn.Tensor(A), pycnn.Tensor(B)), (pycnn.Tensor(A), B), (A, pycnn.Tensor(B))):
        result = function(a, b)
        assert isinstance(result, pycnn.Tensor)
        np.testing.assert_array_equal(result.numpy(), function(A, B))
    np.testing.assert_array_equal(function(pycnn.Tensor(A), 2).numpy(), function(A, 2))
    np.testing.assert_array_equal(function(2, pycnn.Tensor(A)).numpy(), function(2, A))


def test_matmul_operator(backend):
    for a, b in ((pycnn.Tensor(A), B.T), (A, pycnn.Tensor(B.T))):
        assert_close((a @ b).numpy(), A @ B.T)


def test_unary_operators(backend):
    x = pycnn.Tensor(-A)
    np.testing.assert_array_equal((-x).numpy(), A)
    np.testing.assert_array_equal(abs(x).numpy(), A)
    assert +x is x
    mask = x > 0
    np.testing.assert_array_equal((~mask).numpy(), -A <= 0)
    assert (mask | ~mask).all()
    assert not (mask & ~mask).any()
    assert (mask ^ ~mask).all()


def test_in_place_operators_make_new_tensors(backend):
    x = y = pycnn.Tensor([1.0], requires_grad=True)
    y += 1
    y *= 3
    y.backward()
    assert x.tolist() == [1.0]
    assert x.grad.tolist() == [3.0]


def test_methods(backend):
    x = pycnn.Tensor(A)
    for name in ("sum", "mean", "max", "min", "var", "std", "prod"):
        assert_close(getattr(x, name)(axis=1, keepdims=True).numpy(), getattr(A, name)(axis=1, keepdims=True))
    assert x.argmax().item() == A.argmax()
    assert x.reshape(3, 2).shape == x.reshape((3, -1)).shape == (3, 2)
    assert x.T.shape == x.transpose().shape == x.transpose(1, 0).shape == (3, 2)
    assert x.flatten().shape == (6,)
    assert x.astype("float32").dtype == np.float32
    assert_close(x.clip(0.6, 0.9).numpy(), A.clip(0.6, 0.9))
    assert_close(x.log().exp().square().sqrt().numpy(), A)


def test_tensors_stay_hashable_by_identity(backend):
    a, b = pycnn.Tensor([1.0]), pycnn.Tensor([1.0])
    assert len({a, b, a}) == 2


def test_scalars_of_reductions_go_on_being_tensors(backend):
    gradcheck(lambda x: (x.sum() * 2 + x.mean()) ** 2 / x.max(), [A])


def test_unknown_operations_are_answered_with_close_ones():
    with pytest.raises(AttributeError, match=r"pycnn.ops has no 'conv2'. Did you mean .*conv2d"):
        ops.conv2  # noqa: B018
    with pytest.raises(AttributeError, match=r"There are: .*conv2d"):
        ops.zzzzzz  # noqa: B018


def test_every_public_name_is_a_documented_function():
    for name in set(ops.__all__) - {"image"}:
        function = getattr(ops, name)
        assert callable(function)
        assert function.__doc__, f"ops.{name} has no docstring"
