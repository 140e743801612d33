"""``Plan.direct``: a plan that reads the caller's input, and returns its result in new memory, does as it does else."""

import gc
import weakref

import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from helpers import normal

import pycnn
from pycnn import get_backend, ops
from pycnn.backend import recording
from pycnn.backend.geometry import conv_geometry

of_numpys_calls = pytest.mark.parametrize("backend", ["reference", "cpu"], indirect=True)


@pytest.fixture(autouse=True)
def current(backend):
    """All tests of this file use the backend that they are for."""
    with pycnn.backend_scope(backend.name):
        yield


def record(function, shape=(4, 6)):
    """The plan of ``function(x)``, and what it does directly, or None."""
    x = normal(shape, "float32")
    result, plan = get_backend().record(function, [x])
    return plan, plan.direct(x, result), (x, result)


def with_room_used_again(x):
    both = x[None] + np.arange(2, dtype="float32")[:, None, None]
    half = both[0] + both[1] * 3
    del both
    return half - 1  # in a part of the room of both


def in_place(x):
    y = x * 2
    y += x
    y[1:] -= 1
    return y.reshape(3, 8)


def of_kernels(x):
    w = normal((3, 3, 2, 5), "float32", 1)
    images = x.reshape(1, 4, 3, 2)
    y = get_backend().conv2d_forward(images, w, conv_geometry(images.shape, w.shape, padding=1), activation="relu")
    return get_backend().conv2d_forward(y[:, 1:], w[:, :, :1].repeat(5, 2), conv_geometry((1, 3, 3, 5), (3, 3, 5, 5)))


@of_numpys_calls
@pytest.mark.parametrize("function", [with_room_used_again, in_place, of_kernels, lambda x: x[1:3] + 1])
def test_it_gives_what_the_plan_gives(function):
    plan, direct, (x, result) = record(function)
    given = [normal((4, 6), "float32", seed) for seed in (1, 2, 3)]
    kept = [a.copy() for a in given]
    results = [direct(a) for a in given]
    for mine, a, before in zip(results, given, kept, strict=True):
        np.testing.assert_array_equal(a, before)
        x[...] = a
        plan.run()
        np.testing.assert_array_equal(mine, result)
        np.testing.assert_array_equal(mine, function(a))


@of_numpys_calls
def test_it_keeps_nothing_of_the_callers():
    plan, direct, (x, result) = record(in_place)
    x[...] = 1
    plan.run()
    expected = result.copy()
    given = normal((4, 6), "float32", 1)
    mine = direct(given)
    np.testing.assert_array_equal(result, expected)
    seen = weakref.ref(given), weakref.ref(mine)
    del given, mine
    gc.collect()
    assert [ref() for ref in seen] == [None, None]
    plan.run()
    np.testing.assert_array_equal(result, expected)


@of_numpys_calls
def test_after_an_error_the_plan_is_as_it_was():
    def positive(x):
        if (x < 0).any():
            raise ValueError("x must be positive")

    def function(x):
        y = x + 1
        recording.check(positive, x)
        return y * 2

    x = np.ones((4, 6), "float32")
    result, plan = get_backend().record(function, [x])
    direct = plan.direct(x, result)
    given = -np.ones((4, 6), "float32")
    with pytest.raises(ValueError, match="must be positive"):
        direct(given)
    plan.run()
    np.testing.assert_array_equal(result, np.full((4, 6), 4))
    np.testing.assert_array_equal(direct(x * 2), np.full((4, 6), 6))


@of_numpys_calls
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x,  # the input itself
        lambda x: x[1:],
        lambda x: (x + 1)[:2],  # a part of what a call fills
        lambda x: (x + 1)[:, ::2],  # not in a row
        lambda x: get_backend().xp.concatenate([x, x]),  # a list of arrays
        lambda x: (x > 0).astype("float32"),
        lambda x: get_backend().xp.zeros_like(x),  # a method of the array
    ],
)
def test_where_it_cannot_be(function):
    assert record(function)[1] is None


@of_numpys_calls
def test_an_input_that_is_read_as_other_numbers():
    def function(x):
        return x.view("int32") * 2

    assert record(function)[1] is None


@pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)
def test_a_graph_has_arrays_of_its_own():
    x = get_backend().asarray(normal((4, 6), "float32"))
    result, plan = get_backend().record(lambda x: ops.relu(x).data, [x])
    assert plan.direct(x, result) is None
