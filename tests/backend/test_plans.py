"""Plans: what was recorded gives, for other inputs, what the function gives."""

import threading

import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from helpers import normal

import pycnn
from pycnn import get_backend, ops
from pycnn.autograd import Tensor
from pycnn.backend import NotRecordableError
from pycnn.backend.arena import Arena
from pycnn.backend.geometry import pool_geometry


@pytest.fixture(autouse=True)
def current(backend):
    """All tests of this file use the backend that they are for."""
    with pycnn.backend_scope(backend.name):
        yield


of_numpys_calls = pytest.mark.parametrize("backend", ["reference", "cpu"], indirect=True)
"""For what only plans of NumPy's calls can do, which look at each of them."""
of_graphs = pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)
"""For what is otherwise where a plan is a graph of the device."""


def device(values):
    return get_backend().asarray(values)


def host(array):
    return get_backend().to_numpy(array).copy()


def check(function, *shapes, tensors=(), fixed=False):
    """Record for some inputs, run for others, and compare with the function itself; return the plan."""
    first = [device(normal(shape, "float32", i)) for i, shape in enumerate(shapes)]
    expected = [host(y) for y in function(*first)]
    results, plan = get_backend().record(function, first, tensors, fixed)
    for seed in (10, 20, 30):
        for mine, other in zip(results, expected, strict=True):
            np.testing.assert_array_equal(host(mine), other)
        others = [device(normal(shape, "float32", seed + i)) for i, shape in enumerate(shapes)]
        expected = [host(y) for y in function(*others)]
        for target, other in zip(first, others, strict=True):
            target[...] = other
        plan.run()
    return plan


def test_constants_are_made_anew_each_time():
    def function(x):
        xp = get_backend().xp
        a, b = xp.zeros_like(x), xp.ones_like(x)
        a += x
        b -= x
        return [a, b]

    check(function, (3, 4))


def test_views_and_changes_in_place():
    def function(x, y):
        xp = get_backend().xp
        a = x[1:] + y.T[:, ::2]
        a *= 2
        a[0] = y[0, 0]
        b = a.reshape(-1)[::3]
        b += 1
        rows = a[xp.array([2, 0])]
        zeros = xp.zeros((2, 2), "float32")
        zeros[:, 1] += a[0, :2]
        return a, b.sum(), rows.max(axis=1), xp.concatenate([rows, rows], axis=1), a.astype("float64"), zeros

    check(function, (4, 3), (6, 3))


def test_gradients_of_places_that_repeat():
    def function(x):
        t = Tensor(x, requires_grad=True)
        (t[:, np.array([2, 0, 2])] * t[1]).sum().backward()
        return (t.grad.data,)

    check(function, (3, 3))


def test_several_results_and_what_is_not_an_array():
    def function(x):
        halves = np.split(x, 2)
        mean, variance = get_backend().batch_norm_statistics(x)
        y, index = get_backend().max_pool2d_forward(x, pool_geometry(x.shape, 2))
        place = np.unravel_index(index.argmax(), index.shape)
        return (*halves, mean, variance, y, index, *np.divmod(x, 0.3), *place, x * x.shape[0], np.where(x > 0, x, 0))

    check(function, (4, 4, 4, 3))


@of_numpys_calls
def test_the_room_of_what_is_gone_is_used_again():
    def function(x):
        for _ in range(50):
            x = x * 1.5 + 0.25
        return (x,)

    size = 1 << 22
    plan = check(function, (size // 4,))
    assert plan.nbytes < 12 * size  # and not 100 of them


def of_fixed_weights():
    """A tensor, and a function that computes something of it alone."""
    weight = Tensor(device(normal((3, 3), "float32")))

    def function(x):
        with pycnn.no_grad():
            doubled = ops.exp(weight) * 2 + 0.5
            doubled = doubled / ops.sum(doubled)
            return (ops.matmul(Tensor.wrap(x), doubled).data,)

    return weight, function


def test_a_plan_is_refreshed_after_fixed_weights_change():
    weight, function = of_fixed_weights()
    x = device(normal((2, 3), "float32"))
    (y,), plan = get_backend().record(function, [x], [weight], fixed=True)
    weight.data[...] = 1
    plan.refresh()
    plan.run()
    np.testing.assert_array_equal(host(y), host(function(x)[0]))
    assert type(weight.data) is type(x)


@of_numpys_calls
def test_what_depends_on_fixed_weights_alone_is_computed_once():
    weight, function = of_fixed_weights()
    plan = check(function, (2, 3), tensors=[weight], fixed=True)
    assert len(plan.fixed_calls) == 5
    assert len(plan.calls) == 1


@of_numpys_calls
@pytest.mark.parametrize(
    ("look", "reason"),
    [
        (lambda x: float(x.sum()), "__float__"),
        (lambda x: bool((x > 0).any()), "__bool__"),
        (lambda x: x.tolist(), "tolist"),
        (lambda x: list(x), "__iter__"),
        (lambda x: int(x[0].argmax()), "__int__"),
        (lambda x: get_backend().to_numpy(x), "to the host"),
        (lambda x: np.array_equal(x, x), "gives a number to Python"),
        (lambda x: np.add(np.zeros(3), x, out=np.zeros(3)), "an array of NumPy's own"),
        (lambda x: pycnn.random.normal((3,), seed=1).data, "random numbers are drawn on the host"),
    ],
)
def test_what_looks_at_values_is_refused(look, reason):
    def function(x):
        look(x[0] if reason in ("__float__", "tolist") else x)
        return (x * 2,)

    with pytest.raises(NotRecordableError, match=reason):
        get_backend().record(function, [np.ones(3, "float32")])


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        (lambda x: float(x.sum()), "cannot hold .* synchronous"),
        (lambda x: bool((x > 0).any()), "cannot hold .* synchronous"),
        (lambda x: x.tolist(), "cannot hold .* synchronous"),
        (lambda x: get_backend().to_numpy(x), "to the host"),
        (lambda x: x + get_backend().xp.asarray([1.0]).get(), "cannot hold .* synchronous"),
        (lambda x: pycnn.random.normal((3,), seed=1).data, "random numbers are drawn on the host"),
    ],
)
@of_graphs
def test_what_looks_at_values_is_in_no_graph(look, reason):
    def function(x):
        x += 1
        look(x)
        return (x * 2,)

    x = device(np.ones(3, "float32"))
    with pytest.raises(NotRecordableError, match=reason):
        get_backend().record(function, [x])
    np.testing.assert_array_equal(host(x), [1, 1, 1])  # for nothing has been computed
    check(lambda x: (x + 1,), (3,))


