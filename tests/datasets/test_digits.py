"""The digits data set: sizes, splits, ranges."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pycnn.datasets import digits


def test_stratified_split():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, x_test.shape) == ((1347, 8, 8, 1), (450, 8, 8, 1))
    assert (y_train.shape, y_test.shape) == ((1347,), (450,))
    assert x_train.dtype == np.float32
    assert y_train.dtype == np.int64
    shares = np.bincount(y_test) / np.bincount(np.concatenate([y_train, y_test]))
    assert np.all(np.abs(shares - 0.25) < 0.01)
    everything = np.concatenate([x_train, x_test]).reshape(1797, 64)
    expected = load_digits().data / 16
    np.testing.assert_array_equal(np.sort(everything.sum(axis=1)), np.sort(expected.sum(axis=1)).astype(np.float32))
    assert everything.min() == 0
    assert everything.max() == 1


def test_writers_split_keeps_the_order():
    (x_train, y_train), (x_test, y_test) = digits.load_data("writers")
    original = load_digits()
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), original.target)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test])[..., 0], original.images / 16)
    assert (len(y_train), len(y_test)) == (898, 899)


def test_seed_decides_the_split():
    (first, _), _ = digits.load_data()
    (again, _), _ = digits.load_data(seed=0)
    (other, _), _ = digits.load_data(seed=1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_bytes():
    (x_train, _), (floats, _) = digits.load_data("writers", dtype="uint8")[0], digits.load_data("writers")[0]
    assert x_train.dtype == np.uint8
    np.testing.assert_array_equal(x_train, np.round(255 * floats))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "half"}, "split must be one of stratified, writers. Received: split='half'"),
        ({"seed": -1}, "seed must be an integer >= 0. Received: seed=-1"),
        ({"dtype": "float16"}, "dtype must be .* Received: dtype='float16'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        digits.load_data(**arguments)


def test_missing_scikit_learn_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        digits.load_data()
