"""Operations inside autocast: computed in float32, rounded once, with gradients that are rounded where arrays are."""

import ml_dtypes  # noqa: F401  which tells NumPy of bfloat16
import numpy as np
import pytest

import pycnn
from pycnn import ops
from pycnn.autograd import autocast, autocast_dtype

HALVES = [np.dtype("float16"), np.dtype("bfloat16")]


@pytest.fixture(params=HALVES, ids=str)
def half(request):
    return request.param


def numbers(dtype="float32", seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2, (3, 4)).astype(dtype)


def tensor(array, **options):
    return pycnn.Tensor(pycnn.get_backend().asarray(array), **options)


def test_each_result_is_rounded_once(backend, half):
    a, b = numbers(half), numbers(half, 1)
    with autocast(half):
        y = tensor(a) * tensor(b)
    assert y.dtype == half
    np.testing.assert_array_equal(y.numpy(), (a.astype("f4") * b.astype("f4")).astype(half))


def test_weights_are_rounded_first(backend, half):
    a, weight = numbers(half), pycnn.Variable(numbers(seed=1))
    with autocast(half):
        y = tensor(a) * weight
        alone = weight + 1
    np.testing.assert_array_equal(y.numpy(), (a.astype("f4") * weight.numpy().astype(half).astype("f4")).astype(half))
    np.testing.assert_array_equal(alone.numpy(), (weight.numpy().astype(half).astype("f4") + 1).astype(half))
    assert weight.dtype == "float32"


def test_weights_without_autocast_are_not(half):
    a, state = numbers(half), pycnn.Variable(numbers(seed=1), trainable=False, autocast=False)
    with autocast(half):
        y = tensor(a) * state
    np.testing.assert_array_equal(y.numpy(), (a.astype("f4") * state.numpy()).astype(half))


@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_nothing_is_rounded_beside_a_wider_array(backend, half, wide):
    a, b, weight = numbers(half), numbers(wide, 1), pycnn.Variable(numbers(seed=2))
    with autocast(half):
        y, z = tensor(a) + tensor(b), tensor(b) + weight
    assert y.dtype == z.dtype == wide
    np.testing.assert_array_equal(y.numpy(), a.astype(wide) + b)
    np.testing.assert_array_equal(z.numpy(), b + weight.numpy())


def test_integers_are_left_alone(half):
    with autocast(half):
        assert (pycnn.Tensor([1, 2]) + 1).dtype == "int64"
        assert ops.argmax(tensor(numbers(half)), axis=1).dtype.kind == "i"


def test_gradients_of_arrays_are_rounded_and_those_of_weights_are_not(backend, half):
    a, gy = numbers(half), numbers(half, 3)
    x, weight = tensor(a, requires_grad=True), pycnn.Variable(numbers(seed=1))
    with autocast(half):
        y = x * weight
    y.backward(tensor(gy))
    assert x.grad.dtype == half
    assert weight.grad.dtype == "float32"
    rounded = weight.numpy().astype(half).astype("f4")
    np.testing.assert_array_equal(x.grad.numpy(), (gy.astype("f4") * rounded).astype(half))
    np.testing.assert_array_equal(weight.grad.numpy(), gy.astype("f4") * a.astype("f4"))


def test_casts_go_where_they_are_told(half):
    x = tensor(numbers(half), requires_grad=True)
    with autocast(half):
        wide = ops.cast(x, "float32")
        again = ops.cast(wide * 3, half)
    assert wide.dtype == "float32"
    assert again.dtype == half
    np.testing.assert_array_equal(again.numpy(), (x.numpy().astype("f4") * 3).astype(half))
    ops.sum(ops.cast(again, "float32")).backward()
    assert x.grad.dtype == half
    np.testing.assert_array_equal(x.grad.numpy().astype("f4"), 3)


def test_what_only_moves_numbers_keeps_them(backend, half):
    a = numbers(half)
    with autocast(half):
        y = ops.transpose(ops.reshape(tensor(a), (4, 3)))
        weight = ops.reshape(pycnn.Variable(numbers()), (4, 3))
    np.testing.assert_array_equal(y.numpy(), a.reshape(4, 3).T)
    np.testing.assert_array_equal(weight.numpy(), numbers().astype(half).reshape(4, 3))


def test_several_outputs(half):
    x = tensor(numbers(half), requires_grad=True)
    with autocast(half):
        first, second = ops.split(x, 2, axis=1)
        y = first * second
    assert first.dtype == second.dtype == half
    y.backward(tensor(np.ones((3, 2), half)))
    np.testing.assert_array_equal(x.grad.numpy(), np.concatenate([x.numpy()[:, 2:], x.numpy()[:, :2]], axis=1))


def test_what_is_too_large_becomes_infinite_without_a_warning():
    x = tensor(np.full(2, 60000, "float16"), requires_grad=True)
    with autocast(np.dtype("float16")):
        y = x + x
    assert np.isinf(y.numpy()).all()
    (ops.cast(y, "float32") * 1e6).sum().backward()
    assert np.isinf(x.grad.numpy()).all()


def test_float32_widens_half_wide_arrays(half):
    with autocast(np.dtype("float32")):
        y = tensor(numbers(half)) * pycnn.Variable(numbers(seed=1))
    np.testing.assert_array_equal(y.numpy(), numbers(half).astype("f4") * numbers(seed=1))


def test_nesting():
    outer, inner = HALVES
    with autocast(outer):
        with pycnn.no_grad(), autocast(inner):
            assert autocast_dtype() == inner
            assert not pycnn.autograd.is_grad_enabled()
            with autocast(None):
                assert autocast_dtype() is None
                assert not pycnn.autograd.is_grad_enabled()
        assert autocast_dtype() == outer
        assert pycnn.autograd.is_grad_enabled()
    assert autocast_dtype() is None


def test_an_error_ends_it():
    with pytest.raises(ZeroDivisionError), autocast(HALVES[0]):
        1 / 0  # noqa: B018
    assert autocast_dtype() is None
