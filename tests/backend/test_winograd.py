"""Winograd's algorithm: against the specification, as adjoints, its rounding, and where it is chosen."""

import numpy as np
import pytest
from conv_problems import WINOGRAD_PROBLEMS
from helpers import assert_close, inner, normal
from kernel_calls import run

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck
from pycnn.backend import reference
from pycnn.backend.cpu import winograd
from pycnn.backend.geometry import conv_geometry

PASSES = ("forward", "input_grad", "filter_grad")


def problem(name, dtype):
    """Geometry, x, w, bias and gy."""
    x_shape, w_shape, padding, dilation = WINOGRAD_PROBLEMS[name]
    geometry = conv_geometry(x_shape, w_shape, padding=padding, dilation=dilation)
    w = normal(w_shape, dtype, 1) / np.sqrt(np.prod(w_shape[:3])).astype(dtype)
    gy = normal(geometry.output_shape(x_shape[0]), dtype, 3)
    return geometry, normal(x_shape, dtype), w, normal(w_shape[3], dtype, 2), gy


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WINOGRAD_PROBLEMS)
def test_three_passes_agree_with_the_specification(backend, name, dtype):
    geometry, x, w, bias, gy = problem(name, dtype)
    double = [a.astype("float64") for a in (x, w, bias, gy)]
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    y = run(backend, "conv2d_forward", x, w, geometry, bias, gy, "tanh", algorithm="winograd")
    assert_close(y, reference.conv2d_forward(double[0], double[1], geometry, double[2], double[3], "tanh"), tolerance)
    gx = run(backend, "conv2d_input_grad", gy, w, geometry, algorithm="winograd")
    assert_close(gx, reference.conv2d_input_grad(double[3], double[1], geometry), tolerance)
    gw = run(backend, "conv2d_filter_grad", x, gy, geometry, algorithm="winograd")
    assert_close(gw, reference.conv2d_filter_grad(double[0], double[3], geometry), tolerance)


@pytest.mark.parametrize("name", [name for name, (_, w_shape, *_) in WINOGRAD_PROBLEMS.items() if w_shape[0] == 3])
def test_tiles_of_two_outputs(name):
    geometry, x, w, _, gy = problem(name, "float64")
    make = winograd.make_plan
    target = np.full(gy.shape, np.nan)
    y = winograd.winograd_forward(make(geometry, x.dtype, "forward", 2), x, w, None, gy, None, target)
    assert_close(y, reference.conv2d_forward(x, w, geometry) + gy, 1e-13)
    target = np.full(x.shape, np.nan)
    gx = winograd.winograd_forward(make(geometry, x.dtype, "input_grad", 2), gy, w, None, None, None, target)
    assert_close(gx, reference.conv2d_input_grad(gy, w, geometry), 1e-13)
    gw = winograd.winograd_filter_grad(make(geometry, x.dtype, "filter_grad", 2), x, gy, np.full(w.shape, np.nan))
    assert_close(gw, reference.conv2d_filter_grad(x, gy, geometry), 1e-13)


@pytest.mark.parametrize("name", WINOGRAD_PROBLEMS)
def test_adjoints(backend, name):
    geometry, x, w, _, gy = problem(name, "float64")
    forward = inner(gy, run(backend, "conv2d_forward", x, w, geometry, algorithm="winograd"))
    gx = run(backend, "conv2d_input_grad", gy, w, geometry, algorithm="winograd")
    gw = run(backend, "conv2d_filter_grad", x, gy, geometry, algorithm="winograd")
    scale = np.linalg.norm(gy) * np.linalg.norm(x) * np.linalg.norm(w)
    assert abs(forward - inner(gx, x)) < 1e-13 * scale
    assert abs(forward - inner(gw, w)) < 1e-13 * scale


