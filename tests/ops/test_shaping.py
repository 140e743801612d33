import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

X, WIDE = normal((2, 3, 4)), (5, 2, 3, 4)
CASES = {
    "reshape": (lambda x: ops.reshape(x, (6, 4)), lambda x: x.reshape(6, 4)),
    "reshape with -1": (lambda x: ops.reshape(x, 4, -1), lambda x: x.reshape(4, -1)),
    "flatten": (ops.flatten, lambda x: x.reshape(-1)),
    "transpose": (ops.transpose, lambda x: x.transpose()),
    "transpose with axes": (lambda x: ops.transpose(x, (1, 2, 0)), lambda x: x.transpose(1, 2, 0)),
    "permute": (lambda x: ops.permute(x, 1, -1, 0), lambda x: x.transpose(1, 2, 0)),
    "moveaxis": (lambda x: ops.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1)),
    "moveaxis to the middle": (lambda x: ops.moveaxis(x, 2, 1), lambda x: np.moveaxis(x, 2, 1)),
    "swapaxes": (lambda x: ops.swapaxes(x, 0, -1), lambda x: np.swapaxes(x, 0, -1)),
    "expand_dims": (lambda x: ops.expand_dims(x, 1), lambda x: np.expand_dims(x, 1)),
    "expand_dims at the end": (lambda x: ops.expand_dims(x, -1), lambda x: np.expand_dims(x, -1)),
    "expand_dims twice": (lambda x: ops.expand_dims(x, (0, -1)), lambda x: np.expand_dims(x, (0, -1))),
    "squeeze": (lambda x: ops.squeeze(ops.expand_dims(x, (0, 2))), lambda x: x),
    "squeeze an axis": (lambda x: ops.squeeze(ops.expand_dims(x, (0, 2)), 2), lambda x: x[None]),
    "flip": (ops.flip, lambda x: np.flip(x)),
    "flip two axes": (lambda x: ops.flip(x, axis=(0, -1)), lambda x: np.flip(x, (0, -1))),
    "broadcast_to": (lambda x: ops.broadcast_to(x[:, :1], WIDE), lambda x: np.broadcast_to(x[:, :1], WIDE)),
    "repeat": (lambda x: ops.repeat(x, 3, axis=1), lambda x: np.repeat(x, 3, axis=1)),
    "repeat the last": (lambda x: ops.repeat(x, 2, axis=-1), lambda x: np.repeat(x, 2, axis=-1)),
    "concatenate": (lambda x: ops.concatenate([x, x * 2, x], axis=1), lambda x: np.concatenate([x, x * 2, x], 1)),
    "concat": (lambda x: ops.concat([x, x[..., :1]], axis=-1), lambda x: np.concatenate([x, x[..., :1]], -1)),
    "stack": (lambda x: ops.stack([x, -x]), lambda x: np.stack([x, -x])),
    "stack at the end": (lambda x: ops.stack([x, -x], axis=-1), lambda x: np.stack([x, -x], axis=-1)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_values_as_numpy_and_gradients(backend, case):
    function, expected = CASES[case]
    assert_close(function(X).numpy(), expected(X))
    gradcheck(function, [X])


@pytest.mark.parametrize("cuts", [2, [1, 3], [-1], [], [2, 2], [9]])
def test_split(backend, cuts):
    x = normal((2, 4, 3))
    parts, expected = ops.split(x, cuts, axis=1), np.split(x, cuts, axis=1)
    assert len(parts) == len(expected)
    for part, array in zip(parts, expected, strict=True):
        assert_close(part.numpy(), array)
    gradcheck(lambda x: tuple(ops.split(x, cuts, axis=1)), [x])


def test_only_one_part_of_a_split_used(backend):
    gradcheck(lambda x: ops.split(x, 2, axis=1)[1], [normal((2, 4))])


def test_concatenate_passes_gradients_to_whom_they_belong(backend):
    a, b = pycnn.Tensor(np.ones((1, 2)), requires_grad=True), pycnn.Tensor(np.ones((2, 2)))
    y = ops.concatenate([a, b])
    y.backward(np.arange(6.0).reshape(3, 2))
    assert a.grad.tolist() == [[0.0, 1.0]]
    assert b.grad is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.reshape(X, (5, 5)), r"newshape must hold the 24 elements of x. Received: newshape=\(5, 5\)"),
        (lambda: ops.reshape(X, (-1, -1)), "Received: newshape="),
        (lambda: ops.reshape(X, (-1, 7)), "Received: newshape="),
        (lambda: ops.transpose(X, (0, 1)), r"axes must name each of the 3 axes once. Received: axes=\(0, 1\)"),
        (lambda: ops.transpose(X, (0, 1, 5)), "axes must be an integer from -3 to 2"),
        (lambda: ops.squeeze(X, 0), r"axis must name axes of size 1. Received: axis=0"),
        (lambda: ops.concatenate([X, X[:1]], axis=1), r"xs must agree in all axes but axis=1. Received: shapes"),
        (lambda: ops.concatenate([]), r"Received: xs=\[\]"),
        (lambda: ops.stack([X, X[:1]]), r"x must hold .* one shape. Received: shapes"),
        (lambda: ops.split(X, 5, axis=1), "indices_or_sections must divide the size 3 of axis 1. Received: "),
    ],
)  # fmt: skip
def test_errors_name_the_argument(backend, call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_empty_tensor_can_be_reshaped(backend):
    assert ops.reshape(np.zeros((0, 3, 2)), (0, 6)).shape == (0, 6)
    assert ops.reshape(np.zeros((0, 3)), (3, 0)).shape == (3, 0)
