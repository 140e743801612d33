"""Saving and loading: the same bits, the same training."""

import json
import os

import numpy as np
import pytest
from helpers import normal
from saving_models import data, make_model, read_header

import pycnn
from pycnn import layers
from pycnn.models import load_model
from pycnn.utils import register_serializable


def test_a_loaded_model_is_the_same(trained, path):
    trained.save(path)
    loaded = load_model(path)
    assert type(loaded) is pycnn.Sequential
    assert loaded.get_config() == trained.get_config()
    assert [w.shape for w in loaded.weights] == [w.shape for w in trained.weights]
    x, y = data()
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), trained.predict(x, verbose=0))
    assert loaded.evaluate(x, y, verbose=0) == trained.evaluate(x, y, verbose=0)


@pytest.mark.parametrize(
    "optimizer", ["adam", "sgd", "rmsprop", "adamw", pycnn.optimizers.SGD(0.1, momentum=0.9, nesterov=True)]
)
def test_training_goes_on_the_same(backend, path, optimizer):
    """Twice two epochs are four epochs, to the last bit, dropout with a seed of its own included."""
    model = make_model(optimizer=optimizer)
    x, y = data()
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    model.save(path)
    loaded = load_model(path)
    histories = []
    for one in (model, loaded):
        pycnn.utils.set_random_seed(1)
        histories.append(one.fit(x, y, batch_size=8, epochs=4, initial_epoch=2, verbose=0).history)
    assert histories[0] == histories[1]
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_state_of_weights_that_were_frozen_for_a_while(backend, path):
    """The optimizer met the weights in another order than the model has them."""
    model = make_model(optimizer=pycnn.optimizers.SGD(0.1, momentum=0.9))
    model.layers[1].trainable = False
    model.fit(*data(), batch_size=8, verbose=0)
    model.layers[1].trainable = True
    model.fit(*data(), batch_size=8, verbose=0)
    model.save(path)
    loaded = load_model(path)
    for name, weight in model.named_weights().items():
        state, other = model.optimizer.state_of(weight), loaded.optimizer.state_of(loaded.named_weights()[name])
        assert set(state) == set(other)
        for slot in state:
            np.testing.assert_array_equal(state[slot].numpy(), other[slot].numpy())


def test_an_optimizer_of_two_models_is_saved_with_the_state_of_one(backend, tmp_path):
    optimizer = pycnn.optimizers.Adam()
    for name in ("a", "b"):
        model = make_model(optimizer=optimizer)
        model.fit(*data(), verbose=0)
        model.save(tmp_path / name)
        assert int(load_model(tmp_path / name).optimizer.iterations) == int(optimizer.iterations)


def test_a_file_is_the_same_for_the_same_model(trained, tmp_path):
    trained.save(tmp_path / "a.pycnn")
    trained.save(tmp_path / "b.pycnn")
    assert (tmp_path / "a.pycnn").read_bytes() == (tmp_path / "b.pycnn").read_bytes()


def test_a_file_is_plain_safetensors(trained, path):
    from safetensors.numpy import load_file

    trained.save(path)
    arrays = load_file(path)
    np.testing.assert_array_equal(arrays["model/conv2d/kernel"], trained.layers[1].kernel.numpy())
    assert any(name.startswith("optimizer/") for name in arrays)
    header = read_header(path)
    assert list(header["__metadata__"]) == ["pycnn"]
    config = json.loads(header["__metadata__"]["pycnn"])
    assert config["model"]["class_name"] == "Sequential"
    assert config["format"] == 1


def test_without_the_optimizer(trained, path):
    trained.save(path, include_optimizer=False)
    loaded = load_model(path)
    assert loaded.compiled
    assert loaded.fit(*data(), verbose=0)
    assert not load_model(path, compile=False).compiled


def test_a_model_that_was_never_compiled(backend, path):
    model = pycnn.Sequential([pycnn.Input((3,)), layers.Dense(2)])
    model.save(path)
    loaded = load_model(path)
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.predict(np.ones((1, 3)), verbose=0), model.predict(np.ones((1, 3)), verbose=0))


