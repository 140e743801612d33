"""AuxiliaryModel: what it trains on, what it predicts, that it is saved and cloned whole."""

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import layers, models

X, Y = normal((6, 5)), np.array([0, 1, 2, 2, 1, 0])


def build(weight=0.3, activation="softmax"):
    inputs = pycnn.Input((5,))
    hidden = layers.Dense(4, activation="tanh", name="hidden")(inputs)
    deep = layers.Dense(4, activation="tanh", name="deep")(hidden)
    outputs = [layers.Dense(3, activation, name=n)(x) for n, x in (("main", deep), ("first", hidden), ("second", deep))]
    return models.AuxiliaryModel(inputs, outputs, weight)


def log_probability(model, name):
    """Of the right classes, worked by NumPy."""
    w = {k: v.numpy().astype(float) for layer in model.layers for k, v in _named(layer)}
    hidden = np.tanh(X @ w["hidden/kernel"] + w["hidden/bias"])
    x = hidden if name == "first" else np.tanh(hidden @ w["deep/kernel"] + w["deep/bias"])
    logits = x @ w[f"{name}/kernel"] + w[f"{name}/bias"]
    return logits[np.arange(6), Y] - np.log(np.exp(logits).sum(axis=1))


def _named(layer):
    return [(f"{layer.name}/{weight.name}", weight) for weight in layer.weights]


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "crossentropy"])
@pytest.mark.parametrize("loss_weights", [None, 2.0])
def test_loss_is_the_weighted_sum_in_training_alone(backend, loss, loss_weights):
    model = build(0.4)
    main, first, second = (-log_probability(model, name) for name in ("main", "first", "second"))
    factor = loss_weights or 1
    model.compile(pycnn.optimizers.SGD(0.0), loss, loss_weights, metrics=["accuracy"])
    history = model.fit(X, Y, batch_size=6, verbose=0, validation_data=(X, Y)).history
    assert history["loss"][0] == pytest.approx(factor * (main + 0.4 * (first + second)).mean(), rel=1e-5)
    assert history["val_loss"][0] == pytest.approx(factor * main.mean(), rel=1e-5)
    assert history["accuracy"] == history["val_accuracy"]
    weights = np.arange(6.0)
    trained = model.train_on_batch(X, Y, weights, return_dict=True)
    assert trained["loss"] == pytest.approx(history["loss"][0], rel=1e-5) or trained["loss"] > 0
    model.reset_metrics()
    trained = model.train_on_batch(X, Y, weights, return_dict=True)["loss"]
    assert trained == pytest.approx(factor * ((main + 0.4 * (first + second)) * weights).mean(), rel=1e-5)


def test_gradients_are_those_of_the_sum(backend):
    model = build(0.3)
    model.compile(pycnn.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    before = {name: w.numpy().astype(float) for layer in model.layers for name, w in _named(layer)}
    losses = {}
    for step in (1e-2, -1e-2):  # central differences of one number of a weight that all outputs see
        model.get_layer("hidden").kernel.assign(before["hidden/kernel"] + step * (np.arange(20).reshape(5, 4) == 7))
        parts = [-log_probability(model, name).mean() for name in ("main", "first", "second")]
        losses[step] = parts[0] + 0.3 * (parts[1] + parts[2])
    model.get_layer("hidden").kernel.assign(before["hidden/kernel"])
    model.train_on_batch(X, Y)
    moved = before["hidden/kernel"].ravel()[7] - model.get_layer("hidden").kernel.numpy().ravel()[7]
    assert moved == pytest.approx((losses[1e-2] - losses[-1e-2]) / 2e-2, rel=1e-2)
    for name in ("first", "second"):
        assert (model.get_layer(name).kernel.numpy() != before[f"{name}/kernel"]).any()


def test_predicts_and_evaluates_the_first_output(backend):
    model = build()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    y = model.predict(X, verbose=0)
    assert_close(np.log(y[np.arange(6), Y]), log_probability(model, "main"), 1e-5)
    loss, _ = model.evaluate(X, Y, verbose=0)
    assert loss == pytest.approx(-log_probability(model, "main").mean(), rel=1e-5)
    assert model(X, training=True).shape == (6, 3)
    assert (model.output_shape, len(model.outputs), model.output_names) == ((None, 3), 1, ["main"])
    assert model.compute_output_shape((7, 5)) == (7, 3)


def test_auxiliary_layers_are_not_run_at_test_time():
    model, calls = build(), []
    first = model.get_layer("first")
    first.call = lambda x, call=first.call: calls.append(1) or call(x)
    model.predict(X, verbose=0)
    assert not calls
    model(X, training=True)
    assert calls


def test_all_weights_are_counted_saved_and_loaded(tmp_path):
    model = build(0.7)
    assert model.count_params() == (5 * 4 + 4) + (4 * 4 + 4) + 3 * (4 * 3 + 3)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.pycnn")
    again = models.load_model(tmp_path / "model.pycnn")
    assert type(again) is models.AuxiliaryModel
    assert again.auxiliary_weight == 0.7
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    for m in (model, again):
        m.fit(X, Y, verbose=0, shuffle=False)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_clone_and_summary(capsys):
    model = build(0.7)
    clone = models.clone_model(model)
    assert (type(clone), clone.auxiliary_weight) == (models.AuxiliaryModel, 0.7)
    assert clone.count_params() == model.count_params()
    model.summary()
    text = capsys.readouterr().out
    assert "first (Dense)" in text
    assert "Total params: 89" in text


def test_regularizers_count_once(backend):
    model = build()
    model.get_layer("hidden").kernel.regularizer = pycnn.regularizers.L2(0.5)
    model.compile(pycnn.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    penalty = 0.5 * (model.get_layer("hidden").kernel.numpy() ** 2).sum()
    parts = [-log_probability(model, name).mean() for name in ("main", "first", "second")]
    assert model.train_on_batch(X, Y) == pytest.approx(parts[0] + 0.3 * (parts[1] + parts[2]) + penalty, rel=1e-5)


def test_errors():
    inputs = pycnn.Input((5,))
    one, other = layers.Dense(3)(inputs), layers.Dense(2)(inputs)
    with pytest.raises(ValueError, match="outputs must be a list: the model's output, and at least one"):
        models.AuxiliaryModel(inputs, one)
    with pytest.raises(ValueError, match=r"outputs must all have the shape of the first, \(None, 3\)"):
        models.AuxiliaryModel(inputs, [one, other])
    with pytest.raises(ValueError, match="auxiliary_weight must be a number. Received: auxiliary_weight='3'"):
        models.AuxiliaryModel(inputs, [one, one], "3")
