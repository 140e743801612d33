"""Model: subclassing it, and what LeNet-5 learns of real digits."""

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from fit_models import regression, small_model
from helpers import normal
from sklearn.datasets import load_digits

import pycnn
from pycnn import layers


class Residual(pycnn.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(3, 3, padding="same", activation="relu")
        self.norm = layers.BatchNormalization()
        self.top = [layers.Flatten(), layers.Dropout(0.5), layers.Dense(2)]

    def call(self, inputs, training=False):
        x = self.norm(inputs + self.conv(inputs), training=training)
        for layer in self.top:
            x = layer(x)
        return x


def test_subclasses_are_trained(backend):
    model = Residual()
    model.compile(pycnn.optimizers.Adam(0.01), "mse")
    x, y = normal((16, 6, 6, 3)), normal((16, 2))
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=15, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before / 2
    assert len(model.layers) == 5
    assert model.predict(x, verbose=0).shape == (16, 2)
    assert not np.allclose(model.norm.moving_mean.numpy(), 0)


def test_subclasses_are_built_by_hand(backend):
    model = Residual()
    model.build((None, 6, 6, 3))
    assert model.count_params() == 84 + 12 + 218
    assert model.get_layer(index=0) is model.conv


def test_several_outputs(backend):
    class Two(pycnn.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2), layers.Dense(3)

        def call(self, inputs):
            return {"a": self.a(inputs), "b": [self.b(inputs), inputs]}

    outputs = Two().predict(normal((5, 4)), batch_size=2, verbose=0)
    assert outputs["a"].shape == (5, 2)
    assert [y.shape for y in outputs["b"]] == [(5, 3), (5, 4)]


def test_training_steps_of_ones_own(backend):
    class Twice(pycnn.Sequential):
        steps = 0

        def train_step(self, x, y, sample_weight=None):
            self.steps += 1
            super().train_step(x, y, sample_weight)
            return super().train_step(x, y, sample_weight)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return (y_pred * y_pred).mean()

    model = Twice([pycnn.Input((3,)), layers.Dense(1)])
    model.compile("sgd")
    history = model.fit(normal((8, 3)), np.zeros(8), batch_size=4, epochs=5, verbose=0)
    assert model.steps == 10
    assert history.history["loss"][-1] < history.history["loss"][0]


def digits():
    bunch = load_digits()
    x = np.pad(bunch.images.repeat(3, 1).repeat(3, 2), ((0, 0), (4, 4), (4, 4)))[..., None] / 16
    return x.astype(np.float32), bunch.target


def test_the_example_of_the_readme_learns_digits(tmp_path, monkeypatch):
    """LeNet-5 as users write it: compiled, trained, saved, loaded."""
    monkeypatch.chdir(tmp_path)
    x, y = digits()
    x, y = x[:600], y[:600]

    pycnn.utils.set_random_seed(0)
    model = pycnn.Sequential([
        layers.Input((32, 32, 1)),
        layers.Conv2D(6, 5, activation="tanh"), layers.AveragePooling2D(2),
        layers.Conv2D(16, 5, activation="tanh"), layers.AveragePooling2D(2),
        layers.Flatten(), layers.Dense(120, activation="tanh"), layers.Dense(84, activation="tanh"),
        layers.Dense(10, activation="softmax")])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=64, epochs=6, validation_split=0.1, verbose=0)
    model.save("lenet5.pycnn")
    loaded = pycnn.models.load_model("lenet5.pycnn")

    assert history.history["loss"][-1] < 0.35
    assert history.history["accuracy"][-1] > 0.9
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    np.testing.assert_array_equal(loaded.predict(x[:50], verbose=0), model.predict(x[:50], verbose=0))


@cache
def modules_after_import():
    code = "import pycnn, pycnn.models, sys; print(*sys.modules)"
    names = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {"pycnn", "pycnn.models"} <= set(names)
    return names


@pytest.mark.parametrize("name", ["matplotlib", "PIL", "sklearn", "cupy", "tqdm", "safetensors", "scipy"])
def test_importing_pycnn_imports_nothing_heavy(name):
    assert name not in modules_after_import()


def test_losses_that_models_and_layers_add(backend):
    class Own(pycnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, activity_regularizer="l2")

        def call(self, inputs):
            outputs = self.dense(inputs)
            self.add_loss(3.0 * pycnn.ops.mean(outputs))
            return outputs

    model = Own()
    model.compile("sgd", "mse")
    x = np.ones((4, 3), np.float32)
    loss = model.evaluate(x, np.zeros((4, 2)), verbose=0)
    y = model(x).numpy()
    assert len(model.losses) == 2
    np.testing.assert_allclose(loss, (y**2).mean() + 3 * y.mean() + 0.01 * (y**2).sum(), rtol=1e-5)


@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_configurations_with_classes_that_nobody_registered(backend, kind):
    class Scale(layers.Layer):
        def __init__(self, factor, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, inputs):
            return inputs * self.factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    inputs = pycnn.Input((2,))
    if kind == "functional":
        model = pycnn.Model(inputs, Scale(3.0)(inputs))
    else:
        model = pycnn.Sequential([inputs, Scale(3.0)])
    again = type(model).from_config(model.get_config(), custom_objects={"Scale": Scale})
    np.testing.assert_array_equal(again(np.ones((1, 2))).numpy(), [[3, 3]])


def test_logs_show_metrics_that_come_and_go_between_batches():
    model = small_model()
    x, y = regression(8)
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss"}
    waiting = pycnn.metrics.Mean("extra")
    model.train_on_batch(x, y)
    model.extra = waiting  # made before the last batch
    waiting.update_state([2.0])
    assert model.train_on_batch(x, y, return_dict=True)["extra"] == 2
    model.layers[0].inner = pycnn.metrics.Mean("inner")
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss", "extra", "inner"}
    del model.extra
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss", "inner"}


def test_targets_are_checked_at_every_batch_and_after_the_outputs_changed():
    model = pycnn.Sequential([layers.Input((3,)), layers.Dense(4, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.zeros((2, 3))
    model.train_on_batch(x, np.array([0, 3]))
    for y in ([0, 4], [-1, 0]):
        with pytest.raises(ValueError, match="y must hold labels from 0 to 3"):
            model.train_on_batch(x, np.array(y))
    model.pop()
    model.add(layers.Dense(5, "softmax"))
    model.train_on_batch(x, np.array([0, 4]))
    with pytest.raises(ValueError, match="Data cardinality is ambiguous.*'x' sizes: 2 'y' sizes: 3"):
        model.train_on_batch(x, np.array([0, 1, 2]))
