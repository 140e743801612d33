"""Parameter updates: by hand, against PyTorch where the formulas agree, in place, of any size."""

import math

import numpy as np
import pytest
from helpers import assert_close, normal, peer, strided

SHAPES = ((3, 3, 2, 5), (17,), (1,), (0,), (64, 33))


def device_arrays(backend, arrays):
    return None if arrays is None else [backend.asarray(a.copy()) for a in arrays]


def one(backend, *values):
    """Lists of one array of one number each; None stays None."""
    return [None if v is None else [backend.asarray(np.array([v], np.float64))] for v in values]


def number(backend, arrays):
    return float(backend.to_numpy(arrays[0])[0])


def test_sgd_by_hand(backend):
    p, g = one(backend, 1.0, 2.0)
    assert backend.sgd_update(p, g, None, 0.1, 0.0, False, 0.0) is None
    assert number(backend, p) == pytest.approx(0.8, rel=1e-15)
    p, g, v = one(backend, 1.0, 2.0, 0.5)
    backend.sgd_update(p, g, v, 0.1, 0.9, False, 0.0)
    assert number(backend, v) == pytest.approx(0.45 - 0.2, rel=1e-15)
    assert number(backend, p) == pytest.approx(1.25, rel=1e-15)
    p, g, v = one(backend, 1.0, 2.0, 0.5)
    backend.sgd_update(p, g, v, 0.1, 0.9, True, 0.0)
    assert number(backend, v) == pytest.approx(0.25, rel=1e-15)
    assert number(backend, p) == pytest.approx(1 + 0.9 * 0.25 - 0.2, rel=1e-15)
    p, g = one(backend, 1.0, 2.0)
    backend.sgd_update(p, g, None, 0.1, 0.0, False, 0.5)  # decay first: 1 - 0.1*0.5*1
    assert number(backend, p) == pytest.approx(0.95 - 0.2, rel=1e-15)


@pytest.mark.each_kernel
def test_adam_by_hand(backend):
    p, g, m, v = one(backend, 1.0, -2.0, 0.0, 0.0)
    backend.adam_update(p, g, m, v, None, 1, 0.1, 0.9, 0.99, 0.5, 0.0)
    assert number(backend, m) == pytest.approx(-0.2, rel=1e-14)
    assert number(backend, v) == pytest.approx(0.04, rel=1e-14)
    first = 1 + 0.1 * math.sqrt(0.01) / 0.1 * 0.2 / (0.2 + 0.5)
    assert number(backend, p) == pytest.approx(first, rel=1e-14)
    (g,) = one(backend, 1.0)
    backend.adam_update(p, g, m, v, None, 2, 0.1, 0.9, 0.99, 0.5, 0.25)
    second_m, second_v = -0.2 + 1.2 * 0.1, 0.04 + (1 - 0.04) * 0.01
    rate = 0.1 * math.sqrt(1 - 0.99**2) / (1 - 0.9**2)
    expected = first * (1 - 0.1 * 0.25) - rate * second_m / (math.sqrt(second_v) + 0.5)
    assert number(backend, p) == pytest.approx(expected, rel=1e-13)


def test_amsgrad_keeps_the_largest_second_moment(backend):
    p, g, m, v, vhat = one(backend, 0.0, 1.0, 0.0, 0.0, 4.0)
    backend.adam_update(p, g, m, v, vhat, 1, 0.1, 0.9, 0.99, 0.0, 0.0)
    assert number(backend, vhat) == 4
    assert number(backend, p) == pytest.approx(-0.1 * math.sqrt(0.01) / 0.1 * 0.1 / 2, rel=1e-13)
    p, g, m, v, vhat = one(backend, 0.0, 1.0, 0.0, 0.0, 0.001)
    backend.adam_update(p, g, m, v, vhat, 1, 0.1, 0.9, 0.99, 0.0, 0.0)
    assert number(backend, vhat) == pytest.approx(0.01, rel=1e-13)


@pytest.mark.each_kernel
def test_rmsprop_by_hand(backend):
    p, g, v = one(backend, 1.0, 2.0, 1.0)
    backend.rmsprop_update(p, g, v, None, None, 0.1, 0.75, 0.0, 0.5, 0.0)
    assert number(backend, v) == pytest.approx(0.75 + 1, rel=1e-15)
    assert number(backend, p) == pytest.approx(1 - 0.2 / math.sqrt(2.25), rel=1e-15)
    p, g, v, b, a = one(backend, 1.0, 2.0, 1.0, 0.3, 1.0)
    backend.rmsprop_update(p, g, v, b, a, 0.1, 0.75, 0.5, 0.5, 0.2)
    mean = 0.75 + 0.25 * 2
    step = 0.2 / math.sqrt(1.75 - mean**2 + 0.5)
    assert number(backend, a) == pytest.approx(mean, rel=1e-15)
    assert number(backend, b) == pytest.approx(0.15 + step, rel=1e-14)
    assert number(backend, p) == pytest.approx(0.98 - (0.15 + step), rel=1e-14)


