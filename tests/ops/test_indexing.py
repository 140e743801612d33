import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

X = normal((3, 4, 5))
INDICES = {
    "integer": 1,
    "negative integer": -1,
    "slice": slice(1, 3),
    "negative step": slice(None, None, -2),
    "ellipsis": (Ellipsis, 2),
    "new axis": (None, slice(None), None, 1),
    "tuple": (0, slice(1, None), 3),
    "list": [0, 2, 2],
    "integer array with repetition": np.array([[0, 0], [2, 1]]),
    "two integer arrays": (np.array([0, 0, 2]), np.array([1, 1, 3])),
    "array and slice": (slice(None), np.array([3, 3])),
    "mask": X > 0,
    "mask of rows": np.array([True, False, True]),
    "nothing": slice(0, 0),
}


@pytest.mark.parametrize("case", INDICES)
def test_indexing_as_numpy(backend, case):
    index = INDICES[case]
    assert_close(pycnn.Tensor(X)[index].numpy(), X[index])
    gradcheck(lambda x: x[index], [X])


def test_tensors_as_indices(backend):
    x = pycnn.Tensor(X)
    assert_close(x[ops.argmax(X[:, 0, 0])].numpy(), X[np.argmax(X[:, 0, 0])])
    assert_close(x[:, pycnn.Tensor([1, 1])].numpy(), X[:, [1, 1]])
    assert_close(x[x > 0].numpy(), X[X > 0])


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_take(backend, axis):
    indices = np.array([[0, 2], [2, 2]])
    assert_close(ops.take(X, indices, axis).numpy(), np.take(X, indices, axis))
    gradcheck(lambda x: ops.take(x, indices, axis), [X])


def test_take_wants_integers(backend):
    with pytest.raises(TypeError, match=r"indices must be integers. Received: indices.dtype=float32"):
        ops.take(X, [0.5], axis=0)


def test_iteration_and_unpacking(backend):
    a, b = pycnn.Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert a.tolist() == [1.0, 2.0]
    assert b.tolist() == [3.0, 4.0]
