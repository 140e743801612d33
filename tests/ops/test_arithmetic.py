import numpy as np
import pytest
from helpers import assert_close, normal
from op_checks import assert_matches_torch

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

BINARY = {
    "add": lambda torch: torch.add,
    "subtract": lambda torch: torch.subtract,
    "multiply": lambda torch: torch.multiply,
    "divide": lambda torch: torch.divide,
    "power": lambda torch: torch.pow,
    "mod": lambda torch: torch.remainder,
    "maximum": lambda torch: torch.maximum,
    "minimum": lambda torch: torch.minimum,
}
SHAPES = [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2, 3)), ((1, 1), (5,)), ((0, 3), (3,))]


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("shapes", SHAPES)
def test_binary_operations_agree_with_torch(backend, name, shapes):
    a, b = normal(shapes[0], seed=1), normal(shapes[1], seed=2)
    if name in ("divide", "power", "mod"):
        a, b = np.abs(a) + 0.5, np.abs(b) + 0.5
    assert_matches_torch(getattr(ops, name), lambda x, y: BINARY[name](__import__("torch"))(x, y), [a, b])


LARGE = [  # beyond what xp does; the last two are stretched along axes that no kernel takes
    ((9, 11, 90), (9, 11, 90)), ((9, 11, 90), (90,)), ((9, 1, 90), (9, 11, 90)), ((9, 11, 90), (9, 11, 1)),
    ((9, 11, 90), ()), ((9, 11, 90), (1, 11, 1)), ((9, 11, 1), (90,)),
]  # fmt: skip


@pytest.mark.parametrize("name", ["add", "multiply"])
@pytest.mark.parametrize("shapes", LARGE)
def test_large_sums_and_products_agree_with_torch(backend, name, shapes):
    a, b = normal(shapes[0], seed=1), normal(shapes[1], seed=2)
    function = getattr(ops, name)
    assert_matches_torch(function, lambda x, y: BINARY[name](__import__("torch"))(x, y), [a, b])
    for constant in (0, 1):
        leaves = [pycnn.Tensor(x, requires_grad=i != constant) for i, x in enumerate((a, b))]
        wanted = [pycnn.Tensor(x, requires_grad=True) for x in (a, b)]
        y = function(*leaves)
        y.backward(np.cos(y.numpy()))
        function(*wanted).backward(np.cos(y.numpy()))
        assert leaves[constant].grad is None
        assert_close(leaves[1 - constant].grad.numpy(), wanted[1 - constant].grad.numpy())


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("number", [2, 3.5])
def test_numbers_on_either_side(backend, name, number):
    function = getattr(ops, name)
    x = np.abs(normal((2, 3), seed=3)) + 0.7
    gradcheck(lambda x: function(x, number), [x])
    gradcheck(lambda x: function(number, x), [x])
    expected = {
        "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
        "power": np.power, "mod": np.mod, "maximum": np.maximum, "minimum": np.minimum,
    }[name]  # fmt: skip
    np.testing.assert_array_equal(function(x, number).numpy(), expected(x, number))
    np.testing.assert_array_equal(function(number, x).numpy(), expected(number, x))


def test_equal_values_share_the_gradient_of_an_extreme(backend):
    assert_matches_torch(ops.maximum, lambda a, b: a.maximum(b), [np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])])
    assert_matches_torch(ops.minimum, lambda a, b: a.minimum(b), [np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])])


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5, -1.5])
def test_powers_of_zero_and_beyond(backend, exponent):
    x = np.array([0.0, 0.5, 2.0]) if exponent >= 1 or exponent == 0 else np.array([0.5, 2.0])
    assert_matches_torch(lambda x: ops.power(x, exponent), lambda x: x**exponent, [x])


def test_zero_to_a_power_has_a_finite_gradient_in_the_exponent(backend):
    assert_matches_torch(ops.power, lambda a, b: a**b, [np.array([0.0, 2.0]), np.array([2.0, 0.0])])
    y = pycnn.Tensor([2.0], requires_grad=True)
    ops.power(0, y).backward()
    assert y.grad.tolist() == [0.0]


def test_floor_division_has_no_gradient(backend):
    x = pycnn.Tensor([5.0, -5.0], requires_grad=True)
    y = ops.floor_divide(x, 2)
    assert y.tolist() == [2.0, -3.0]
    assert not y.requires_grad


@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((3,), (2, 1)), ((2, 3), ())])
def test_where_agrees_with_torch(backend, shapes):
    a, b = normal(shapes[0], seed=1), normal(shapes[1], seed=2)
    condition = np.array([[True, False, True], [False, False, True]])
    torch_condition = condition.tolist()
    assert_matches_torch(
        lambda a, b: ops.where(condition, a, b),
        lambda a, b: __import__("torch").where(__import__("torch").tensor(torch_condition), a, b),
        [a, b],
    )


def test_where_with_a_number(backend):
    x = pycnn.Tensor([1.0, -2.0], requires_grad=True)
    y = ops.where(x > 0, x, 0.0)
    y.sum().backward()
    assert y.tolist() == [1.0, 0.0]
    assert x.grad.tolist() == [1.0, 0.0]
    assert y.dtype == np.float32


def test_the_gradient_of_a_tensor_used_twice_adds_up(backend):
    gradcheck(lambda x: x * x + x / x - x, [np.array([1.0, -2.0])])


def test_a_float32_input_of_a_float64_result_gets_a_float32_gradient(backend):
    x = pycnn.Tensor(np.float32([1, 2]), requires_grad=True)
    y = x * np.float64([3, 4])
    assert y.dtype == np.float64
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [3.0, 4.0]


def test_add_clipped(backend):
    x, shift = np.array([[0.0, 0.5, 2.0], [-3.0, 0.25, 0.9]]), np.array([[0.25], [-1.0]])
    y = ops.add_clipped(x, shift, -1.0, 1.0)
    np.testing.assert_array_equal(y.numpy(), [[0.25, 0.75, 1], [-1, -0.75, -1.0 + 0.9]])
    gradcheck(lambda x, shift: ops.add_clipped(x, shift, -1.0, 1.0), [x, shift])
    with pytest.raises(ValueError, match="x2 of x1's shape but for one run of axes"):
        ops.add_clipped(x, np.ones((2, 2)), 0.0, 1.0)
