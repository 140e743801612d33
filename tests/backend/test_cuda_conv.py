"""Convolutions and products on a GPU: each way to compute them is taken, and as accurate as it is said to be."""

import re

import ml_dtypes  # noqa: F401  which tells NumPy of bfloat16
import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from cuda_emulator import machine
from cuda_emulator.backend import on_gpus
from helpers import assert_close, normal
from kernel_calls import run

import pycnn
from pycnn.backend import reference
from pycnn.backend.geometry import conv_geometry
from pycnn.backend.recording import of_weights_alone

MEMBERS = ("conv2d_forward", "conv2d_input_grad", "conv2d_filter_grad")
PLAIN = ((2, 9, 8, 20), (3, 3, 20, 36), {"padding": 1})
WIDE = ((1, 12, 13, 68), (3, 2, 68, 132), {"padding": ((1, 0), (0, 2)), "strides": (1, 2), "dilation": (2, 1)})
BROAD = ((2, 9, 8, 36), (3, 3, 36, 100), {"padding": "same"})
GROUPS = ((1, 9, 11, 72), (3, 3, 24, 60), {"padding": ((2, 1), (0, 1)), "strides": 2, "groups": 3})
FEW = ((2, 12, 11, 5), (3, 3, 5, 7), {"padding": 2, "strides": (2, 1)})
DEPTHWISE = ((2, 9, 13, 40), (4, 3, 1, 40), {"padding": "same", "groups": 40, "strides": 2})
EIGHTS = ((1, 9, 11, 72), (3, 3, 24, 72), {"padding": ((2, 1), (0, 1)), "strides": 2, "groups": 3})
EIGHTS_WIDE = ((1, 12, 13, 72), (3, 2, 72, 136), {"padding": ((1, 0), (0, 2)), "strides": (1, 2), "dilation": (2, 1)})
EIGHTS_BROAD = ((2, 9, 8, 40), (3, 3, 40, 104), {"padding": "same"})
POINTWISE = ((2, 10, 9, 40), (1, 1, 40, 24), {"strides": 3})
TF32 = {"CUPY_TF32": "1"}
DENSE = ((2, 7, 6, 70), (1, 1, 70, 66), {})

PATHS = {
    "exact, small tiles": (PLAIN, "float32", {}, ["exact_64x64"] * 3),
    "exact, large tiles": (WIDE, "float32", {"_FULL": 1}, ["exact_128x64", "exact_128x128", "exact_128x64"]),
    "exact, groups": (GROUPS, "float32", {}, ["exact_64x64"] * 3),
    "exact, 1x1": (POINTWISE, "float32", {}, ["exact_64x64"] * 3),
    "tf32, small tiles": (GROUPS, "float32", {"precision": "high"}, ["tf32_64x64"] * 3),
    "tf32, large tiles": (
        WIDE,
        "float32",
        {"precision": "high", "_FULL": 1},
        ["tf32_128x64", "tf32_128x128", "tf32_128x64"],
    ),
    "exact, broad": (BROAD, "float32", {"_FULL": 1}, ["exact_128x128", "exact_128x64", "exact_128x128"]),
    "tf32, broad": (
        BROAD,
        "float32",
        {"precision": "high", "_FULL": 1},
        ["tf32_128x128", "tf32_128x64", "tf32_128x128"],
    ),
    "dense 1x1, double": (DENSE, "float64", {"long": 64}, [None] * 3),
    "dense 1x1, odd channels": (DENSE, "float32", {"long": 64}, [None] * 3),
    "dense 1x1, tf32": (
        DENSE,
        "float32",
        {"precision": "high", "long": 64, "environment": {"CUPY_TF32": "1"}},
        [None] * 3,
    ),
    "dense 1x1, no tf32": (DENSE, "float32", {"long": 64, "environment": TF32}, ["square"] * 3),
    "older chips": (PLAIN, "float32", {"compute_capability": lambda: 75}, ["square"] * 3),
    "double": (GROUPS, "float64", {}, ["square"] * 3),
    "few channels": (FEW, "float32", {}, ["thin"] * 3),
    "few channels, double": (FEW, "float64", {}, ["thin"] * 3),
    "depthwise": (DEPTHWISE, "float32", {}, ["grouped"] * 3),
    "depthwise, double": (DEPTHWISE, "float64", {}, ["grouped"] * 3),
    "depthwise, slices": (DEPTHWISE, "float32", {"_PIXELS": 9}, ["grouped"] * 3),
    "few channels, slices": (FEW, "float32", {"_PIXELS": 50}, ["thin"] * 3),
    "few channels, many slices": (FEW, "float64", {"_PIXELS": 5}, ["thin"] * 3),
    "exact, slices": (PLAIN, "float32", {"_PIXELS": 40}, ["exact_64x64"] * 3),
    "float16, small tiles": (EIGHTS, "float16", {}, ["half_64x64"] * 3),
    "bfloat16, small tiles": (EIGHTS, "bfloat16", {}, ["half_64x64"] * 3),
    "float16, large tiles": (EIGHTS_WIDE, "float16", {"_FULL": 1}, ["half_128x64", "half_128x128", "half_128x64"]),
    "bfloat16, large tiles": (EIGHTS_WIDE, "bfloat16", {"_FULL": 1}, ["half_128x64", "half_128x128", "half_128x64"]),
    "float16, broad": (EIGHTS_BROAD, "float16", {"_FULL": 1}, ["half_128x128", "half_128x64", "half_128x128"]),
    "bfloat16, slices": (EIGHTS_BROAD, "bfloat16", {"_PIXELS": 40}, ["half_64x64"] * 3),
    "float16, odd channels": (PLAIN, "float16", {}, ["square"] * 3),
    "bfloat16, older chips": (EIGHTS, "bfloat16", {"compute_capability": lambda: 75}, ["square"] * 3),
    "float16, few channels, slices": (FEW, "float16", {"_PIXELS": 50}, ["thin"] * 3),
    "float16, depthwise": (DEPTHWISE, "float16", {}, ["grouped"] * 3),
    "bfloat16, dense 1x1": (DENSE, "bfloat16", {"long": 64}, ["square"] * 3),
}


