"""Kernels that take float16 and bfloat16: computed in float32 and rounded once, or sums that are not rounded at all."""

import numpy as np
import pytest
from cuda_emulator.backend import on_gpus
from halves import ROUNDING, halves
from helpers import assert_close, normal
from kernel_calls import kernel_calls, run, run_call

from pycnn.backend import protocol, reference
from pycnn.backend.dtypes import is_half

FAMILIES = (protocol.Conv, protocol.Matmul, protocol.Pool, protocol.Activation, protocol.Arithmetic, protocol.Norm)
MEMBERS = {name for family in FAMILIES for name in vars(family)}
CALLS = [call for call in kernel_calls(np.float32) if call.member in MEMBERS]
CALL_IDS = [f"{i}-{call.member}" for i, call in enumerate(CALLS)]
WIDE_ARGUMENTS = {"mean", "variance", "gamma", "beta"}
SUMS = {"conv2d_filter_grad", "sum_rows", "sum_products", "batch_norm_statistics"}


def is_sum(call, i):
    """Whether result i of a call is float32."""
    if call.member == "multiply_grad":
        return i == 1 and call.arrays["a"].shape != call.arrays["b"].shape
    return call.member in SUMS or (call.member == "batch_norm_grad" and i > 0)


def assert_rounded_once(actual, expected, half):
    """As near to what float64 gives as float32 and one rounding are."""
    expected = np.asarray(expected, np.float64)
    error = np.abs(actual.astype(np.float64) - expected)
    allowed = ROUNDING[half.name] * np.abs(expected) + 3e-6 * np.abs(expected).max(initial=0)
    assert (error <= allowed).all(), f"{(error / allowed).max()} times the error that is allowed"


@on_gpus
@halves
@pytest.mark.parametrize("number", range(len(CALLS)), ids=CALL_IDS)
@pytest.mark.each_kernel
def test_results_are_rounded_once_and_sums_are_not(backend, half, number):
    call = CALLS[number]
    given = {
        name: a.astype(half) if a.dtype == np.float32 and name not in WIDE_ARGUMENTS else a
        for name, a in call.arrays.items()
    }
    wide = {name: a.astype(np.float64) if is_half(a.dtype) else a for name, a in given.items()}
    results = run_call(backend, call._replace(arrays=given))
    for i, (actual, expected) in enumerate(zip(results, run_call(reference, call._replace(arrays=wide)), strict=True)):
        if actual.dtype.kind in "iu":
            np.testing.assert_array_equal(actual, expected)
        elif is_sum(call, i):
            assert actual.dtype == np.float32
            assert_close(actual, expected, 2e-6)
        else:
            assert actual.dtype == half
            assert_rounded_once(actual, expected, half)


@on_gpus
@halves
@pytest.mark.parametrize(("rows", "depth", "columns"), [(40, 72, 24), (5, 7, 3), (9, 0, 4)])
def test_the_gradient_of_a_matrix_of_weights_is_not_rounded(backend, half, rows, depth, columns):
    a, b = normal((depth, rows), half, 1), normal((depth, columns), half, 2)
    y = run(backend, "matmul", a, b, transpose_a=True, out=np.full((rows, columns), 7, np.float32))
    assert y.dtype == np.float32
    assert_close(y, a.T.astype(np.float64) @ b.astype(np.float64), 2e-6)


@on_gpus
@halves
def test_numbers_beyond_the_dtype(backend, half):
    """Infinities, NaN, halfway cases and the smallest numbers, all as NumPy rounds them."""
    largest = float(np.finfo(np.float16).max) if half == "float16" else float.fromhex("0x1.fep127")
    x = np.array([np.inf, -np.inf, np.nan, largest, -largest, 0, 1, -1], half)
    doubled = run(backend, "add", x, x)
    with np.errstate(over="ignore"):
        expected = (x.astype(np.float32) + x.astype(np.float32)).astype(half)
    np.testing.assert_array_equal(doubled.astype(np.float32), expected.astype(np.float32))
    a = (1 + np.arange(64) / 64).astype(half)
    ulp = np.full(64, ROUNDING[half.name], half)  # half a step: to even
    np.testing.assert_array_equal(
        run(backend, "add", a, ulp).view(np.uint16),
        (a.astype(np.float32) + ulp.astype(np.float32)).astype(half).view("u2"),
    )


@on_gpus
def test_the_smallest_numbers_of_float16(backend):
    x = np.arange(0, 3000, 7, np.uint16).view(np.float16)
    np.testing.assert_array_equal(run(backend, "multiply", x, np.full_like(x, 0.5)), (x.astype("f4") / 2).astype("f2"))


@on_gpus
def test_other_backends_say_that_they_do_not(backend):
    assert backend.half_wide
    assert not reference.half_wide
