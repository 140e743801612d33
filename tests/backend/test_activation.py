"""Elementwise functions: known values, derivatives, far ends, NaN, and PyTorch."""

import math

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from kernel_calls import run

from pycnn.backend.names import ACTIVATIONS

ALPHA = 0.3
KNOWN = {  # at -1, 0 and 2
    "linear": (-1, 0, 2),
    "relu": (0, 0, 2),
    "relu6": (0, 0, 2),
    "leaky_relu": (-0.3, 0, 2),
    "elu": (0.3 * (math.exp(-1) - 1), 0, 2),
    "selu": (1.0507009873554805 * 1.6732632423543772 * (math.exp(-1) - 1), 0, 2 * 1.0507009873554805),
    "sigmoid": (1 / (1 + math.e), 0.5, 1 / (1 + math.exp(-2))),
    "tanh": (math.tanh(-1), 0, math.tanh(2)),
    "gelu": (-0.5 * math.erfc(1 / math.sqrt(2)), 0, 1 + math.erf(math.sqrt(2))),
    "gelu_tanh": (
        -0.5 * (1 - math.tanh(math.sqrt(2 / math.pi) * 1.044715)),
        0,
        1 + math.tanh(math.sqrt(2 / math.pi) * (2 + 0.044715 * 8)),
    ),
    "silu": (-1 / (1 + math.e), 0, 2 / (1 + math.exp(-2))),
    "softplus": (math.log(1 + math.exp(-1)), math.log(2), math.log(1 + math.exp(2))),
}

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


@every_activation
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
def test_known_values(backend, name, dtype, tolerance):
    y = run(backend, "activation_forward", np.array([-1, 0, 2], dtype), name, ALPHA)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, KNOWN[name], rtol=tolerance, atol=tolerance)


@every_activation
def test_derivative_is_the_slope(backend, name):
    x = np.concatenate([np.linspace(-6, -0.05, 60), np.linspace(0.05, 6.5, 60)])
    gy = normal(120)

    def value(x):
        return run(backend, "activation_forward", x, name, ALPHA)

    slope = (value(x + 1e-6) - value(x - 1e-6)) / 2e-6
    gx = run(backend, "activation_grad", gy, x, value(x), name, ALPHA)
    np.testing.assert_allclose(gx, gy * slope, rtol=1e-7, atol=1e-8)


@every_activation
def test_any_number_of_elements_and_axes(backend, name):
    for shape in [(), (0,), (1,), (3,), (17,), (64,), (67,), (2, 3), (2, 0, 3), (5, 1, 7, 3)]:
        x, gy = normal(shape, "float32", 1), normal(shape, "float32", 2)
        y = run(backend, "activation_forward", x, name, ALPHA)
        each = [run(backend, "activation_forward", x.reshape(-1)[i : i + 1], name, ALPHA)[0] for i in range(x.size)]
        assert y.shape == shape
        np.testing.assert_allclose(y.ravel(), each, rtol=1e-6, atol=1e-7)
        gx = run(backend, "activation_grad", gy, x, y, name, ALPHA)
        assert gx.shape == shape
        assert gx.dtype == np.float32


