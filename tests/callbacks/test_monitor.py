"""EarlyStopping, ModelCheckpoint, ReduceLROnPlateau."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau


class Model:
    """Stands in for a model: callbacks need no more of it."""

    def __init__(self, rate=1.0):
        self.stop_training = False
        self.metrics = ()
        self.optimizer = type("Optimizer", (), {"learning_rate": rate})()
        self.weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def run(callback, values, name="val_loss", rate=1.0):
    """Show a callback one value an epoch; return the epoch after which it stopped, and the model."""
    model = Model(rate)
    callback.set_model(model)
    callback.on_train_begin()
    stopped = None
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training and stopped is None:
            stopped = epoch
            break
    callback.on_train_end()
    return stopped, model


@pytest.mark.parametrize(
    ("arguments", "values", "stopped"),
    [
        ({}, [3, 2, 2.5, 1], 2),
        ({}, [3, 2, 2, 1], 2),
        ({"patience": 2}, [3, 2, 2.5, 2.5, 1], 3),
        ({"patience": 2}, [3, 2, 2.5, 1, 1.5, 1.5], 5),
        ({"min_delta": 0.5}, [3, 2.4, 2, 1], 2),
        ({"min_delta": -0.5}, [3, 2.4, 2, 1], 2),
        ({"mode": "max"}, [1, 2, 3, 2.5], 3),
        ({"mode": "max", "min_delta": 0.5}, [1, 1.4], 1),
        ({"baseline": 1, "patience": 2}, [3, 2.5, 2], 3),
        ({"baseline": 1, "patience": 2}, [0.9, 2, 2, 2], 2),
        ({"start_from_epoch": 2}, [3, 4, 5, 6], 3),
        ({"monitor": "val_accuracy"}, [0.1, 0.2, 0.1], 2),
    ],
)
def test_early_stopping(arguments, values, stopped):
    name = arguments.get("monitor", "val_loss")
    result, _ = run(EarlyStopping(**arguments), values, name)
    assert result == (stopped if stopped < len(values) else None)


def test_early_stopping_goes_back_to_the_best_weights(capsys):
    stopped, model = run(EarlyStopping(patience=2, restore_best_weights=True, verbose=1), [3, 1, 2, 2, 0])
    assert (stopped, model.weights) == (3, 1)
    assert capsys.readouterr().out == "Epoch 4: early stopping\nRestoring the weights of the best epoch: 2\n"
    stopped, model = run(EarlyStopping(patience=9, restore_best_weights=True), [3, 1, 2])
    assert (stopped, model.weights) == (None, 1)


def test_early_stopping_can_be_used_twice():
    callback = EarlyStopping()
    assert run(callback, [3, 2, 2.5])[0] == 2
    assert run(callback, [9, 8, 8.5])[0] == 2


def test_a_metric_says_which_direction_is_better(backend):
    metric = pycnn.metrics.MeanAbsoluteError(name="acceptance")  # named as if larger were better
    model = pycnn.Sequential([pycnn.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[metric])
    stop = EarlyStopping("acceptance")
    model.fit(np.ones((4, 1)), np.ones(4), callbacks=[stop], verbose=0)
    assert not stop.larger_is_better()
    for name, larger in (("accuracy", True), ("val_accuracy", True), ("loss", False), ("auc", True), ("mae", False)):
        callback = EarlyStopping(name)
        callback.set_model(Model())
        assert callback.larger_is_better() is larger


def test_nan_is_no_improvement():
    callback = EarlyStopping(patience=1, restore_best_weights=True)
    stopped, model = run(callback, [3.0, float("nan"), 2.0])
    assert (stopped, model.weights) == (1, 0)
    assert run(EarlyStopping(patience=5), [float("nan"), 2.0])[0] is None


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau])
def test_a_value_that_is_not_there(make):
    with pytest.warns(UserWarning, match=f"{make.__name__} watches 'val_loss', which is not there. There are: loss"):
        run(make(), [1], "loss")
    with pytest.raises(ValueError, match="mode must be one of auto, min, max. Received: mode='up'"):
        make(mode="up")


def make_model():
    model = pycnn.Sequential([pycnn.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_checkpoints_after_each_epoch(backend, tmp_path):
    model = make_model()
    keep = ModelCheckpoint(tmp_path / "new" / "{epoch:02d}-{loss:.3f}.pycnn")
    history = model.fit(normal((8, 2)), normal(8), epochs=3, callbacks=[keep], verbose=0)
    names = sorted(p.name for p in (tmp_path / "new").iterdir())
    assert names == [f"{i + 1:02d}-{loss:.3f}.pycnn" for i, loss in enumerate(history.history["loss"])]
    loaded = pycnn.models.load_model(tmp_path / "new" / names[-1])
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


class Losses(Callback):
    """Puts chosen values into the logs."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.values[epoch]


