"""Softmax and its logarithm along the last axis."""

import math

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from kernel_calls import run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_by_hand(backend, dtype):
    x = np.array([[0, math.log(2), math.log(5)], [1, 1, 1]], dtype)
    expected = np.array([[1 / 8, 2 / 8, 5 / 8], [1 / 3, 1 / 3, 1 / 3]])
    y = run(backend, "softmax_forward", x)
    assert_close(y, expected, {"float32": 2e-7, "float64": 2e-15}[dtype])
    assert_close(run(backend, "log_softmax_forward", x), np.log(expected), {"float32": 2e-7, "float64": 2e-15}[dtype])
    assert y.dtype == dtype


def test_gradients_by_hand(backend):
    y, gy = np.array([[0.25, 0.75]]), np.array([[1.0, 3.0]])  # sum gy*y = 2.5
    assert_close(run(backend, "softmax_grad", gy, y), [[0.25 * -1.5, 0.75 * 0.5]], 1e-15)
    assert_close(run(backend, "log_softmax_grad", gy, np.log(y)), [[1 - 0.25 * 4, 3 - 0.75 * 4]], 1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_and_infinite_logits(backend, dtype):
    x = np.array([[1e4, 1e4, -1e4], [-1e4, -1e4, -1e4], [-np.inf, 0, 0]], dtype)
    half, third = math.log(2), math.log(3)
    expected = [[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0.5, 0.5]]
    np.testing.assert_allclose(run(backend, "softmax_forward", x), expected, rtol=1e-6)
    expected = [[-half, -half, -2e4 - half], [-third, -third, -third], [-np.inf, -half, -half]]
    np.testing.assert_allclose(run(backend, "log_softmax_forward", x), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(5,), (1, 1), (7, 1), (3, 10), (4, 17), (2, 3, 33), (2, 3, 4, 100), (0, 10), (3, 1000)]
)
def test_values_and_gradients_of_pytorch(backend, shape, dtype):
    torch = peer("torch")
    x, gy = normal(shape, dtype, 1) * 4, normal(shape, dtype, 2)
    for name in ("softmax", "log_softmax"):
        tx = torch.tensor(x, requires_grad=True)
        ty = getattr(torch, name)(tx, dim=-1)
        ty.backward(torch.tensor(gy))
        y = run(backend, f"{name}_forward", x)
        assert_close(y, ty.detach().numpy(), {"float32": 1e-6, "float64": 1e-14}[dtype])
        gx = run(backend, f"{name}_grad", gy, y)
        # with one class the gradient is 0, and what is left of the cancellation is as large as gy's last bit
        expected = tx.grad.numpy()
        scale = max(np.abs(gy).max(initial=0), np.abs(expected).max(initial=0))
        np.testing.assert_allclose(gx, expected, rtol=0, atol=scale * {"float32": 2e-6, "float64": 1e-14}[dtype])


def cross_entropy(backend, x, targets, **options):
    """The loss and its gradient."""
    gradient = backend.asarray(np.full(x.shape, 99, x.dtype))
    loss = backend.cross_entropy(backend.asarray(x), backend.asarray(targets), gradient=gradient, **options)
    without = backend.cross_entropy(backend.asarray(x), backend.asarray(targets), **options)
    np.testing.assert_array_equal(backend.to_numpy(loss), backend.to_numpy(without))
    return backend.to_numpy(loss), backend.to_numpy(gradient)


