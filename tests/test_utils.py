"""pycnn.utils."""

import numpy as np
import pytest

import pycnn
from pycnn import utils


def test_to_categorical():
    rows = utils.to_categorical([[1], [0]], 3)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert utils.to_categorical(np.array([[0, 1], [2, 0]])).shape == (2, 2, 3)
    assert utils.to_categorical([]).shape == (0, 0)
    assert utils.to_categorical(pycnn.Tensor(np.array([1]))).tolist() == [[0, 1]]


@pytest.mark.parametrize(("x", "classes"), [([-1], None), ([3], 3), ([0.5], None)])
def test_wrong_classes(x, classes):
    with pytest.raises(ValueError, match="x must hold whole numbers from 0 to"):
        utils.to_categorical(x, classes)


def test_normalize():
    np.testing.assert_allclose(utils.normalize([[3, 4], [0, 0]]), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(utils.normalize([[3, 4]], order=1), [[3 / 7, 4 / 7]])


def test_set_random_seed():
    utils.set_random_seed(3)
    one = pycnn.config.generator().random()
    utils.set_random_seed(3)
    assert pycnn.config.generator().random() == one
    with pytest.raises(ValueError, match="seed must be an integer >= 0"):
        utils.set_random_seed(-1)