def test_only_the_best_checkpoint(backend, tmp_path, capsys):
    model, path = make_model(), tmp_path / "best.pycnn"
    keep = ModelCheckpoint(path, save_best_only=True, verbose=1)
    saved = []
    spy = Callback()
    spy.on_epoch_end = lambda epoch, logs=None: saved.append(path.stat().st_mtime_ns)
    model.fit(normal((8, 2)), normal(8), epochs=3, callbacks=[Losses([2.0, 3.0, 1.0]), keep, spy], verbose=0)
    assert saved[0] == saved[1] < saved[2]
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: val_loss improved from nothing to 2.00000, saving the model to {path}",
        "Epoch 2: val_loss did not improve from 2.00000",
        f"Epoch 3: val_loss improved from 2.00000 to 1.00000, saving the model to {path}",
    ]


def test_a_threshold_for_the_first_checkpoint(backend, tmp_path):
    keep = ModelCheckpoint(tmp_path / "{epoch}.pycnn", save_best_only=True, initial_value_threshold=1.5)
    make_model().fit(normal((8, 2)), normal(8), epochs=3, callbacks=[Losses([2.0, 1.0, 1.2]), keep], verbose=0)
    assert [p.name for p in tmp_path.iterdir()] == ["2.pycnn"]


def test_checkpoints_of_weights_after_batches(backend, tmp_path):
    model = make_model()
    keep = ModelCheckpoint(tmp_path / "{epoch}-{batch}.pycnn", save_weights_only=True, save_freq=2)
    model.fit(normal((12, 2)), normal(12), batch_size=4, epochs=2, callbacks=[keep], verbose=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-2.pycnn", "2-1.pycnn", "2-3.pycnn"]
    model.load_weights(tmp_path / "2-3.pycnn")


def test_wrong_checkpoints(backend, tmp_path):
    with pytest.raises(ValueError, match="save_freq must be 'epoch' or an integer >= 1. Received: save_freq='batch'"):
        ModelCheckpoint("a", save_freq="batch")
    keep = ModelCheckpoint(tmp_path / "{val_acc}.pycnn")
    with pytest.raises(KeyError, match="filepath names 'val_acc', which is not in logs: loss"):
        make_model().fit(normal((8, 2)), normal(8), callbacks=[keep], verbose=0)


@pytest.mark.parametrize(
    ("arguments", "values", "rate"),
    [
        ({"patience": 1}, [3, 2, 2], 0.1),
        ({"patience": 2}, [3, 2, 2], 1.0),
        ({"patience": 1, "factor": 0.5}, [3, 3, 3], 0.25),
        ({"patience": 1, "factor": 0.5, "cooldown": 0}, [3, 3, 3, 3], 0.125),
        ({"patience": 1, "factor": 0.5, "cooldown": 2}, [3, 3, 3], 0.5),  # the epoch after a reduction counts as one
        ({"patience": 1, "factor": 0.5, "cooldown": 2}, [3, 3, 3, 3], 0.25),
        ({"patience": 1, "factor": 0.5, "min_lr": 0.4}, [3, 3, 3, 3], 0.4),
        ({"patience": 1, "min_delta": 1.0}, [3, 2.5], 0.1),
        ({"patience": 1, "mode": "max"}, [3, 2], 0.1),
    ],
)
def test_reduce_on_plateau(arguments, values, rate):
    _, model = run(ReduceLROnPlateau(**arguments), values)
    assert model.optimizer.learning_rate == pytest.approx(rate)


def test_a_rate_that_is_lowest_is_not_reduced_again(capsys):
    run(ReduceLROnPlateau(patience=1, factor=0.5, min_lr=0.5, verbose=1), [3, 3, 3, 3])
    assert capsys.readouterr().out == "Epoch 2: reducing the learning rate to 0.5\n"


def test_the_rate_goes_into_the_history(backend):
    slow_down = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=1e9)
    history = make_model().fit(normal((8, 2)), normal(8), epochs=3, callbacks=[slow_down], verbose=0)
    assert history.history["learning_rate"] == pytest.approx([0.01, 0.01, 0.005])


def test_wrong_factor():
    with pytest.raises(ValueError, match="factor must lie between 0 and 1. Received: factor=1.0"):
        ReduceLROnPlateau(factor=1.0)