@pytest.fixture
def take(backend, monkeypatch):
    """Set what decides on the path; what is returned lists the launches."""

    def take(precision="highest", long=512, environment=(), **attributes):
        pycnn.config.set_float32_precision(precision)
        monkeypatch.setattr(backend.cublas, "LONG", long)
        for name, value in dict(environment).items():
            monkeypatch.setenv(name, value)
        for name, value in attributes.items():
            monkeypatch.setattr(backend.conv, name, value)
        launches, launch = [], backend.conv.launch

        def recorded(source, kernel, grid, *arguments, **options):
            launches.append((kernel, arguments))
            launch(source, kernel, grid, *arguments, **options)

        monkeypatch.setattr(backend.conv, "launch", recorded)
        return launches

    return take


def problem(shapes, dtype):
    """Geometry, and the arrays of each pass by member."""
    x_shape, w_shape, options = shapes
    geometry = conv_geometry(x_shape, w_shape, **options)
    x, w = normal(x_shape, dtype, 1), normal(w_shape, dtype, 2)
    gy = normal(geometry.output_shape(x_shape[0]), dtype, 3)
    return geometry, dict(zip(MEMBERS, ((x, w), (gy, w), (x, gy)), strict=True))


@on_gpus
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.each_kernel
def test_each_path_is_taken_and_agrees_with_the_reference_in_float64(backend, take, path):
    shapes, dtype, attributes, kernels = PATHS[path]
    launches = take(**attributes)
    geometry, arrays = problem(shapes, dtype)
    tolerances = {"float64": 1e-14, "float32": 1e-3 if "tf32" in path else 2e-6, "float16": 5e-4, "bfloat16": 4e-3}
    for member, kernel in zip(MEMBERS, kernels, strict=True):
        launches.clear()
        expected = run(reference, member, *(a.astype(np.float64) for a in arrays[member]), geometry)
        actual = run(backend, member, *arrays[member], geometry)
        assert_close(actual, expected, tolerances[actual.dtype.name])  # float32 of filters' gradients
        assert [name for name, _ in launches[:1]] == ([f"{member}_{kernel}"] if kernel else [])  # or cuBLAS
        sums = [name for name, _ in launches[1:]]
        assert sums == (["sum_slices"] if member == "conv2d_filter_grad" and "slices" in path else [])


