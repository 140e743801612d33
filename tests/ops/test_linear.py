import numpy as np
import pytest
from helpers import assert_close, normal, peer, strided
from op_checks import assert_matches_torch

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck
from pycnn.ops.activation import logits_of

SHAPES = [
    ((3, 4), (4, 5)),
    ((4,), (4, 5)),
    ((3, 4), (4,)),
    ((4,), (4,)),
    ((2, 3, 4), (4, 5)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (6, 4, 5)),
    ((1, 4), (4, 1)),
    ((0, 4), (4, 5)),
    ((3, 4), (4, 0)),
    ((0, 3, 4), (0, 4, 5)),
]


@pytest.mark.parametrize("shapes", SHAPES)
def test_matmul_agrees_with_torch(backend, shapes):
    a, b = normal(shapes[0], seed=1), normal(shapes[1], seed=2)
    assert_matches_torch(ops.matmul, lambda a, b: a @ b, [a, b])


def test_an_inner_size_of_zero_gives_zeros(backend):
    assert ops.matmul(np.ones((2, 0)), np.ones((0, 3))).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("shapes", [((3, 4), (5, 4)), ((4,), (5,)), ((2, 3, 4), (3, 4, 5)), ((), (4,)), ((4,), ())])
def test_wrong_shapes(backend, shapes):
    with pytest.raises(ValueError, match=r"x1 and x2 must be .* Received: x1.shape=\(.*\), x2.shape=\("):
        ops.matmul(np.ones(shapes[0]), np.ones(shapes[1]))


@pytest.mark.parametrize("activation", [None, "linear", "relu", "tanh", "sigmoid", "softmax", "gelu"])
@pytest.mark.parametrize("lead", [(5,), (2, 3), (), (0,), (1,)])
def test_dense_agrees_with_torch(backend, activation, lead):
    torch = peer("torch")
    twin = {
        None: lambda y: y,
        "linear": lambda y: y,
        "softmax": lambda y: y.softmax(-1),
        "gelu": torch.nn.functional.gelu,
    }.get(activation) or getattr(torch, activation)
    arrays = [normal((*lead, 4), seed=1), normal((4, 3), seed=2), normal((3,), seed=3)]
    assert_matches_torch(
        lambda x, w, b: ops.dense(x, w, b, activation=activation), lambda x, w, b: twin(x @ w + b), arrays
    )


def test_dense_without_bias_and_with_a_callable(backend):
    x, w = normal((2, 4), seed=1), normal((4, 3), seed=2)
    assert_close(ops.dense(x, w).numpy(), x @ w)
    gradcheck(lambda x, w: ops.dense(x, w, activation=lambda y: y * y), [x, w])


def test_dense_of_strided_arrays(backend):
    x, w = strided(normal((3, 4), seed=1)), strided(normal((4, 5), seed=2))
    assert_close(ops.dense(x, w).numpy(), x @ w)
    gradcheck(ops.dense, [x, w])


def test_a_sigmoid_is_fused_only_where_no_loss_can_look_for_its_logits(backend):
    x, w = normal((3, 4), np.float32), normal((4, 2), np.float32)
    recorded = ops.dense(pycnn.Tensor(x, requires_grad=True), w, activation="sigmoid")
    with pycnn.no_grad():
        fused = ops.dense(x, w, activation="sigmoid")
    assert_close(recorded.numpy(), fused.numpy())
    assert logits_of(recorded, "sigmoid") is not None


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 3), (4, 5), (5,)), r"x must be \(..., inputs\) .* Received: x.shape=\(2, 3\), kernel.shape=\(4, 5\)"),
        (((2, 3), (3, 5, 1), (5,)), r"Received: x.shape=\(2, 3\), kernel.shape=\(3, 5, 1\)"),
        (((2, 3), (3, 5), (4,)), r"bias must have the shape \(5,\), one number a unit. Received: bias.shape=\(4,\)"),
    ],
)
def test_dense_checks_shapes(backend, shapes, message):
    with pytest.raises(ValueError, match=message):
        ops.dense(*(np.ones(s) for s in shapes))
