"""Batch normalisation kernels."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from kernel_calls import run


def test_sum_of_rows_by_hand(backend):
    np.testing.assert_array_equal(run(backend, "sum_rows", np.arange(12.0).reshape(2, 1, 2, 3)), [18, 22, 26])
    np.testing.assert_array_equal(run(backend, "sum_rows", np.arange(3.0)), [0, 1, 2])
    np.testing.assert_array_equal(run(backend, "sum_rows", np.zeros((0, 5, 3))), [0, 0, 0])
    ones = run(backend, "sum_rows", np.ones((100003, 7), np.float32))
    np.testing.assert_array_equal(ones, np.full(7, 100003, np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_by_hand(backend, dtype):
    x = np.array([[1, 10], [3, 10]], dtype).reshape(2, 1, 1, 2)
    mean, variance = run(backend, "batch_norm_statistics", x)
    np.testing.assert_array_equal(mean, [2, 10])
    np.testing.assert_array_equal(variance, [1, 0])
    assert mean.dtype == variance.dtype == dtype
    gamma, beta = np.array([5, 7], dtype), np.array([100, 200], dtype)
    y = run(backend, "batch_norm_forward", x, mean, variance, gamma, beta, 0.21)
    deviation = 1.1  # sqrt(1 + 0.21)
    assert_close(y.reshape(2, 2), [[100 - 5 / deviation, 200], [100 + 5 / deviation, 200]], 1e-6)
    y = run(backend, "batch_norm_forward", x, mean, variance, None, None, 0.21)
    assert_close(y.reshape(2, 2), [[-1 / deviation, 0], [1 / deviation, 0]], 1e-6)


def test_gradient_is_blind_to_shift_and_scale_of_the_input(backend):
    x, gy = normal((4, 3, 5, 6), seed=1) * 3 + 2, normal((4, 3, 5, 6), seed=2)
    mean, variance = run(backend, "batch_norm_statistics", x)
    gx, ggamma, gbeta = run(backend, "batch_norm_grad", gy, x, mean, variance, np.full(6, 2.0), 0.0)
    axes = (0, 1, 2)
    np.testing.assert_allclose(gx.sum(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose((gx * x).sum(axis=axes), 0, atol=1e-11)
    np.testing.assert_allclose(gbeta, gy.sum(axis=axes), rtol=1e-12)
    np.testing.assert_allclose(ggamma, (gy * (x - mean) / np.sqrt(variance)).sum(axis=axes), rtol=1e-11)


def test_two_passes_keep_the_variance_of_a_large_mean(backend):
    spread = np.tile(np.array([-1, 1], np.float32), 500)
    x = np.repeat((spread + 10000)[:, None], 3, axis=1)
    mean, variance = run(backend, "batch_norm_statistics", x)
    np.testing.assert_allclose(mean, 10000, rtol=1e-7)
    np.testing.assert_allclose(variance, 1, rtol=1e-5)


def test_no_examples_have_mean_and_variance_zero(backend):
    x = np.zeros((0, 4, 4, 3), np.float32)
    for values in run(backend, "batch_norm_statistics", x):
        np.testing.assert_array_equal(values, np.zeros(3, np.float32))
    zeros = np.zeros(3, np.float32)
    gx, ggamma, gbeta = run(backend, "batch_norm_grad", x, x, zeros, zeros, None, 1e-3)
    assert gx.shape == x.shape
    np.testing.assert_array_equal([ggamma, gbeta], np.zeros((2, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 1), (16, 3), (5, 17), (8, 4, 4, 1), (2, 7, 5, 6), (3, 8, 8, 64), (1, 9, 9, 33)])
def test_values_and_gradients_of_pytorch(backend, shape, dtype):
    torch = peer("torch")
    x, gy = normal(shape, dtype, 1) * 2 + 1, normal(shape, dtype, 2)
    gamma, beta = normal(shape[-1], dtype, 3), normal(shape[-1], dtype, 4)
    tx, tgamma, tbeta = (torch.tensor(a, requires_grad=True) for a in (x, gamma, beta))
    rows = tx.reshape(-1, shape[-1])
    ty = torch.nn.functional.batch_norm(rows, None, None, tgamma, tbeta, training=True, eps=1e-3).reshape(shape)
    ty.backward(torch.tensor(gy))
    mean, variance = run(backend, "batch_norm_statistics", x)
    assert_close(mean, rows.mean(dim=0).detach().numpy())
    assert_close(variance, rows.var(dim=0, correction=0).detach().numpy())
    assert_close(run(backend, "batch_norm_forward", x, mean, variance, gamma, beta, 1e-3), ty.detach().numpy())
    gx, ggamma, gbeta = run(backend, "batch_norm_grad", gy, x, mean, variance, gamma, 1e-3)
    scale = {"float32": 2e-5, "float64": 1e-10}[dtype] * np.abs(gy).max()
    np.testing.assert_allclose(gx, tx.grad.numpy(), rtol=0, atol=scale * np.abs(gamma).max())
    assert_close(ggamma, tgamma.grad.numpy())
    assert_close(gbeta, tbeta.grad.numpy())
