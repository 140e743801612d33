"""Training that cannot be right ends in an error that says why."""

import numpy as np
import pytest
from fit_models import classifier, regression, small_model
from helpers import normal

import pycnn
from pycnn import layers


def test_using_a_model_that_was_not_compiled(backend):
    model = pycnn.Sequential([layers.Input((3,)), layers.Dense(1)])
    for use in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(RuntimeError, match=r"You must call `compile\(\)` before using the model."):
            use(np.zeros((2, 3)), np.zeros(2))


def test_lengths_that_differ(backend):
    with pytest.raises(ValueError, match=r"Data cardinality is ambiguous.*'x' sizes: 10 'y' sizes: 64"):
        small_model().fit(np.zeros((10, 3)), np.zeros(64), verbose=0)
    with pytest.raises(ValueError, match=r"'x' sizes: 4 'y' sizes: 4 'sample_weight' sizes: 3"):
        small_model().fit(np.zeros((4, 3)), np.zeros(4), sample_weight=np.ones(3), verbose=0)
    with pytest.raises(ValueError, match=r"'x' sizes: 4 'y' sizes: 5"):
        small_model().fit(*regression(8), validation_data=(np.zeros((4, 3)), np.zeros(5)), verbose=0)


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_out_of_range(backend, label):
    y = np.arange(8) % 4
    y[5] = label
    for use in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        arguments = {"verbose": 0} if use in ("fit", "evaluate") else {}
        with pytest.raises(ValueError, match=rf"y must .* 0 to 3.*Received: y\[5\]={label}"):
            getattr(classifier(), use)(normal((8, 3)), y, **arguments)


def test_targets_that_are_nan(backend):
    y = np.zeros((8, 1))
    y[3] = np.nan
    with pytest.raises(ValueError, match=r"y must not contain NaN. Received: y\[3, 0\]=nan"):
        small_model().fit(normal((8, 3)), y, verbose=0)
    with pytest.raises(ValueError, match="y must not contain NaN"):
        small_model().fit(normal((8, 3)), np.zeros(8), validation_data=(normal((8, 3)), y), verbose=0)
    with pytest.raises(ValueError, match="y must not contain NaN"):
        small_model().evaluate(normal((8, 3)), y, verbose=0)


def test_targets_of_the_wrong_shape(backend):
    with pytest.raises(ValueError, match=r"y must have the shape.*Received: y.shape=\(8, 2\)"):
        small_model().fit(normal((8, 3)), np.zeros((8, 2)), verbose=0)
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy"):
        classifier(loss="categorical_crossentropy").fit(normal((8, 3)), np.arange(8) % 4, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer >= 1. Received: batch_size=0"),
        ({"batch_size": 2.5}, "batch_size must be an integer"),
        ({"validation_split": 1.5}, "validation_split must lie between 0 and 1. Received: validation_split=1.5"),
        ({"validation_split": 0.99}, "leaves 0 for training and 8 for validation"),
        ({"verbose": 3}, "verbose must be 'auto', 0, 1 or 2. Received: verbose=3"),
        ({"callbacks": ["stop"]}, "callbacks must be instances of Callback. Received: callback='stop'"),
        ({"x": np.array(["a"] * 8)}, "x must hold numbers"),
        ({"x": 5.0}, "x must be arrays or something that gives batches|axis of samples"),
    ],
)
def test_wrong_arguments(backend, arguments, message):
    given = {"x": normal((8, 3)), "y": np.zeros(8), "verbose": 0} | arguments
    with pytest.raises((ValueError, TypeError), match=message):
        small_model().fit(**given)


def test_nothing_to_minimise(backend):
    model = pycnn.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd")
    with pytest.raises(ValueError, match="There is no loss"):
        model.fit(*regression(), verbose=0)


def test_nothing_to_train(backend):
    model = small_model()
    model.trainable = False
    with pytest.raises(ValueError, match="has no trainable weights: there is nothing to train"):
        model.fit(*regression(), verbose=0)


def test_no_data(backend):
    model = small_model()
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="The data ran out: this epoch got no batch"):
            use(np.zeros((0, 3)), np.zeros(0), verbose=0)
    with pytest.raises(ValueError, match="There was no batch to predict"):
        model.predict(np.zeros((0, 3)), verbose=0)


def test_unknown_names():
    model = pycnn.Sequential([layers.Input((3,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="Received: optimizer='adm'"):
        model.compile("adm", "mse")
    with pytest.raises(ValueError, match="Received: loss='msee'"):
        model.compile("sgd", "msee")
    with pytest.raises(ValueError, match="metrics must be a list or dict. Received: metrics='mae'"):
        model.compile("sgd", "mse", metrics="mae")