def test_rmsprop_momentum_and_centring_go_alone_too(backend):
    p, g, v, b = one(backend, 1.0, 2.0, 0.0, 1.0)
    backend.rmsprop_update(p, g, v, b, None, 0.1, 0.0, 0.5, 0.0, 0.0)
    assert number(backend, p) == pytest.approx(1 - (0.5 + 0.1), rel=1e-15)
    p, g, v, a = one(backend, 1.0, 2.0, 0.0, 0.0)
    backend.rmsprop_update(p, g, v, None, a, 0.1, 0.5, 0.0, 0.0, 0.0)
    assert number(backend, p) == pytest.approx(1 - 0.2 / math.sqrt(2 - 1), rel=1e-14)


def updates(backend):
    """Each update as a function (params, grads, state lists, step), with the number of its state lists."""
    return {
        "sgd": (0, lambda p, g, s, t: backend.sgd_update(p, g, None, 0.1, 0.0, False, 0.01)),
        "momentum": (1, lambda p, g, s, t: backend.sgd_update(p, g, s[0], 0.1, 0.9, False, 0.0)),
        "nesterov": (1, lambda p, g, s, t: backend.sgd_update(p, g, s[0], 0.1, 0.9, True, 0.0)),
        "adam": (2, lambda p, g, s, t: backend.adam_update(p, g, *s, None, t, 0.01, 0.9, 0.999, 0.0, 0.0)),
        "adamw": (2, lambda p, g, s, t: backend.adam_update(p, g, *s, None, t, 0.01, 0.8, 0.99, 0.0, 0.1)),
        "amsgrad": (3, lambda p, g, s, t: backend.adam_update(p, g, *s, t, 0.01, 0.9, 0.99, 0.0, 0.0)),
        "rmsprop": (1, lambda p, g, s, t: backend.rmsprop_update(p, g, s[0], None, None, 0.01, 0.9, 0.0, 0.0, 0.0)),
        "centred": (
            3,
            lambda p, g, s, t: backend.rmsprop_update(p, g, s[0], s[1], s[2], 0.01, 0.9, 0.5, 0.0, 0.0),
        ),
    }


def pytorch_optimizer(torch, name, params):
    """The optimizer of PyTorch whose formula is the same when epsilon is 0 and the rate does not change."""
    optim = torch.optim
    return {
        "sgd": lambda: optim.SGD(params, 0.1),
        "momentum": lambda: optim.SGD(params, 0.1, momentum=0.9),
        "nesterov": lambda: optim.SGD(params, 0.1, momentum=0.9, nesterov=True),
        "adam": lambda: optim.Adam(params, 0.01, (0.9, 0.999), eps=0.0),
        "adamw": lambda: optim.AdamW(params, 0.01, (0.8, 0.99), eps=0.0, weight_decay=0.1),
        "amsgrad": lambda: optim.Adam(params, 0.01, (0.9, 0.99), eps=0.0, amsgrad=True),
        "rmsprop": lambda: optim.RMSprop(params, 0.01, alpha=0.9, eps=0.0),
        "centred": lambda: optim.RMSprop(params, 0.01, alpha=0.9, eps=0.0, momentum=0.5, centered=True),
    }[name]()


NAMES = ("sgd", "momentum", "nesterov", "adam", "adamw", "amsgrad", "rmsprop", "centred")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_five_steps_of_pytorch(backend, name, dtype):
    torch = peer("torch")
    start = [normal(shape, dtype, i) for i, shape in enumerate(SHAPES)]
    params, (states, update) = device_arrays(backend, start), updates(backend)[name]
    state = [[backend.xp.zeros_like(p) for p in params] for _ in range(states)]
    theirs = [torch.tensor(a, requires_grad=True) for a in start]
    optimizer = pytorch_optimizer(torch, name, theirs)
    for step in range(1, 6):
        grads = [normal(shape, dtype, 10 * step + i) for i, shape in enumerate(SHAPES)]
        if name == "sgd":  # the decay is decoupled here, and PyTorch's is not
            with torch.no_grad():
                for p in theirs:
                    p *= 1 - 0.1 * 0.01
        for p, g in zip(theirs, grads, strict=True):
            p.grad = torch.tensor(g)
        optimizer.step()
        update(params, device_arrays(backend, grads), state, step)
    for p, expected in zip(params, theirs, strict=True):
        assert p.dtype == dtype
        assert_close(backend.to_numpy(p), expected.detach().numpy(), {"float32": 5e-6, "float64": 1e-11}[dtype])