def test_a_model_without_input(backend, path):
    model = pycnn.Sequential([layers.Dense(2)])
    model(np.ones((1, 3)))
    model.save(path)
    assert load_model(path).count_params() == 8
    unbuilt = pycnn.Sequential([layers.Dense(2)])
    unbuilt.save(path)
    assert not load_model(path).built


def test_weights_alone(trained, path):
    trained.save_weights(path)
    other = make_model("another name")
    other.load_weights(path)
    np.testing.assert_array_equal(other.predict(data()[0], verbose=0), trained.predict(data()[0], verbose=0))
    with pytest.raises(ValueError, match="The file holds weights alone: make the model and use model.load_weights"):
        load_model(path)


def test_weights_from_a_whole_model(trained, path):
    trained.save(path)
    other = make_model()
    other.load_weights(path)
    np.testing.assert_array_equal(other.get_weights()[0], trained.get_weights()[0])


@register_serializable()
class Doubling(layers.Layer):
    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs) * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@register_serializable()
class TwoDense(pycnn.Model):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.blocks = [layers.Dense(units), Doubling(3)]

    def call(self, inputs):
        for block in self.blocks:
            inputs = block(inputs)
        return inputs

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_layers_and_models_of_ones_own(backend, path):
    model = TwoDense(5)
    x = normal((4, 2))
    model.compile("sgd", "mse")
    model.fit(x, normal((4, 3)), verbose=0)
    assert list(model.named_weights())[:3] == ["blocks/0/kernel", "blocks/0/bias", "blocks/1/dense/kernel"]
    model.save(path)
    loaded = load_model(path)
    assert (type(loaded), loaded.units) == (TwoDense, 5)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    loaded.fit(x, normal((4, 3)), verbose=0)


def test_classes_that_nobody_registered_are_given_by_name(backend, path):
    class Local(layers.Layer):
        def call(self, inputs):
            return inputs + 1

    model = pycnn.Sequential([pycnn.Input((3,)), pycnn.Sequential([Local()]), layers.Dense(2)])
    model.save(path)
    with pytest.raises(ValueError, match="Unknown name.*custom_objects. Received: name='Local'"):
        load_model(path)
    assert load_model(path, custom_objects={"Local": Local}).count_params() == 8


def test_classes_that_pass_on_nothing(backend, path):
    class Plain(pycnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    model = Plain()
    model.trainable = False
    x = normal((4, 3))
    y = model.predict(x, verbose=0)
    model.save(path)
    loaded = load_model(path, custom_objects={"Plain": Plain})
    assert (loaded.name, loaded.trainable, loaded.trainable_weights) == (model.name, False, [])
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), y)


def test_a_loss_that_cannot_be_saved_is_left_out_with_a_warning(backend, path):
    model = make_model(loss=lambda t, p: p.sum(axis=-1))
    model.save_weights(path)
    with pytest.warns(UserWarning, match="The file will not hold how the model was compiled"):
        model.save(path)
    assert not load_model(path).compiled


def test_schedules_and_objects_are_saved(backend, path):
    schedule = pycnn.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model = make_model(
        optimizer=pycnn.optimizers.SGD(schedule),
        loss=pycnn.losses.SparseCategoricalCrossentropy(),
        metrics=[pycnn.metrics.SparseCategoricalAccuracy(name="right")],
    )
    model.fit(*data(), batch_size=8, epochs=2, verbose=0)
    model.save(path)
    loaded = load_model(path)
    assert float(loaded.optimizer.learning_rate) == float(model.optimizer.learning_rate)
    assert int(loaded.optimizer.iterations) == 6
    assert "right" in loaded.evaluate(*data(), verbose=0, return_dict=True)


def test_nothing_is_left_behind_and_files_are_replaced_at_once(trained, path, monkeypatch):
    trained.save(path)
    before = path.read_bytes()
    assert os.listdir(path.parent) == [path.name]
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        trained.save(path, overwrite=False)

    def full(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    trained.fit(*data(), verbose=0)
    with pytest.raises(OSError, match="no space left"):
        trained.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_file_has_the_permissions_that_other_files_have(trained, path):
    trained.save(path)
    plain = path.with_name("plain")
    plain.write_text("")
    assert path.stat().st_mode == plain.stat().st_mode


# Files that are not what they should be
