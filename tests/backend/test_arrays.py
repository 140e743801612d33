"""Arrays of a device: in, out, and random."""

import numpy as np
import pytest


def test_there_and_back(backend):
    for value in ([[1.0, 2.0], [3.0, 4.0]], np.arange(6, dtype=np.float32).reshape(2, 3), 3.5):
        array = backend.asarray(value)
        assert backend.is_array(array)
        np.testing.assert_array_equal(backend.to_numpy(array), value)
    assert not backend.is_array([1.0])
    assert not backend.is_array(1.0)


def test_asarray_takes_a_dtype(backend):
    assert backend.asarray([1, 2], dtype="float32").dtype == np.float32
    array = backend.asarray(np.ones(3))
    assert array.dtype == np.float64
    assert backend.asarray(array) is array


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_numbers_come_from_the_generator_of_the_host(backend, dtype):
    numbers = backend.random_uniform(np.random.default_rng(7), (50, 40), dtype)
    assert backend.is_array(numbers)
    assert numbers.dtype == dtype
    values = backend.to_numpy(numbers)
    assert 0 <= values.min() < 0.01
    assert 0.99 < values.max() < 1
    again = backend.to_numpy(backend.random_uniform(np.random.default_rng(7), (50, 40), dtype))
    np.testing.assert_array_equal(values, again)


def test_xp_is_the_namespace_of_its_arrays(backend):
    assert backend.is_array(backend.xp.zeros(3))
    assert backend.is_array(backend.xp.exp(backend.asarray([0.0])))
