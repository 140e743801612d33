"""The calls of compiled code that plans repeat: they do all that the kernel does, or there are none."""

import inspect
import threading

import numpy as np
import pytest
from helpers import normal
from kernel_calls import CALL_IDS, kernel_calls

from pycnn.backend import cpu
from pycnn.backend.cpu.compiled import calls_of
from pycnn.backend.geometry import conv_geometry

CALLS = kernel_calls(np.float32)


def given_results(call):
    """What the kernel gives, and the arguments of a call that is given room for it; None if it takes no such room."""
    kernel = getattr(cpu, call.member)
    parameters = inspect.signature(kernel).parameters
    results = kernel(**call.arrays, **call.options)
    results = results if isinstance(results, tuple) else (results,)
    places = [name for name in ("out", "index") if name in parameters][: len(results)]
    if len(places) < len(results) or "out" in call.arrays:
        return None
    room = {name: np.full_like(y, 77) for name, y in zip(places, results, strict=True) if y is not None}
    return [y for y in results if y is not None], room


WITH_ROOM = {number: call for number, call in zip(CALL_IDS, CALLS, strict=True) if given_results(call) is not None}


def test_most_kernels_take_room_for_their_results():
    assert len(WITH_ROOM) > len(CALLS) / 2


@pytest.mark.parametrize("call", WITH_ROOM.values(), ids=WITH_ROOM)
def test_the_calls_are_the_whole_kernel(call):
    expected, room = given_results(call)
    calls = calls_of(getattr(cpu, call.member), {**call.arrays, **call.options, **room})
    untouched = all(np.all(y == 77) for y in room.values())
    assert untouched or calls is None, "asking for the calls must make none"
    for each in calls or ():
        each()
    for mine, other in zip(room.values(), expected, strict=True):
        if calls is not None or not untouched:  # a kernel that works by other means did so, and wholly
            np.testing.assert_array_equal(mine, other)


FOUND = {"conv2d_forward", "matmul", "max_pool2d_forward", "avg_pool2d_forward", "softmax_forward"}


def test_kernels_of_inference_have_calls():
    found = set()
    for call in WITH_ROOM.values():
        _, room = given_results(call)
        if calls_of(getattr(cpu, call.member), {**call.arrays, **call.options, **room}):
            found.add(call.member)
    assert found >= FOUND


def test_borrowed_memory_is_not_kept_in_calls():
    x, gy = normal((2, 9, 9, 8), "float32"), normal((2, 9, 9, 24), "float32", 1)
    geometry = conv_geometry(x.shape, (3, 3, 8, 24), padding=1)
    out = np.empty(geometry.kernel_shape, np.float32)
    assert calls_of(cpu.conv2d_filter_grad, {"x": x, "gy": gy, "geometry": geometry, "out": out}) is None


def test_a_kernel_that_borrows_nothing_has_calls():
    a, b = normal((32, 784), "float32"), normal((32, 128), "float32", 1)
    out = np.empty((784, 128), np.float32)
    (call,) = calls_of(cpu.matmul, {"a": a, "b": b, "transpose_a": True, "out": out})
    call()
    np.testing.assert_array_equal(out, cpu.matmul(a, b, transpose_a=True))


def test_copies_are_not_kept_in_calls():
    x = normal((4, 6), "float32").T
    assert calls_of(cpu.softmax_forward, {"x": x, "out": np.empty(x.shape, np.float32)}) is None


def test_other_threads_run_meanwhile():
    x, out = normal((4, 6), "float32"), np.zeros((4, 6), np.float32)

    def kernel(x, out):
        thread = threading.Thread(target=cpu.softmax_forward, args=(x,), kwargs={"out": out})
        thread.start()
        thread.join()

    assert calls_of(kernel, {"x": x, "out": out}) is None
    np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-6)


def test_after_an_error_kernels_run_again():
    x = normal((4, 6), "float32")
    with pytest.raises(KeyError):
        calls_of(cpu.activation_forward, {"x": x, "name": "nothing", "out": np.empty_like(x)})
    assert cpu.activation_forward(x, "relu").min() == 0
