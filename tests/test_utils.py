"""pycnn.utils."""

import inspect

import numpy as np
import pytest
from helpers import peer

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


def test_batches_are_packed_and_unpacked_as_in_keras():
    keras = peer("keras")
    x, y, weight = np.zeros(2), np.ones(2), np.full(2, 3.0)
    for batch in ((x,), (x, y), (x, y, weight), (x, None, weight)):
        ours, theirs = utils.pack_x_y_sample_weight(*batch), keras.utils.pack_x_y_sample_weight(*batch)
        assert repr(ours) == repr(theirs)
        parts = utils.unpack_x_y_sample_weight(ours)
        assert [a is b for a, b in zip(parts, keras.utils.unpack_x_y_sample_weight(theirs), strict=True)] == [True] * 3
    with pytest.raises(ValueError, match="Received: data of 4 parts"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


@pytest.mark.parametrize(
    "name",
    [
        "Progbar",
        "PyDataset",
        "Sequence",
        "array_to_img",
        "clear_session",
        "get_file",
        "image_dataset_from_directory",
        "img_to_array",
        "load_img",
        "normalize",
        "pack_x_y_sample_weight",
        "save_img",
        "set_random_seed",
        "to_categorical",
        "unpack_x_y_sample_weight",
    ],
)
def test_arguments_are_those_of_keras(name):
    keras = peer("keras")
    assert str(inspect.signature(getattr(utils, name))) == str(inspect.signature(getattr(keras.utils, name)))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_data_sets_have_the_arguments_of_keras(name):
    keras = peer("keras")
    ours, theirs = getattr(pycnn.datasets, name), getattr(keras.datasets, name)
    assert str(inspect.signature(ours.load_data)) == str(inspect.signature(theirs.load_data))


def test_names_that_keras_has_in_several_places():
    assert pycnn.utils.register_keras_serializable is pycnn.saving.register_keras_serializable
    assert pycnn.backend.clear_session is pycnn.utils.clear_session
    assert pycnn.backend.is_keras_tensor(pycnn.Input((2,)))
    assert pycnn.backend.epsilon() == pycnn.config.epsilon() == 1e-7
    assert pycnn.ops.shape(pycnn.Input((2,))) == (None, 2)


@pytest.mark.parametrize(
    "module", [pycnn.layers, pycnn.callbacks, pycnn.losses, pycnn.metrics, pycnn.optimizers, pycnn.ops]
)
def test_an_unknown_name_is_answered_with_close_ones(module):
    known = next(name for name in reversed(module.__all__) if len(name) > 6)
    with pytest.raises(AttributeError, match=rf"{module.__name__} has no '{known}x'\. Did you mean {known}"):
        getattr(module, f"{known}x")
