"""Batch normalisation kernels."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from kernel_calls import run

from pycnn.backend import reference
from pycnn.backend.names import FUSED_ACTIVATIONS


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


@pytest.mark.parametrize("channels", [3, 64, 300])
@pytest.mark.parametrize("outliers", [0, 1, 2000])
def test_statistics_keep_the_variance_of_a_large_mean(backend, channels, outliers):
    """mean / deviation = 1e4 in float32; a few first pixels elsewhere do not make the rest inexact."""
    x = np.tile(np.array([-1, 1], np.float32), 8000)[:, None] + np.full(channels, 10000, np.float32)
    x[:outliers] = np.arange(outliers)[:, None] % 3
    mean, variance = run(backend, "batch_norm_statistics", x)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=2e-7)
    np.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-5)


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("shape", [(7, 1), (50, 3), (9, 130), (5, 7, 257), (40, 21, 21, 5)])
def test_residual_and_activation_are_those_of_passes_of_their_own(backend, shape, own, activation):
    x, gy, residual = (normal(shape, seed=i) * 2 + 1 for i in range(3))
    gamma, beta, mean = (normal(shape[-1], seed=i) for i in range(3, 6))
    variance = np.abs(normal(shape[-1], seed=6))
    moments = (mean, variance, gamma)
    plain = reference.batch_norm_forward(x, *moments, beta, 1e-3) + residual
    expected = reference.activation_forward(plain, activation or "linear")
    y = run(backend, "batch_norm_forward", x, *moments, beta, 1e-3, residual, activation)
    assert_close(y, expected, 1e-12)
    through = reference.activation_grad(gy, None, expected, activation or "linear")
    wanted = reference.batch_norm_grad(through, x, *moments, 1e-3, own_statistics=own)
    residual_grad = backend.asarray(np.full(shape, 9.0))
    options = {"activation": activation, "own_statistics": own}
    results = run(backend, "batch_norm_grad", gy, x, *moments, 1e-3, y, residual_grad=residual_grad, **options)
    assert_close(backend.to_numpy(residual_grad), through, 1e-12)
    for actual, value in zip(results, wanted, strict=True):
        assert_close(actual, value, 1e-11)
    for actual, value in zip(run(backend, "batch_norm_grad", gy, x, *moments, 1e-3, y, **options), wanted, strict=True):
        assert_close(actual, value, 1e-11)


def test_y_is_computed_again_where_there_was_no_residual(backend):
    x, gy = normal((60, 19)), normal((60, 19), seed=1)
    mean, variance, gamma, beta = x.mean(axis=0), x.var(axis=0), normal(19, seed=2), normal(19, seed=3)
    for activation in FUSED_ACTIVATIONS:
        y = reference.batch_norm_forward(x, mean, variance, gamma, beta, 1e-3, activation=activation)
        expected = reference.batch_norm_grad(gy, x, mean, variance, gamma, 1e-3, y, activation)
        options = {"activation": activation, "beta": beta}
        for actual, value in zip(
            run(backend, "batch_norm_grad", gy, x, mean, variance, gamma, 1e-3, **options), expected, strict=True
        ):
            assert_close(actual, value, 1e-11)


@pytest.mark.parametrize("own", [True, False])
def test_in_place(backend, own):
    x, gy, residual = (backend.asarray(normal((30, 6, 5), seed=i)) for i in range(3))
    mean, variance = backend.batch_norm_statistics(x)
    call = (mean, variance, None, None, 1e-3)
    expected = backend.to_numpy(backend.batch_norm_forward(x, *call, residual, "relu"))
    for place in (0, 1):
        arrays = [backend.asarray(backend.to_numpy(a).copy()) for a in (x, residual)]
        y = backend.batch_norm_forward(arrays[0], *call, arrays[1], "relu", out=arrays[place])
        assert y is arrays[place]
        np.testing.assert_array_equal(backend.to_numpy(y), expected)
    call, options = (mean, variance, None, 1e-3, y, "relu"), {"own_statistics": own}
    rgrad = backend.asarray(np.empty(x.shape))
    gx = backend.to_numpy(backend.batch_norm_grad(gy, x, *call, residual_grad=rgrad, **options)[0])
    for place in (0, 1):
        arrays = [backend.asarray(backend.to_numpy(a).copy()) for a in (gy, x)]
        rgrad_too = backend.asarray(np.empty(x.shape)) if place == 0 else arrays[0]
        out = backend.batch_norm_grad(*arrays, *call, out=arrays[place], residual_grad=rgrad_too, **options)[0]
        assert out is arrays[place]
        np.testing.assert_array_equal(backend.to_numpy(out), gx)
        np.testing.assert_array_equal(backend.to_numpy(rgrad_too), backend.to_numpy(rgrad))


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
