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