def test_cross_entropy_by_hand(backend):
    x, labels = np.log([[1.0, 2, 5], [4, 2, 2]]), np.array([1, 0])
    loss, gradient = cross_entropy(backend, x, labels)
    np.testing.assert_allclose(loss, [math.log(4), math.log(2)], rtol=1e-14)
    np.testing.assert_allclose(gradient, [[1 / 8, -3 / 4, 5 / 8], [-1 / 2, 1 / 4, 1 / 4]], rtol=1e-14)
    mean, gradient = cross_entropy(backend, x, labels, mean=True)
    assert mean.shape == ()
    assert float(mean) == pytest.approx(1.5 * math.log(2), rel=1e-14)
    np.testing.assert_allclose(gradient, [[1 / 16, -3 / 8, 5 / 16], [-1 / 4, 1 / 8, 1 / 8]], rtol=1e-14)
    targets = np.array([[0.0, 2, 1], [0, 0, 0]])
    loss, gradient = cross_entropy(backend, x, targets)
    np.testing.assert_allclose(loss, [2 * math.log(4) - math.log(5 / 8), 0], rtol=1e-14)
    np.testing.assert_allclose(gradient, [[3 / 8, 3 / 4 - 2, 15 / 8 - 1], [0, 0, 0]], rtol=1e-14)
    loss, _ = cross_entropy(backend, x, np.array([[0.0, 1, 0], [1, 0, 0]]), smoothing=0.3)
    expected = [
        0.8 * math.log(4) + 0.1 * (math.log(8) - math.log(5 / 8)),
        0.8 * math.log(2) + 0.2 * math.log(4),
    ]
    np.testing.assert_allclose(loss, expected, rtol=1e-14)


def test_labels_that_are_none_give_nan(backend):
    x = np.zeros((3, 4))
    loss, _ = cross_entropy(backend, x, np.array([-1, 3, 4]))
    np.testing.assert_array_equal(np.isnan(loss), [True, False, True])
    mean, _ = cross_entropy(backend, x, np.array([-1, 3, 0]), mean=True)
    assert np.isnan(mean)


@pytest.mark.parametrize("labels", [np.int32, np.uint8, np.longlong])
def test_labels_of_every_type(backend, labels):
    x = normal((6, 5))
    expected, _ = cross_entropy(backend, x, np.arange(6) % 5)
    np.testing.assert_array_equal(cross_entropy(backend, x, (np.arange(6) % 5).astype(labels))[0], expected)


def test_cross_entropy_of_far_logits(backend):
    x = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [0, -np.inf, 0]], np.float32)
    loss, gradient = cross_entropy(backend, x, np.array([1, 0, 2]))
    np.testing.assert_allclose(loss, [2e4, math.log(3), math.log(2)], rtol=1e-6)
    np.testing.assert_allclose(gradient, [[1, -1, 0], [-2 / 3, 1 / 3, 1 / 3], [0.5, 0, -0.5]], rtol=1e-6)


@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (32, 10), (4, 17), (2, 3, 33), (5000, 7), (3, 1000)])
def test_cross_entropy_of_pytorch(backend, shape, dtype, mean):
    torch = peer("torch")
    x = normal(shape, dtype, 1) * 4
    labels = np.random.default_rng(2).integers(0, shape[-1], shape[:-1])
    soft = np.exp(normal(shape, dtype, 3))
    soft /= soft.sum(axis=-1, keepdims=True)
    for targets, smoothing in ((labels, 0.0), (soft, 0.0), (soft, 0.1)):
        tx = torch.tensor(x.reshape(-1, shape[-1]), requires_grad=True)
        tt = torch.tensor(targets.reshape(-1, shape[-1]) if targets is soft else targets.reshape(-1))
        wanted = torch.nn.functional.cross_entropy(
            tx, tt, reduction="mean" if mean else "none", label_smoothing=smoothing
        )
        wanted.sum().backward()
        loss, gradient = cross_entropy(backend, x, targets, smoothing=smoothing, mean=mean)
        assert_close(loss.reshape(-1), wanted.detach().numpy().reshape(-1), {"float32": 3e-6, "float64": 1e-13}[dtype])
        expected = tx.grad.numpy().reshape(shape)
        scale = 1 / labels.size if mean else 1
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=scale * {"float32": 2e-6, "float64": 1e-14}[dtype])


def test_nothing_is_added_where_the_target_is_zero(backend):
    x, targets = np.array([[0.0, -np.inf, 0.0]]), np.array([[0.5, 0.0, 0.5]])
    loss, gradient = cross_entropy(backend, x, targets)
    np.testing.assert_allclose(loss, [math.log(2)], rtol=1e-15)
    np.testing.assert_allclose(gradient, [[0, 0, 0]], atol=1e-15)