@pytest.mark.parametrize(("side", "channels", "size"), [(3, 32, 28), (3, 512, 7), (5, 96, 14)])
def test_rounding(side, channels, size):
    """The bounds that ``config.set_conv_algorithm`` states, of the largest output."""
    from pycnn.backend import cpu

    shape, w_shape = (2, size, size, channels), (side, side, channels, 64)
    geometry = conv_geometry(shape, w_shape, padding=side // 2)
    x, w = normal(shape, "float32"), normal(w_shape, "float32", 1)
    gy = normal(geometry.output_shape(2), "float32", 2)
    for which, arrays in (("forward", (x, w)), ("input_grad", (gy, w)), ("filter_grad", (x, gy))):
        expected = getattr(reference, f"conv2d_{which}")(*(a.astype("float64") for a in arrays), geometry)
        errors = {
            algorithm: np.abs(getattr(cpu, f"conv2d_{which}")(*arrays, geometry, algorithm=algorithm) - expected).max()
            for algorithm in ("direct", "winograd")
        }
        assert errors["winograd"] < 2e-5 * np.abs(expected).max()
        assert errors["direct"] < 5e-6 * np.abs(expected).max()
        assert errors["winograd"] != errors["direct"]


def outputs(x_shape, w_shape, which="forward", algorithm="auto", dtype="float32", **options):
    """Side of a tile's outputs in the plan, or None where there is none."""
    geometry = conv_geometry(x_shape, w_shape, **options)
    plan = winograd.winograd_plan(geometry, np.dtype(dtype), x_shape[0], which, algorithm)
    return None if plan is None else plan.outputs


def test_where_it_is_chosen():
    large, small = (8, 28, 28, 64), (3, 3, 64, 64)
    for which in PASSES:
        assert outputs(large, small, which, padding=1) == 4
        assert outputs(large, small, which, "direct", padding=1) is None
        assert outputs(large, small, which, dtype="float64", padding=1) is None
        assert outputs(large, small, which, "winograd", "float64", padding=1) == 4
        assert outputs(large, small, which, "winograd", padding=1, strides=2) is None
        assert outputs(large, small, which, padding=2, dilation=2) == 4
        assert outputs(large, (3, 3, 32, 64), which, padding=1, groups=2) is None
        assert outputs((8, 28, 28, 3), (3, 3, 3, 64), which, padding=1) is None
        assert outputs((0, 28, 28, 64), small, which, "winograd", padding=1) is None
        assert outputs((1, 7, 7, 512), (3, 3, 512, 512), which, padding=1) is None
        few_tiles = outputs((1, 14, 14, 512), (3, 3, 512, 512), which, padding=1)
        assert few_tiles == (None if which == "filter_grad" else 4)
        assert outputs((1, 7, 7, 32), (3, 3, 32, 32), which, padding=1) == 2
        assert outputs((4, 28, 28, 32), (5, 5, 32, 96), which, padding=2) == 2
        assert outputs((8, 5, 5, 64), small, which, padding=1) is None  # 39 % of the tiles' outputs are in the image
        assert outputs((4, 17, 17, 64), small, which, padding=4, dilation=4) is None
        assert outputs((8, 5, 5, 64), (5, 5, 64, 64), which, padding=2) is None
    assert outputs(large, (3, 1, 64, 64)) is None


def test_the_argument_and_the_setting(backend):
    x, w = normal((1, 8, 8, 3), "float32"), normal((3, 3, 3, 4), "float32", 1)
    expected = reference.conv2d_forward(x.astype("float64"), w.astype("float64"), conv_geometry(x.shape, w.shape))
    results = {name: ops.conv2d(x, w, algorithm=name).numpy() for name in ("auto", "direct", "winograd")}
    for y in results.values():
        assert_close(y, expected, 1e-5)
    for name, y in results.items():
        pycnn.config.set_conv_algorithm(name)
        np.testing.assert_array_equal(ops.conv2d(x, w).numpy(), y)
    assert ops.conv2d(x, w, strides=2).shape == (1, 3, 3, 4)  # the setting gives way where it cannot be followed
    if backend.name == "cpu":
        assert (results["winograd"] != results["direct"]).any()
        assert (results["auto"] == results["direct"]).all()


def test_gradients(backend):
    arrays = normal((1, 5, 6, 2)), normal((3, 3, 2, 3), seed=1), normal(3, seed=2)
    gradcheck(lambda x, w, b: ops.conv2d(x, w, b, padding=1, activation="tanh", algorithm="winograd"), arrays)
    gradcheck(lambda x, w: ops.conv2d(x, w, padding=2, flip=True, algorithm="winograd"), arrays[:2])


@pytest.mark.parametrize("options", [{"strides": 2}, {"strides": (1, 2)}, {"groups": 2}])
def test_what_cannot_be_is_refused(options):
    w = np.ones((3, 3, 4 // options.get("groups", 1), 2))
    with pytest.raises(ValueError, match=r"algorithm='winograd' needs .* Received: kernel_size=\(3, 3\), "):
        ops.conv2d(np.ones((1, 9, 9, 4)), w, algorithm="winograd", **options)
    with pytest.raises(ValueError, match="Received: algorithm='fast'"):
        ops.conv2d(np.ones((1, 9, 9, 4)), w, algorithm="fast", **options)
    with pytest.raises(ValueError, match="Received: algorithm='fast'"):
        pycnn.config.set_conv_algorithm("fast")
