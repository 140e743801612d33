import numpy as np
import pytest
from helpers import assert_close, normal, peer
from op_checks import assert_matches_torch

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

X, GAMMA, BETA = normal((4, 3, 2, 5)) * 2 + 3, normal((5,), seed=1), normal((5,), seed=2)
MEAN, VARIANCE = normal((5,), seed=3), np.abs(normal((5,), seed=4)) + 0.5


def torch_norm(training):
    functional = peer("torch").nn.functional
    return lambda x, g, b, m=None, v=None: functional.batch_norm(
        x.permute(0, 3, 1, 2), m, v, g, b, training=training, eps=1e-3
    ).permute(0, 2, 3, 1)


def test_training_agrees_with_torch(backend):
    assert_matches_torch(ops.batch_norm, torch_norm(True), [X, GAMMA, BETA])


def test_inference_agrees_with_torch(backend):
    torch = peer("torch")
    m, v = torch.tensor(MEAN), torch.tensor(VARIANCE)
    assert_matches_torch(
        lambda x, g, b: ops.batch_norm(x, g, b, MEAN.astype(x.dtype), VARIANCE.astype(x.dtype)),
        lambda x, g, b: torch_norm(False)(x, g, b, m.to(x.dtype), v.to(x.dtype)),
        [X, GAMMA, BETA],
    )


def test_gradients(backend):
    gradcheck(ops.batch_norm, [X, GAMMA, BETA])
    gradcheck(ops.batch_norm, [X, GAMMA, BETA, MEAN, VARIANCE])
    gradcheck(lambda x: ops.batch_norm(x, mean=MEAN, variance=VARIANCE), [X])
    gradcheck(lambda x: ops.batch_norm(x), [X[:, 0, 0]])


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("activation", [None, "relu", "tanh", "sigmoid", "gelu"])
def test_gradients_with_residual_and_activation(backend, own, activation):
    given = [] if own else [MEAN, VARIANCE]
    residual = normal(X.shape, seed=5)
    gradcheck(lambda *args: ops.batch_norm(*args, activation=activation), [X, GAMMA, BETA, *given])
    gradcheck(
        lambda r, *args: ops.batch_norm(*args, residual=r, activation=activation), [residual, X, GAMMA, BETA, *given]
    )
    gradcheck(lambda r, x: ops.batch_norm(x, residual=r, activation=activation), [residual, X])


@pytest.mark.parametrize("training", [True, False])
def test_end_of_a_residual_block_agrees_with_torch(backend, training):
    torch = peer("torch")
    given = [] if training else [MEAN, VARIANCE]
    moments = [torch.tensor(a) for a in given]

    def block(x, g, b, r):
        return ops.batch_norm(x, g, b, *(a.astype(x.dtype) for a in given), residual=r, activation="relu")

    def torch_block(x, g, b, r):
        return torch.relu(torch_norm(training)(x, g, b, *(a.to(x.dtype) for a in moments)) + r)

    assert_matches_torch(block, torch_block, [X, GAMMA, BETA, normal(X.shape, seed=5)])


def test_residual_may_be_x_itself_and_its_gradient_another_dtype(backend):
    x = pycnn.Tensor(X, requires_grad=True)
    ops.batch_norm(x, GAMMA, residual=x, activation="relu").sum().backward()
    residual = pycnn.Tensor(X.astype(np.float32), requires_grad=True)
    y = ops.batch_norm(X, GAMMA, residual=residual, activation="relu")
    y.sum().backward()
    alone = pycnn.Tensor(X, requires_grad=True)
    ops.batch_norm(alone, GAMMA, residual=X, activation="relu").sum().backward()
    assert residual.grad.dtype == np.float32
    assert y.dtype == np.float64
    assert_close(residual.grad.numpy(), (y.numpy() > 0).astype(np.float32))
    assert_close(x.grad.numpy(), alone.grad.numpy() + residual.grad.numpy())


def test_statistics(backend):
    y, mean, variance = ops.batch_norm(X, return_statistics=True)
    assert_close(mean.numpy(), X.mean(axis=(0, 1, 2)))
    assert_close(variance.numpy(), X.var(axis=(0, 1, 2)))
    assert_close(y.numpy(), (X - X.mean(axis=(0, 1, 2))) / np.sqrt(X.var(axis=(0, 1, 2)) + 1e-3))
    _, mean, variance = ops.batch_norm(X, mean=MEAN, variance=VARIANCE, return_statistics=True)
    assert mean.tolist() == MEAN.tolist()
    assert variance.tolist() == VARIANCE.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.batch_norm(X, GAMMA[:3]), r"gamma must have the shape \(5,\).* Received: gamma.shape=\(3,\)"),
        (lambda: ops.batch_norm(X, mean=MEAN), "mean and variance must be given together"),
        (
            lambda: ops.batch_norm(X, residual=X[:1]),
            r"residual must have the shape of x, .*: residual.shape=\(1, 3, 2, 5\)",
        ),
        (lambda: ops.batch_norm(X[:0]), r"An empty batch has no mean and variance. Received: x.shape=\(0, 3, 2, 5\)"),
    ],
)
def test_errors_name_the_argument(backend, call, message):
    with pytest.raises(ValueError, match=message):
        call()