@on_gpus
@pytest.mark.parametrize(("full", "kernel"), [(128, "exact_64x64"), (1, "exact_128x64")])
def test_tensor_cores_end_with_bias_residual_and_activation(backend, take, full, kernel):
    launches = take(_FULL=full)
    geometry, arrays = problem(WIDE, "float32")
    x, w = arrays["conv2d_forward"]
    w = w / 16  # so that activations are not saturated
    bias, residual = normal(132, "float32", 4), arrays["conv2d_input_grad"][0]
    for activation in (None, "relu", "relu6", "sigmoid", "tanh"):
        y = run(backend, "conv2d_forward", x, w, geometry, bias, residual, activation)
        wide = (a.astype(np.float64) for a in (x, w))
        terms = bias.astype(np.float64), residual.astype(np.float64)
        assert_close(y, run(reference, "conv2d_forward", *wide, geometry, *terms, activation), 2e-6)
    assert {name for name, _ in launches} == {f"conv2d_forward_{kernel}"}


@on_gpus
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.each_kernel
def test_cublas_is_followed_by_bias_residual_and_activation(backend, take, dtype):
    launches = take(long=64)
    geometry, arrays = problem(DENSE, dtype)
    x, w = arrays["conv2d_forward"]
    bias, residual = normal(66, dtype, 4), arrays["conv2d_input_grad"][0]
    terms = ((None, None), (bias, None), (None, residual), (bias, residual))
    for activation in (None, "linear", "relu", "relu6", "sigmoid", "tanh"):
        for some in terms:
            y = run(backend, "conv2d_forward", x, w / 8, geometry, *some, activation)
            wide = [None if a is None else a.astype(np.float64) for a in (x, w / 8, *some)]
            expected = run(reference, "conv2d_forward", *wide[:2], geometry, *wide[2:], activation)
            assert_close(y, expected, 2e-6 if dtype == "float32" else 1e-14)
    assert not launches


@on_gpus
def test_arrays_beside_16_bytes_take_the_plain_path(backend, take):
    launches = take()
    geometry, arrays = problem(PLAIN, "float32")
    x, w = (backend.asarray(a) for a in arrays["conv2d_forward"])
    expected = backend.to_numpy(backend.conv2d_forward(x, w, geometry))
    beside = backend.asarray(np.zeros(x.size + 1, np.float32))[1:].reshape(x.shape)
    beside[...] = x
    assert_close(backend.to_numpy(backend.conv2d_forward(beside, w, geometry)), expected, 2e-6)
    assert [name for name, _ in launches] == ["conv2d_forward_exact_64x64", "conv2d_forward_square"]


@on_gpus
@pytest.mark.parametrize(("precision", "allowed", "least"), [("highest", 1e-6, 0), ("high", 1e-3, 1e-5)])
def test_errors_are_within_what_the_setting_says(backend, take, precision, allowed, least):
    """As parts of the sum of the products' magnitudes; and TF32 is what it is because it rounds."""
    take(precision)
    geometry, arrays = problem(((1, 8, 8, 128), (3, 3, 128, 64), {}), "float32")
    for member, pair in arrays.items():
        a, b = (array.astype(np.float64) for array in pair)
        expected, magnitude = (run(reference, member, *both, geometry) for both in ((a, b), (abs(a), abs(b))))
        error = (np.abs(run(backend, member, *pair, geometry) - expected) / magnitude).max()
        assert least <= error <= allowed


def test_the_precision_is_one_of_two():
    with pytest.raises(ValueError, match=r"precision must be one of highest, high\. Received: precision='low'"):
        pycnn.config.set_float32_precision("low")
    assert pycnn.config.float32_precision() == "highest"


@on_gpus
@pytest.mark.parametrize(("transpose_a", "transpose_b"), [(False, False), (False, True), (True, False), (True, True)])
def test_matrix_products_take_tensor_cores_unless_both_are_transposed(backend, take, transpose_a, transpose_b):
    launches = take()
    a, b = normal((40, 72), "float32", 1), normal((72, 20), "float32", 2)
    left, right = a.T.copy() if transpose_a else a, b.T.copy() if transpose_b else b
    y = run(backend, "matmul", left, right, transpose_a, transpose_b)
    assert_close(y, a.astype(np.float64) @ b.astype(np.float64), 1e-6)
    passes = {(False, False): "forward", (False, True): "input_grad", (True, False): "filter_grad"}
    expected = passes.get((transpose_a, transpose_b))
    assert [name for name, _ in launches] == ([f"conv2d_{expected}_exact_64x64"] if expected else [])


@pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cp_wait", "cp_wait", None),  # as it is
        ("            __syncthreads();       // for all", "            // for all", "in another order"),
        ("cp_wait<STAGES - 2>();", "cp_wait<STAGES - 1>();", "nan"),
        ("if (result.row + r >= result.rows || ", "if (", "memory beside|writes beside"),
        ("from, there ? 16 : 0", "from, 16", "memory beside|values differ"),
    ],
)
def test_what_is_broken_in_a_kernel_for_tensor_cores_is_noticed(backend, monkeypatch, old, new, message):
    geometry, arrays = problem(PLAIN, "float32")
    x, w = arrays["conv2d_forward"]
    code = backend.sources.text("conv_mma", "float32")
    assert old in code
    head, *kernels = re.split('(?=extern "C" __global__)', code.replace(old, new))
    own = head + next(kernel for kernel in kernels if "conv2d_forward_exact_64x64(" in kernel)
    monkeypatch.setattr(backend.sources, "text", lambda name, dtype: own)
    caches = backend.launch.module, backend.launch._function
    for cache in caches:
        cache.cache_clear()
    expected = run(reference, "conv2d_forward", x, w, geometry)
    try:
        if message is None:
            assert_close(run(backend, "conv2d_forward", x, w, geometry), expected)
        else:
            with pytest.raises((machine.EmulationError, AssertionError), match=message):
                assert_close(run(backend, "conv2d_forward", x, w, geometry), expected)
    finally:
        for cache in caches:
            cache.cache_clear()


@on_gpus
@pytest.mark.parametrize(
    ("dtype", "depth", "environment", "kernel"),
    [
        ("float64", 511, {}, "matmul"),
        ("float64", 512, {"CUPY_TF32": "1"}, None),
        ("float32", 512, {}, None),
        ("float32", 512, {"CUPY_TF32": "0"}, None),
        ("float32", 512, {"CUPY_TF32": "1"}, "matmul"),
    ],
)
def test_large_products_go_to_cublas_unless_it_would_round(backend, monkeypatch, dtype, depth, environment, kernel):
    launches, launch = [], backend.launch.launch
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def recorded(source, name, *arguments, **options):
        launches.append(name)
        launch(source, name, *arguments, **options)

    for function in (backend.matmul, backend.cublas.product):
        monkeypatch.setitem(function.__globals__, "launch", recorded)
    a, b, bias = normal((9, depth), dtype), normal((depth, 11), dtype, 1), normal(11, dtype, 2)
    wide = a.astype(np.float64) @ b.astype(np.float64)
    assert_close(run(backend, "matmul", a, b), wide)
    assert_close(run(backend, "matmul", a, b, bias=bias, activation="relu"), np.maximum(wide + bias, 0))
    assert launches == ([kernel] * 2 if kernel else ["matmul_finish"])


@on_gpus
def test_a_plan_is_cut_where_cublas_is_called(backend, monkeypatch):
    monkeypatch.setattr(backend.cublas, "LONG", 64)
    x, w, b = (backend.asarray(normal(shape, seed=i)) for i, shape in enumerate(((1, 3, 4, 70), (1, 1, 70, 20), 20)))
    geometry = conv_geometry(x.shape, w.shape)

    def function(x):
        fixed = of_weights_alone(lambda: pycnn.get_backend().matmul(w[0, 0], w[0, 0] * 2, transpose_a=True))
        y = pycnn.get_backend().conv2d_forward(x * 2, w, geometry, b, activation="tanh")
        return y + 1, pycnn.get_backend().matmul(y[0, 0], fixed, bias=b, activation="tanh")

    result, plan = backend.record(function, [x], fixed=True)
    assert (len(plan.calls), len(plan.fixed_calls)) == (3, 3)  # the second product is short
    for seed in (3, 4):
        x[...] = backend.asarray(normal(x.shape, seed=seed))
        w[...] = backend.asarray(normal(w.shape, seed=seed + 2))
        plan.refresh()
        plan.run()
        for mine, expected in zip(result, function(x), strict=True):
            np.testing.assert_array_equal(backend.to_numpy(mine), backend.to_numpy(expected))


@on_gpus
def test_cupy_captures_no_cublas(backend):
    """Should this fail, plans need no cuts any more."""
    a = backend.asarray(normal((3, 3)))
    with pytest.raises(pycnn.backend.NotRecordableError, match="cuBLAS"):
        backend.record(lambda a: backend.xp.matmul(a, a), [a])
