import numpy as np
import pytest
from helpers import assert_close, normal, peer
from op_checks import assert_matches_torch

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
        (lambda: ops.batch_norm(X[:0]), r"An empty batch has no mean and variance. Received: x.shape=\(0, 3, 2, 5\)"),
    ],
)
def test_errors_name_the_argument(backend, call, message):
    with pytest.raises(ValueError, match=message):
        call()