def test_relu6_is_cut_off_at_six(backend):
    x = np.array([-1, 0, 3, 5.9, 6, 6.1, 1e9])
    y = run(backend, "activation_forward", x, "relu6")
    np.testing.assert_array_equal(y, [0, 0, 3, 5.9, 6, 6, 6])
    np.testing.assert_array_equal(run(backend, "activation_grad", np.ones(7), x, y, "relu6"), [0, 0, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu"])
def test_at_zero_the_slope_is_that_from_below(backend, name):
    x = np.array([0.0, -0.0])
    y = run(backend, "activation_forward", x, name, ALPHA)
    gx = run(backend, "activation_grad", np.ones(2), x, y, name, ALPHA)
    below = {"relu": 0, "leaky_relu": ALPHA, "elu": ALPHA, "selu": 1.7580993408473766}
    np.testing.assert_allclose(gx, below[name], rtol=1e-15)


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_ends_are_finite_limits(backend, name, dtype):
    x = np.array([-1e4, -500, -90, 90, 500, 1e4], dtype)
    y = run(backend, "activation_forward", x, name, ALPHA)
    low = {"linear": x[:3], "leaky_relu": ALPHA * x[:3], "elu": -ALPHA, "selu": -1.7580993408473766, "tanh": -1}
    high = {"relu6": 6, "sigmoid": 1, "tanh": 1, "selu": 1.0507009873554805 * x[3:]}
    np.testing.assert_allclose(y[:3], np.broadcast_to(low.get(name, 0), 3), rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(y[3:], np.broadcast_to(high.get(name, x[3:]), 3), rtol=1e-6)
    gx = run(backend, "activation_grad", np.ones_like(x), x, y, name, ALPHA)
    slopes = {
        "linear": (1, 1),
        "leaky_relu": (ALPHA, 1),
        "selu": (0, 1.0507009873554805),
        "sigmoid": (0, 0),
        "relu6": (0, 0),
    }
    left, right = slopes.get(name, (0, 0) if name == "tanh" else (0, 1))
    np.testing.assert_allclose(gx, [left] * 3 + [right] * 3, rtol=1e-6, atol=1e-30)


@every_activation
def test_nan_stays_nan(backend, name):
    for dtype in ("float32", "float64"):
        for count in (1, 37):
            y = run(backend, "activation_forward", np.full(count, np.nan, dtype), name, ALPHA)
            assert np.isnan(y).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_activation
def test_values_and_gradients_of_pytorch(backend, name, dtype):
    torch = peer("torch")
    F = torch.nn.functional
    function = {
        "linear": lambda x: x * 1,
        "leaky_relu": lambda x: F.leaky_relu(x, ALPHA),
        "elu": lambda x: F.elu(x, ALPHA),
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "softplus": lambda x: F.softplus(x, threshold=1000),
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
    }.get(name) or getattr(F, name)
    x, gy = normal((3, 5, 7, 11), dtype, 1) * 3, normal((3, 5, 7, 11), dtype, 2)
    tx = torch.tensor(x, requires_grad=True)
    ty = function(tx)
    ty.backward(torch.tensor(gy))
    y = run(backend, "activation_forward", x, name, ALPHA)
    assert_close(y, ty.detach().numpy(), {"float32": 1e-6, "float64": 1e-14}[dtype])
    gx = run(backend, "activation_grad", gy, x, y, name, ALPHA)
    assert_close(gx, tx.grad.numpy(), {"float32": 2e-6, "float64": 1e-14}[dtype])


@pytest.mark.parametrize(("name", "bound"), [("sigmoid", 3), ("tanh", 2), ("silu", 3.5), ("softplus", 4), ("elu", 4)])
def test_error_bound_in_units_of_the_last_place(backend, name, bound):
    """Of float32, wherever results are normal numbers; elu near 0 loses what exp(x) - 1 cancels.

    (NumPy's formulas in the reference backend have one more rounding.)
    """
    small = np.geomspace(1e-20, 1, 50_000)
    x = np.concatenate([np.linspace(-80, 80, 200_001), small, -small]).astype(np.float32)
    y, wide = run(backend, "activation_forward", x, name, ALPHA), x.astype(np.float64)
    expected = {
        "sigmoid": lambda: 1 / (1 + np.exp(-wide)),
        "tanh": lambda: np.tanh(wide),
        "silu": lambda: wide / (1 + np.exp(-wide)),
        "softplus": lambda: np.logaddexp(0, wide),
        "elu": lambda: np.where(wide < 0, ALPHA * np.expm1(np.minimum(wide, 0)), wide),
    }[name]()
    normal_numbers = np.abs(expected) > (0.1 if name == "elu" else 1e-37)
    place = np.spacing(np.abs(expected).astype(np.float32))
    assert (np.abs(y - expected) / place)[normal_numbers].max() <= bound + (backend.name == "reference")


def test_error_of_gelu(backend):
    x = np.linspace(-12, 12, 100_001, dtype=np.float32)
    y, wide = run(backend, "activation_forward", x, "gelu"), x.astype(np.float64)
    expected = wide * 0.5 * np.vectorize(math.erfc)(-wide / math.sqrt(2))
    assert (np.abs(y - expected) <= 3e-7 * np.maximum(1, np.abs(expected))).all()
