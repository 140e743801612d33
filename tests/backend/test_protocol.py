"""What holds for every kernel: right values, ``out=``, layouts, batch 0, inputs left alone."""

import numpy as np
import pytest
from helpers import assert_close, strided
from kernel_calls import CALL_IDS, kernel_calls, run_call

from pycnn.backend import names, protocol, reference

CALLS = {dtype: kernel_calls(dtype) for dtype in ("float32", "float64")}

every_call = pytest.mark.parametrize("number", range(len(CALL_IDS)), ids=CALL_IDS)
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def test_every_kernel_with_a_result_has_an_example():
    members = {
        name
        for family in protocol.FAMILIES
        if family not in (protocol.Arrays, protocol.Optimizer, protocol.Plans)
        for name in vars(family)
        if not name.startswith("_") and name != "conv2d_prepare"  # what it gives is the backend's own affair
    }
    assert {call.member for call in CALLS["float32"]} == members


@every_call
@both_dtypes
@pytest.mark.each_kernel
def test_values_agree_with_the_specification_in_float64(backend, number, dtype):
    call = CALLS[dtype][number]
    arrays = {name: a.astype(np.float64) if a.dtype.kind == "f" else a for name, a in call.arrays.items()}
    expected = run_call(reference, call._replace(arrays=arrays))
    for actual, wanted in zip(run_call(backend, call), expected, strict=True):
        if wanted.dtype.kind == "f":
            assert actual.dtype == dtype
        else:  # of the places of regions' pixels the protocol leaves a backend the choice
            assert actual.dtype in (wanted.dtype, np.int16 if call.member == "roi_pool_forward" else wanted.dtype)
        assert actual.flags.c_contiguous
        assert_close(actual, wanted, {"float32": 2e-5, "float64": 1e-12}[dtype])


@every_call
@both_dtypes
def test_inputs_may_be_strided_and_are_left_alone(backend, number, dtype):
    call = CALLS[dtype][number]
    expected = run_call(backend, call)
    views = {name: strided(a) for name, a in call.arrays.items()}
    results = run_call(backend, call._replace(arrays=views))
    for name, view in views.items():
        np.testing.assert_array_equal(view, call.arrays[name])
        assert not any(np.shares_memory(view, r) or np.shares_memory(call.arrays[name], r) for r in results)
    for actual, wanted in zip(results, expected, strict=True):
        assert_close(actual, wanted)


@every_call
def test_out_is_filled_and_returned(backend, number):
    call = CALLS["float32"][number]
    if call.member == "batch_norm_statistics":
        return  # two vectors, always new
    expected = run_call(backend, call)
    outs = [backend.asarray(np.full_like(y, 99)) for y in expected]
    names = (
        ["out", "index"]
        if call.member.endswith(("_pool2d_forward", "roi_pool_forward")) and len(outs) == 2
        else ["out"]
    )
    arrays = {name: backend.asarray(a) for name, a in call.arrays.items()}
    results = getattr(backend, call.member)(**arrays, **call.options, **dict(zip(names, outs, strict=False)))
    results = results if isinstance(results, tuple) else (results,)
    for name, result, out in zip(names, results, outs, strict=False):
        assert result is out, f"{name}= was not returned"
    for actual, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(backend.to_numpy(actual), wanted)


@every_call
def test_batch_of_none_and_of_one(backend, number):
    call = CALLS["float32"][number]
    if not call.batched:
        return  # a transposed matrix product, which has no batch axis
    whole = run_call(backend, call)
    for batch in (0, 1):
        expected = run_call(reference, call.with_batch(batch))
        for actual, wanted, full in zip(run_call(backend, call.with_batch(batch)), expected, whole, strict=True):
            assert actual.shape in (full.shape, (batch, *full.shape[1:]))
            assert_close(actual, wanted, 2e-5)


@pytest.mark.parametrize("name", names.ACTIVATIONS)
def test_activations_work_in_place(backend, name):
    x = np.linspace(-3, 3, 41, dtype=np.float32)
    expected = backend.to_numpy(backend.activation_forward(backend.asarray(x), name, 0.3))
    y = backend.asarray(x.copy())
    assert backend.activation_forward(y, name, 0.3, out=y) is y
    np.testing.assert_array_equal(backend.to_numpy(y), expected)
    gy, device_x = backend.asarray(np.cos(x)), backend.asarray(x)
    wanted = backend.to_numpy(backend.activation_grad(gy, device_x, y, name, 0.3))
    assert backend.activation_grad(gy, device_x, y, name, 0.3, out=gy) is gy
    np.testing.assert_array_equal(backend.to_numpy(gy), wanted)


@pytest.mark.parametrize("name", names.FUSED_ACTIVATIONS)
def test_gradients_of_fused_activations_need_no_x(backend, name):
    y = backend.activation_forward(backend.asarray(np.linspace(-2, 2, 9)), name)
    gy = backend.asarray(np.ones(9))
    np.testing.assert_array_equal(
        backend.to_numpy(backend.activation_grad(gy, None, y, name)),
        backend.to_numpy(backend.activation_grad(gy, backend.asarray(np.linspace(-2, 2, 9)), y, name)),
    )