@of_numpys_calls
def test_memory_that_is_only_asked_for_costs_no_call():
    def function(x):
        y = get_backend().xp.empty(x.shape, x.dtype)
        y[...] = x
        z = np.empty_like(y)
        z[...] = y
        return (z,)

    assert len(check(function, (3,)).calls) == 2


def test_other_threads_compute_as_ever_while_one_records():
    weight, seen, x = Tensor(device(np.arange(3.0))), [], device(np.ones(3))

    def look():
        seen.append((float(weight.data.sum()), (weight.data * 2).tolist(), type(weight.data + 1)))

    def function(x):
        other = threading.Thread(target=look)
        other.start()
        other.join()
        return (weight.data * x,)

    _, plan = get_backend().record(function, [x], [weight])
    assert seen == [(3.0, [0.0, 2.0, 4.0], type(x))]
    assert len(plan.calls) == 1


def test_after_an_error_all_is_as_before():
    state, seeds = Tensor(device(np.ones(2, "float32"))), pycnn.random.SeedGenerator(1)
    before = seeds.state

    def function(x):
        state.data += x
        ops.dropout(Tensor.wrap(x), 0.5, generator=seeds.generator())
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        get_backend().record(function, [device(np.ones(2, "float32"))], [state], changing=[state])
    np.testing.assert_array_equal(host(state.data), [1, 1])
    assert seeds.state == before
    check(lambda x: (x + 1,), (3,))  # and another can be recorded


def test_random_numbers_go_on():
    seeds, twin = pycnn.random.SeedGenerator(1), pycnn.random.SeedGenerator(1)
    x = device(np.ones(40, "float32"))

    def drop(x, seeds):
        noise = get_backend().random_normal(seeds.generator(), x.shape, x.dtype)
        return ops.dropout(Tensor.wrap(x), 0.5, generator=seeds.generator()).data * noise

    y, plan = get_backend().record(lambda x: drop(x, seeds), [x])
    for _ in range(3):
        np.testing.assert_array_equal(host(y), host(drop(x, twin)))
        plan.run()


@of_numpys_calls
def test_errors_of_checks_come_from_a_run():
    labels, logits = np.array([0, 2]), normal((2, 3), "float32")
    with pycnn.no_grad():
        _, plan = get_backend().record(
            lambda t: ops.sparse_categorical_crossentropy(Tensor.wrap(t), logits, from_logits=True).data, [labels]
        )
    labels[1] = 3
    with pytest.raises(ValueError, match="class indices from 0 to 2"):
        plan.run()


@of_graphs
def test_a_graph_is_checked_with_its_first_batch():
    logits, changed = device(normal((2, 3), "float32")), Tensor(device(np.zeros(1)))

    def function(labels):
        changed.data += 1
        with pycnn.no_grad():
            return ops.sparse_categorical_crossentropy(Tensor.wrap(labels), logits, from_logits=True).data

    labels = device(np.array([0, 2]))
    loss, plan = get_backend().record(function, [labels], changing=[changed])
    labels[1] = 3
    plan.run()
    np.testing.assert_array_equal(np.isnan(host(loss)), [False, True])
    assert host(changed.data) == [2]
    with pytest.raises(ValueError, match="class indices from 0 to 2"):
        get_backend().record(function, [labels], changing=[changed])
    assert host(changed.data) == [2]


def test_an_arena_joins_what_was_given_back():
    arena = Arena(chunk=1 << 16)
    parts = [arena.empty((1 << 12,), "uint8") for _ in range(16)]
    assert arena.nbytes == 1 << 16
    assert len({p.ctypes.data for p in parts}) == 16
    assert all(p.ctypes.data % 64 == 0 for p in parts)
    view = parts[3][5:]
    for i in (1, 5, 3, 2, 4, 0, 6, 7, 9, 8):
        parts[i] = None
    large = arena.empty((3 << 12,), "uint8")
    assert arena.nbytes == 1 << 16
    assert not np.shares_memory(large, view)
    arena.empty((1 << 17,), "uint8")
    assert arena.nbytes == (1 << 16) + (1 << 17)
