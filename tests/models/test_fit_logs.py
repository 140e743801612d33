"""What fit and evaluate report: losses, weights of samples, metrics, regularizers."""

import numpy as np
import pytest
from fit_models import classifier, regression, small_model
from helpers import assert_close, normal

import pycnn
from pycnn import layers


def test_sample_and_class_weights(backend):
    x, y = np.ones((4, 3)), np.array([0, 1, 2, 3])
    model = classifier(optimizer=pycnn.optimizers.SGD(0.0))
    losses = -np.log(model.predict(x, verbose=0)[np.arange(4), y])
    weights = np.array([1.0, 0.0, 2.0, 0.5])
    expected = (losses * weights).mean()
    assert model.fit(x, y, sample_weight=weights, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-5)
    by_class = dict(enumerate(weights.tolist()))
    assert model.fit(x, y, class_weight=by_class, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(x, y, sample_weight=weights, verbose=0)[0] == pytest.approx(expected, rel=1e-5)
    model.reset_metrics()
    assert model.train_on_batch(x, y, class_weight={1: 0.0, 2: 2.0, 3: 0.5})[0] == pytest.approx(expected, rel=1e-5)


def test_weighted_metrics(backend):
    model = classifier(metrics=["accuracy"], weighted_metrics=["accuracy"])
    x, y = normal((8, 3)), np.arange(8) % 4
    right = model.predict(x, verbose=0).argmax(axis=1) == y
    weights = np.where(right, 3.0, 1.0)
    logs = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    assert logs["accuracy"] == pytest.approx(right.mean())
    assert logs["weighted_accuracy"] == pytest.approx((right * weights).sum() / weights.sum())


def test_accuracy_is_the_one_that_fits(backend):
    x, y = normal((20, 3)), np.arange(20) % 4
    sparse = classifier()
    one_hot = classifier(loss="categorical_crossentropy")
    one_hot.set_weights(sparse.get_weights())
    a = sparse.evaluate(x, y, verbose=0)
    b = one_hot.evaluate(x, pycnn.utils.to_categorical(y), verbose=0)
    assert a == pytest.approx(b)
    assert a[1] == pytest.approx((sparse.predict(x, verbose=0).argmax(1) == y).mean())
    binary = pycnn.Sequential([layers.Input((3,)), layers.Dense(1, "sigmoid")])
    binary.compile("sgd", "binary_crossentropy", metrics=["acc"])
    logs = binary.evaluate(x, y > 1, verbose=0, return_dict=True)
    assert logs["acc"] == pytest.approx(((binary.predict(x, verbose=0)[:, 0] > 0.5) == (y > 1)).mean())


def test_crossentropy_is_the_one_that_fits(backend):
    x, y = normal((20, 3)), np.arange(20) % 4
    model = classifier(loss="crossentropy", metrics=None)
    expected = -np.log(model.predict(x, verbose=0)[np.arange(20), y]).mean()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_a_metric_with_a_number_for_each_class(backend, capsys):
    model = classifier()
    model.compile("sgd", "categorical_crossentropy", metrics=[pycnn.metrics.F1Score()])
    y = np.eye(4)[np.arange(8) % 4]
    history = model.fit(normal((8, 3)), y, epochs=2, validation_split=0.5, verbose=2)
    assert np.shape(history.history["val_f1_score"]) == (2, 4)
    assert "f1_score: [" in capsys.readouterr().out


def test_metrics_of_one_name_are_told_apart(backend):
    model = small_model(metrics=["mae", pycnn.metrics.MeanAbsoluteError(name="mae"), lambda t, p: abs(p - t)])
    logs = model.evaluate(*regression(), verbose=0, return_dict=True)
    assert list(logs) == ["loss", "<lambda>", "mae", "mae_1"]  # by name, as in Keras
    assert logs["mae"] == pytest.approx(logs["mae_1"])
    assert logs["mae"] == pytest.approx(logs["<lambda>"])
    assert model.metrics_names == list(logs)


def test_training_metrics_are_not_those_of_the_validation(backend):
    model = small_model(optimizer=pycnn.optimizers.SGD(0.0), kernel_initializer="zeros")
    history = model.fit(
        np.ones((4, 3)), np.ones(4), validation_data=(np.ones((2, 3)), np.full(2, 3.0)), epochs=2, verbose=0
    )
    assert history.history == {"loss": [1.0, 1.0], "val_loss": [9.0, 9.0]}


def test_loss_of_regularizers_counts_in_training_and_evaluation(backend):
    model = small_model(kernel_initializer="ones", kernel_regularizer=pycnn.regularizers.L2(0.5))
    x, y = np.zeros((2, 3)), np.zeros((2, 1))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(1.5)
    assert model.train_on_batch(x, y) == pytest.approx(1.5)
    assert_close(model.weights[0].numpy(), np.full((3, 1), 1 - 0.01), 1e-6)


def test_loss_of_activity_regularizers_counts(backend):
    model = pycnn.Sequential(
        [layers.Input((3,)), layers.Activation("linear", activity_regularizer="l1"), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.set_weights([np.zeros((3, 1)), np.zeros(1)])
    for _ in range(2):
        assert model.evaluate(np.ones((2, 3)), np.zeros((2, 1)), verbose=0) == pytest.approx(0.06)


def test_loss_weight(backend):
    x, y = regression()
    plain, half = small_model(kernel_initializer="ones"), small_model(kernel_initializer="ones")
    half.compile("sgd", "mse", loss_weights=[0.5])
    assert half.evaluate(x, y, verbose=0) == pytest.approx(plain.evaluate(x, y, verbose=0) / 2)
    half.compile("sgd", "mse", loss_weights=[0.5, 0.5])
    with pytest.raises(ValueError, match="The model has one output, but loss_weights has 2"):
        half.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match="loss_weights must be numbers. Received: loss_weights='half'"):
        half.compile("sgd", "mse", loss_weights="half")
