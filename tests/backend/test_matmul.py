"""Matrix product: by hand, all layouts, all remainders, against PyTorch."""

import itertools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, strided
from kernel_calls import run

A, B = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 0], [0, 1], [10, 100]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("transpose_a", "transpose_b"), list(itertools.product([False, True], repeat=2)))
def test_by_hand(backend, transpose_a, transpose_b, dtype):
    a = (A.T if transpose_a else A).astype(dtype)
    b = (B.T if transpose_b else B).astype(dtype)
    y = run(backend, "matmul", a, b, transpose_a, transpose_b)
    np.testing.assert_array_equal(y, [[31, 302], [64, 605]])
    y = run(backend, "matmul", a, b, transpose_a, transpose_b, bias=np.array([-40, 1], dtype), activation="relu")
    np.testing.assert_array_equal(y, [[0, 303], [24, 606]])
    assert y.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [0, 1, 2, 3, 4, 5, 6, 13, 15, 64])
def test_every_remainder_of_a_tile(backend, m, dtype):
    for n, k in itertools.product([0, 1, 7, 16, 31, 33, 64, 65], [1, 4, 64, 70]):
        a, b, bias = normal((m, k), dtype, m), normal((k, n), dtype, n), normal(n, dtype, k)
        expected = a.astype(np.float64) @ b.astype(np.float64) + bias
        for transpose_a, transpose_b in itertools.product([False, True], repeat=2):
            left, right = a.T.copy() if transpose_a else a, b.T.copy() if transpose_b else b
            assert_close(run(backend, "matmul", left, right, transpose_a, transpose_b, bias=bias), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 16, 17, 40, 64, 65, 96, 100, 113, 128, 129])
def test_one_row_by_few_columns(backend, n, dtype):
    for k in (1, 3, 7, 8, 9, 130):
        a, b = normal((1, k), dtype, n), normal((k, n), dtype, k)
        assert_close(run(backend, "matmul", a, b), a.astype(np.float64) @ b.astype(np.float64))


@pytest.mark.parametrize("m", [1, 6, 7, 16, 17])
def test_few_rows_by_a_large_matrix(backend, m):
    a, b, bias = normal((m, 733), "float32"), normal((733, 717), "float32", 1), normal(717, "float32", 2)
    expected = np.maximum(a.astype(np.float64) @ b.astype(np.float64) + bias, 0)
    for right, transposed in ((b, False), (b.T.copy(), True)):
        y = run(backend, "matmul", a, right, transpose_b=transposed, bias=bias, activation="relu")
        assert_close(y, expected)


def test_views_are_matrices_like_any_other(backend):
    a, b = normal((20, 30), seed=1), normal((30, 10), seed=2)
    for left, right in [(strided(a), b), (a, strided(b)), (a.T.copy().T, b.T.copy().T), (a[::-1][::-1], b)]:
        assert_close(run(backend, "matmul", left, right), a @ b, 1e-14)
    assert_close(run(backend, "matmul", a[::-1, ::-1], b[::-1]), a[::-1, ::-1] @ b[::-1], 1e-14)


def test_nothing_to_sum_over_leaves_the_bias(backend):
    y = run(backend, "matmul", np.zeros((2, 0)), np.zeros((0, 3)), bias=np.array([1.0, 2, 3]))
    np.testing.assert_array_equal(y, [[1, 2, 3], [1, 2, 3]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", [None, "linear", "relu", "sigmoid", "tanh"])
def test_dense_layer_of_pytorch(backend, activation, dtype):
    torch = peer("torch")
    x, w, bias = normal((37, 120), dtype), normal((120, 84), dtype, 1) / 11, normal(84, dtype, 2)
    expected = torch.nn.functional.linear(*map(torch.tensor, (x, w.T.copy(), bias)))
    if activation not in (None, "linear"):
        expected = getattr(torch, activation)(expected)
    w = w.astype(dtype)
    assert_close(run(backend, "matmul", x, w, bias=bias, activation=activation), expected.numpy())
