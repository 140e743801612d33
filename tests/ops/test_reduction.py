import numpy as np
import pytest
from helpers import assert_close, normal
from op_checks import assert_matches_torch, value_and_gradients

from pycnn import ops
from pycnn.autograd import gradcheck

X = normal((2, 3, 4))
AXES = [None, 0, -1, (0, 2), [1, -1], (0, 1, 2)]


def torch_axes(x, axis):
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(a % x.ndim for a in axes)


TORCH = {
    "sum": lambda x, axis, keep: x.sum(axis, keepdim=keep),
    "mean": lambda x, axis, keep: x.mean(axis, keepdim=keep),
    "max": lambda x, axis, keep: x.amax(axis, keepdim=keep),
    "min": lambda x, axis, keep: x.amin(axis, keepdim=keep),
    "var": lambda x, axis, keep: x.var(axis, unbiased=False, keepdim=keep),
    "std": lambda x, axis, keep: x.std(axis, unbiased=False, keepdim=keep),
    "logsumexp": lambda x, axis, keep: x.logsumexp(axis, keepdim=keep),
}


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_agree_with_torch(backend, name, axis, keepdims):
    assert_matches_torch(
        lambda x: getattr(ops, name)(x, axis=axis, keepdims=keepdims),
        lambda x: TORCH[name](x, torch_axes(x, axis), keepdims),
        [X],
    )


def test_equal_extremes_share_the_gradient(backend):
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    assert_matches_torch(lambda x: ops.max(x, axis=1), lambda x: x.amax(1), [x])
    assert_matches_torch(lambda x: ops.min(x), lambda x: x.amin(), [x])


@pytest.mark.parametrize("axis", AXES)
def test_products(backend, axis):
    gradcheck(lambda x: ops.prod(x, axis=axis), [X])
    y, _ = value_and_gradients(lambda x: ops.prod(x, axis=axis, keepdims=True), [X])
    assert_close(y, np.prod(X, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=True))


@pytest.mark.parametrize("row", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0], [5.0]])
def test_the_gradient_of_a_product_is_right_beside_zeros(backend, row):
    assert_matches_torch(ops.prod, lambda x: x.prod(), [np.array(row)])


def test_logsumexp_does_not_overflow(backend):
    assert ops.logsumexp(np.array([1000.0, 1000.0])).item() == pytest.approx(1000 + np.log(2))
    assert ops.logsumexp(np.array([[-np.inf, 0.0]]), axis=1).tolist() == [0.0]


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_places_of_extremes(backend, name, axis):
    x = np.round(normal((4, 5), seed=3))
    np.testing.assert_array_equal(getattr(ops, name)(x, axis=axis).numpy(), getattr(np, name)(x, axis=axis))


def test_any_and_all(backend):
    x = np.array([[True, False], [True, True]])
    assert ops.any(x, axis=0).tolist() == [True, True]
    assert ops.all(x, axis=1).tolist() == [False, True]
    assert ops.all(x).item() is False


def test_top_k(backend):
    x = np.array([[3.0, 1.0, 3.0, 2.0], [0.0, -1.0, 5.0, 4.0]])
    values, indices = ops.top_k(x, 2)
    assert values.tolist() == [[3.0, 3.0], [5.0, 4.0]]
    assert indices.tolist() == [[0, 2], [2, 3]]
    gradcheck(lambda x: ops.top_k(x, 2)[0], [normal((3, 4))])
    with pytest.raises(ValueError, match=r"k must lie between 1 and .* 4. Received: k=5"):
        ops.top_k(x, 5)


@pytest.mark.parametrize(
    ("axis", "message"), [(3, "from -3 to 2"), ((0, 0), "twice"), ((0, -3), "twice"), (1.5, "integer")]
)
def test_wrong_axes(backend, axis, message):
    with pytest.raises(ValueError, match=rf"axis .*{message}.*Received: axis="):
        ops.sum(X, axis=axis)


def test_reductions_of_nothing(backend):
    assert ops.sum(np.zeros((0, 3)), axis=0).tolist() == [0.0, 0.0, 0.0]
    gradcheck(lambda x: ops.sum(x, axis=0), [np.zeros((0, 3))])
