import numpy as np
import pytest

import pycnn
from pycnn import config, ops
from pycnn.ops.promotion import as_float, same_float


@pytest.mark.parametrize("number", [2, 2.5, np.float64(2.5), np.float32(2.5), np.int64(2), np.sqrt(2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scalars_do_not_change_a_floating_dtype(backend, number, dtype):
    x = pycnn.Tensor(np.ones(3, dtype))
    for y in (x + number, number + x, x * number, number / x, x - number, x**number, ops.maximum(number, x)):
        assert y.dtype == dtype


def test_arrays_of_different_floats_meet_at_the_widest(backend):
    assert (pycnn.Tensor(np.ones(2, "float32")) + np.ones(2, "float64")).dtype == np.float64
    assert (np.ones(2, "float64") + pycnn.Tensor(np.ones(2, "float32"))).dtype == np.float64
    assert (pycnn.Tensor(np.ones(2, "float16")) * np.ones(2, "int64")).dtype == np.float32


def test_integers_follow_floats(backend):
    assert (pycnn.Tensor(np.ones(2, "float32")) * np.arange(2)).dtype == np.float32
    assert (pycnn.Tensor(np.arange(2)) * 0.5).dtype == np.float32
    config.set_floatx("float64")
    assert (pycnn.Tensor(np.arange(2)) * 0.5).dtype == np.float64


def test_small_integers_do_not_wrap(backend):
    image = pycnn.Tensor(np.array([0, 200, 255], np.uint8))
    assert (image + image).tolist() == [0, 400, 510]
    assert (image - 128).tolist() == [-128, 72, 127]
    assert (3 * image).tolist() == [0, 600, 765]
    assert (-image).tolist() == [0, -200, -255]
    assert ops.square(image).tolist() == [0, 40000, 65025]
    assert (image / 255).tolist() == pytest.approx([0, 200 / 255, 1])
    assert image.sum().item() == 455


def test_booleans_count_as_integers(backend):
    mask = pycnn.Tensor([True, False, True])
    assert (mask + mask).tolist() == [2, 0, 2]
    assert (mask * 2.0).dtype == np.float32


def test_division_and_means_of_integers_float(backend):
    x = pycnn.Tensor(np.array([1, 2]))
    assert (x / x).dtype == np.float32
    assert x.mean().dtype == np.float32
    assert ops.exp(x).dtype == np.float32


def test_same_float():
    a, none, b = same_float(np.ones(2, "float32"), None, np.ones(2, "float64"))
    assert none is None
    assert a.dtype == b.dtype == np.float64
    big_endian, _ = same_float(np.ones(2, ">f4"), np.ones(2, "f4"))
    assert big_endian.dtype.isnative
    array = np.ones(2, "float32")
    assert same_float(array, array)[0] is array
    assert as_float(array) is array
    assert as_float(np.ones(2, "float16")).dtype == np.float32
    assert as_float(np.ones(2, bool)).dtype == np.float32


def test_two_numbers_make_a_tensor(backend):
    assert ops.add(1, 2).item() == 3
    assert ops.maximum(1.5, 2).item() == 2.0