@pytest.mark.parametrize("name", NAMES)
def test_strided_gradients_are_taken_as_they_come(backend, name):
    states, update = updates(backend)[name]
    grads = [normal((7, 9), seed=i + 5) for i in range(2)]
    results = []
    for gradients in (grads, [strided(g) for g in grads]):
        params = device_arrays(backend, [normal((7, 9), seed=i) for i in range(2)])
        state = [[backend.xp.zeros_like(p) for p in params] for _ in range(states)]
        update(params, [backend.asarray(g) for g in gradients], state, 1)
        results.append(np.stack([backend.to_numpy(p) for p in params]))
    np.testing.assert_array_equal(results[0], results[1])


def test_gradients_are_left_alone(backend):
    for states, update in updates(backend).values():
        params, grads = device_arrays(backend, [normal(20)]), device_arrays(backend, [normal(20, seed=1)])
        state = [[backend.xp.zeros_like(p) for p in params] for _ in range(states)]
        update(params, grads, state, 1)
        np.testing.assert_array_equal(backend.to_numpy(grads[0]), normal(20, seed=1))


@pytest.mark.each_kernel
def test_many_arrays_of_both_dtypes_are_updated_as_each_alone(backend):
    """Tasks begin and end within arrays, and arrays within tasks."""
    shapes = [(1,), (30_000,), (7, 3), (0,), (16_384,), (5,), (40_001,), (3, 3, 2)]
    dtypes = ["float32", "float64"] * 4
    lists = [[normal(s, d, i) for s, d in zip(shapes, dtypes, strict=True)] for i in range(5)]
    lists[3] = [np.abs(a) for a in lists[3]]
    p, g, m, v, b = (device_arrays(backend, arrays) for arrays in lists)
    alone = [[device_arrays(backend, [a]) for a in arrays] for arrays in lists]
    backend.adam_update(p, g, m, v, None, 2, 0.1, 0.9, 0.99, 1e-7, 0.1)
    backend.sgd_update(p, g, m, 0.1, 0.9, True, 0.1)
    backend.rmsprop_update(p, g, v, b, None, 0.1, 0.9, 0.9, 1e-7, 0.1)
    for i, (p1, g1, m1, v1, b1) in enumerate(zip(*alone, strict=True)):
        backend.adam_update(p1, g1, m1, v1, None, 2, 0.1, 0.9, 0.99, 1e-7, 0.1)
        backend.sgd_update(p1, g1, m1, 0.1, 0.9, True, 0.1)
        backend.rmsprop_update(p1, g1, v1, b1, None, 0.1, 0.9, 0.9, 1e-7, 0.1)
        for together, single in ((p, p1), (m, m1), (v, v1), (b, b1)):
            assert_close(backend.to_numpy(together[i]), backend.to_numpy(single[0]), 1e-6)
    backend.sgd_update([], [], None, 0.1, 0.0, False, 0.0)


@pytest.mark.parametrize("limit", [0.5, 5.0, 300.0, 1e9])
@pytest.mark.parametrize("together", [False, True])
@pytest.mark.each_kernel
def test_norms_above_a_limit_are_clipped(backend, together, limit):
    arrays = [np.array([3.0, -4.0]), np.zeros((0, 2)), normal((70, 801), "float32"), normal((5, 4)).T, np.zeros(3)]
    norms = [np.linalg.norm(a.astype(np.float64)) for a in arrays]
    if together:
        norms = [np.linalg.norm(norms)] * len(arrays)
    clipped = backend.clip_norms([backend.asarray(a) for a in arrays], limit, together)
    for mine, a, norm in zip(clipped, arrays, norms, strict=True):
        assert (mine.shape, mine.dtype) == (a.shape, a.dtype)
        expected = a if norm <= limit else a * (limit / norm)
        exact = a.dtype == "float64" and not together  # of float32 squares may be summed in float32
        np.testing.assert_allclose(backend.to_numpy(mine), expected, rtol=1e-14 if exact else 1e-6)
        if norm <= limit:
            np.testing.assert_array_equal(backend.to_numpy(mine), a)


def test_norms_of_more_arrays_than_one_launch_has(backend):
    arrays = [normal((5, i), "float32", i) for i in range(1, 130)]
    norms = [np.linalg.norm(a.astype(np.float64)) for a in arrays]
    for together in (False, True):
        clipped = backend.clip_norms([backend.asarray(a) for a in arrays], 4.0, together)
        for mine, a, norm in zip(clipped, arrays, norms, strict=True):
            limited = 4 / (np.linalg.norm(norms) if together else max(norm, 4))
            np.testing.assert_allclose(backend.to_numpy(mine), a * limited, rtol=1e-6)


def test_a_norm_that_is_no_number_shows(backend):
    arrays = [backend.asarray(np.array(a)) for a in ([1.0, np.nan], [1.0, 2.0])]
    first, second = (backend.to_numpy(a) for a in backend.clip_norms(arrays, 1.0, False))
    assert np.isnan(first).all()
    np.testing.assert_allclose(second, np.array([1, 2]) / 5**0.5)
