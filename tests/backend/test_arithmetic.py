"""Sums and products of arrays: worked by hand, stretched operands of every kind, sums in a fixed order."""

import numpy as np
import pytest
from helpers import assert_close, normal
from kernel_calls import run

from pycnn.backend.stretching import stretching


@pytest.mark.parametrize(
    ("shape", "other", "expected"),
    [
        ((2, 3), (2, 3), (1, 1, 6)),
        ((), (), (1, 1, 1)),
        ((8, 7, 7, 64), (64,), (1, 392, 64)),
        ((8, 7, 7, 64), (8, 1, 1, 64), (8, 49, 64)),
        ((8, 7, 7, 64), (8, 7, 7, 1), (392, 64, 1)),
        ((8, 7, 7, 64), (7, 7, 64), (1, 8, 3136)),
        ((8, 7, 7, 64), (1, 7, 1, 64), None),
        ((8, 7, 7, 64), (7, 1, 64), None),
        ((8, 1, 7, 64), (8, 1, 1, 64), (8, 7, 64)),
        ((8, 7), (), (1, 56, 1)),
        ((8, 7), (1, 1), (1, 56, 1)),
        ((1, 5), (5,), (1, 1, 5)),
        ((5,), (1, 5), None),
        ((5,), (4,), None),
        ((5, 1), (5, 3), None),
        ((0, 5), (5,), (1, 0, 5)),
    ],
)
def test_stretching_by_hand(shape, other, expected):
    assert stretching(shape, other) == expected


def test_by_hand(backend):
    a = np.array([[[1.0, 2], [3, 4]], [[5, 6], [7, 8]]])
    b, gy = np.array([[[10.0, 20]], [[30, 40]]]), np.ones((2, 2, 2))
    np.testing.assert_array_equal(run(backend, "add", a, b), [[[11, 22], [13, 24]], [[35, 46], [37, 48]]])
    np.testing.assert_array_equal(run(backend, "multiply", a, b), [[[10, 40], [30, 80]], [[150, 240], [210, 320]]])
    ga, gb = run(backend, "multiply_grad", gy, a, b)
    np.testing.assert_array_equal(ga, [[[10, 20], [10, 20]], [[30, 40], [30, 40]]])
    np.testing.assert_array_equal(gb, [[[4, 6]], [[12, 14]]])
    np.testing.assert_array_equal(run(backend, "sum_products", a, a, (2, 1, 2)), [[[10, 20]], [[74, 100]]])
    np.testing.assert_array_equal(run(backend, "sum_products", a, None, (2,)), [16, 20])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inner", [1, 2, 3, 16, 17, 33, 255, 256, 257, 511, 512, 513, 1000])
def test_rows_of_every_length(backend, dtype, inner):
    """Short rows are repeated, long ones end within a vector, and tasks begin within a row."""
    for outer, middle in ((1, 40_000 // inner), (3, 20_001 // inner), (700, 2), (2, 1)):
        shape, other = (outer, middle, inner), (outer, 1, inner)
        a, b, gy = normal(shape, dtype, 1), normal(other, dtype, 2), normal(shape, dtype, 3)
        np.testing.assert_array_equal(run(backend, "add", a, b), a + b)
        np.testing.assert_array_equal(run(backend, "add_clipped", a, b, -1.0, 0.5), np.clip(a + b, -1, 0.5))
        np.testing.assert_array_equal(run(backend, "multiply", a, b), a * b)
        ga, gb = run(backend, "multiply_grad", gy, a, b)
        np.testing.assert_array_equal(ga, gy * b)
        tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
        products = gy.astype(np.float64) * a
        assert_close(gb, products.sum(axis=1, keepdims=True), tolerance)
        assert_close(run(backend, "sum_products", gy, a, other), products.sum(axis=1, keepdims=True), tolerance)
        sums = gy.astype(np.float64).sum(axis=1, keepdims=True)
        assert_close(run(backend, "sum_products", gy, None, other), sums, tolerance)


@pytest.mark.parametrize("member", ["add", "multiply"])
@pytest.mark.parametrize("other", [(30, 20, 70), (30, 1, 70), (70,)])
def test_in_place(backend, member, other):
    a, b = backend.asarray(normal((30, 20, 70), seed=1)), backend.asarray(normal(other, seed=2))
    kernel = getattr(backend, member)
    expected = backend.to_numpy(kernel(a, b)).copy()
    assert kernel(a, b, out=a) is a
    np.testing.assert_array_equal(backend.to_numpy(a), expected)


def test_sums_of_none_are_zero(backend):
    np.testing.assert_array_equal(run(backend, "sum_products", np.ones((0, 3)), None, (3,)), [0, 0, 0])
    ga, gb = run(backend, "multiply_grad", np.ones((2, 0, 3)), np.ones((2, 0, 3)), np.ones((2, 1, 3)))
    assert ga.shape == (2, 0, 3)
    np.testing.assert_array_equal(gb, np.zeros((2, 1, 3)))


def test_nan_and_infinity_pass(backend):
    a = np.array([np.nan, np.inf, -np.inf, 1.0])
    np.testing.assert_array_equal(run(backend, "add", a, np.ones(4)), a + 1)
    np.testing.assert_array_equal(run(backend, "multiply", a, 2 * np.ones(4)), 2 * a)
    np.testing.assert_array_equal(run(backend, "add_clipped", a, np.ones(4), 0.0, 1.5), [np.nan, 1.5, 0, 1.5])
