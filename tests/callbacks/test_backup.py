"""BackupAndRestore: an interrupted training ends with the bits of one that was not."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping, LambdaCallback


@pytest.mark.parametrize(("save_freq", "kills"), [(1, 20), (3, 10), ("epoch", 10)])
def test_a_training_that_is_killed_at_random_moments(tmp_path, save_freq, kills):
    script = Path(__file__).with_name("killed_training.py")
    command = [sys.executable, script, tmp_path, str(save_freq), str(kills)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr
    expected = json.loads((tmp_path / "expected.json").read_text())
    finished = sorted(tmp_path.glob("finished-*.json"))
    assert finished
    for path in finished:
        weights, history, log = json.loads(path.read_text())
        assert history == expected[1]
        assert weights == expected[0]
        assert log == expected[2]
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts["killed"] == kills
    assert counts["resumed"] > 0
    assert not (tmp_path / "backup").exists()


class Interrupt(Callback):
    """Raise at a batch of an epoch, or at its end."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.at = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.at:
            raise KeyboardInterrupt


def make(metrics=(), built=True):
    pycnn.utils.set_random_seed(3)
    first = [pycnn.Input((4,))] if built else []
    model = pycnn.Sequential([*first, layers.Dense(5, "relu"), layers.Dropout(0.5), layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=list(metrics))
    return model


def bits(model):
    return [weight.tobytes() for weight in model.get_weights()]


def resumed_and_whole(tmp_path, interrupt, save_freq, data, others=list, metrics=list, built=True, **arguments):
    """Train once in one go, and once interrupted; return (model, history) of both."""
    whole = make(metrics(), built)
    expected = whole.fit(*data(), callbacks=others(), verbose=0, **arguments)
    backup = BackupAndRestore(tmp_path / "backup", save_freq=save_freq)
    with pytest.raises(KeyboardInterrupt):
        make(metrics(), built).fit(*data(), callbacks=[backup, *others(), interrupt], verbose=0, **arguments)
    model = make(metrics(), built)
    backup = BackupAndRestore(tmp_path / "backup", save_freq=save_freq)
    history = model.fit(*data(), callbacks=[backup, *others()], verbose=0, **arguments)
    assert not (tmp_path / "backup").exists()
    return (model, history), (whole, expected)


X, Y = normal((20, 4)), (normal((20, 1), seed=1) > 0).astype(np.float32)


class Pairs(pycnn.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]


class Reordered(Pairs):
    """Its order is drawn anew after each epoch."""

    def __init__(self):
        super().__init__(workers=2)
        self.random = np.random.default_rng(0)
        self.order = np.arange(5)

    def __getitem__(self, index):
        return super().__getitem__(self.order[index])

    def on_epoch_begin(self):
        self.order = self.random.permutation(5)

    def get_state(self):
        return {"random": self.random.bit_generator.state, "order": self.order}

    def set_state(self, state):
        self.random.bit_generator.state = state["random"]
        self.order = state["order"]


def endless_generator():
    while True:
        for start in range(0, 20, 4):
            yield X[start : start + 4], Y[start : start + 4]


DATA = {
    "arrays": (lambda: (X, Y), {"batch_size": 4}),
    "arrays, batches shuffled": (lambda: (X, Y), {"batch_size": 4, "shuffle": "batch"}),
    "arrays, in order": (lambda: (X, Y), {"batch_size": 4, "shuffle": False}),
    "arrays, part of them an epoch": (lambda: (X, Y), {"batch_size": 4, "steps_per_epoch": 3}),
    "data set": (lambda: (Pairs(),), {}),
    "data set with threads": (lambda: (Pairs(workers=2),), {"steps_per_epoch": 4}),
    "data set with an order of its own": (lambda: (Reordered(),), {"shuffle": False}),
    "generator": (lambda: (endless_generator(),), {"steps_per_epoch": 4}),
}


@pytest.mark.parametrize("moment", [(0, 1), (2, 2), (1, None)])
@pytest.mark.parametrize("save_freq", [2, "epoch"])
@pytest.mark.parametrize("data", DATA)
def test_sources(tmp_path, data, save_freq, moment):
    make_data, arguments = DATA[data]
    (model, history), (whole, expected) = resumed_and_whole(
        tmp_path, Interrupt(*moment), save_freq, make_data, epochs=4, validation_data=(X, Y), **arguments
    )
    assert history.history == expected.history
    assert history.epoch == expected.epoch == [0, 1, 2, 3]
    assert bits(model) == bits(whole)


@pytest.mark.parametrize("backend_name", ["reference", "cpu"])
def test_metrics_go_on_in_the_middle_of_an_epoch(tmp_path, backend_name):
    pycnn.set_backend(backend_name)

    def metrics():
        names = "accuracy", "mse", "binary_crossentropy"
        return [*names, pycnn.metrics.AUC(), pycnn.metrics.Precision(), pycnn.metrics.F1Score(threshold=0.5)]

    (model, history), (whole, expected) = resumed_and_whole(
        tmp_path, Interrupt(1, 3), 1, lambda: (X, Y), metrics=metrics, epochs=3, batch_size=4
    )
    assert history.history == expected.history
    assert bits(model) == bits(whole)


def test_models_that_their_first_batch_builds(tmp_path):
    (model, _), (whole, _) = resumed_and_whole(
        tmp_path, Interrupt(1, 3), 1, lambda: (X, Y), epochs=3, batch_size=4, built=False
    )
    assert bits(model) == bits(whole)


def two_heads():
    pycnn.utils.set_random_seed(3)
    inputs = pycnn.Input((4,))
    hidden = layers.Dropout(0.5)(layers.Dense(5, "relu")(inputs))
    outputs = {"a": layers.Dense(1, "sigmoid", name="a")(hidden), "b": layers.Dense(1, name="b")(hidden)}
    model = pycnn.Model(inputs, outputs)
    losses = {"a": "binary_crossentropy", "b": "mse"}
    optimizer = pycnn.optimizers.Adam(use_ema=True, ema_overwrite_frequency=3)
    model.compile(optimizer, losses, loss_weights={"a": 1.0, "b": 0.5}, metrics={"a": ["accuracy"], "b": ["mae"]})
    return model


class OwnStep(pycnn.Model):
    """Keras's way to train in steps of one's own, with a metric of one's own."""

    def __init__(self):
        pycnn.utils.set_random_seed(3)
        super().__init__()
        self.dense = layers.Dense(1)
        self.tracker = pycnn.metrics.Mean(name="tracked")

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        x, y = data
        loss = self.compute_loss(x, y, self(x, training=True))
        variables = self.trainable_variables
        for variable in variables:
            variable.zero_grad()
        loss.backward()
        self.optimizer.apply([variable.grad for variable in variables], variables)
        self.tracker.update_state(loss)
        return {"tracked": self.tracker.result()}


def own_step():
    model = OwnStep()
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize(("make_model", "y"), [(two_heads, {"a": Y, "b": Y}), (own_step, Y)])
@pytest.mark.parametrize("moment", [(1, 2), (0, None)])
def test_other_kinds_of_models(tmp_path, make_model, y, moment):
    def fit(*callbacks):
        model = make_model()
        history = model.fit(X, y, batch_size=4, epochs=3, callbacks=list(callbacks), verbose=0)
        return bits(model), history.history

    expected = fit()
    backup = tmp_path / "backup"
    with pytest.raises(KeyboardInterrupt):
        fit(BackupAndRestore(backup, save_freq=1), Interrupt(*moment))
    assert fit(BackupAndRestore(backup, save_freq=1)) == expected


def test_validation_that_goes_on_in_the_next_epoch(tmp_path):
    (_, history), (_, expected) = resumed_and_whole(
        tmp_path,
        Interrupt(2, 1),
        1,
        lambda: (X, Y),
        epochs=4,
        batch_size=4,
        validation_data=(X, Y),
        validation_steps=2,
    )
    assert history.history == expected.history


def test_other_callbacks_go_on(tmp_path):
    def others():
        stop = EarlyStopping("loss", min_delta=0.004, patience=1, restore_best_weights=True)
        return [stop, CSVLogger(tmp_path / "log.csv")]

    (model, history), (whole, expected) = resumed_and_whole(
        tmp_path, Interrupt(3, 2), 1, lambda: (X, Y), others=others, epochs=100, batch_size=4
    )
    assert 4 < len(expected.epoch) < 100
    assert history.history == expected.history
    assert bits(model) == bits(whole)
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", *map(str, expected.epoch)]


def test_a_training_that_stopped_does_not_start_again(tmp_path):
    def fail(logs):
        raise KeyboardInterrupt

    stop = EarlyStopping("loss", min_delta=10, patience=1)
    model = make()
    backup = BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=9, callbacks=[backup, stop, LambdaCallback(on_train_end=fail)], verbose=0)
    again = make()
    backup = BackupAndRestore(tmp_path / "backup")
    history = again.fit(X, Y, epochs=9, callbacks=[backup, EarlyStopping("loss", 10, 1)], verbose=0)
    assert history.epoch == [0, 1]
    assert bits(again) == bits(model)


def test_backups_that_stay(tmp_path):
    def backup(**arguments):
        return BackupAndRestore(tmp_path, delete_checkpoint=False, **arguments)

    model = make()
    model.fit(X, Y, epochs=2, callbacks=[backup()], verbose=0)
    again = make()
    history = again.fit(X, Y, epochs=3, callbacks=[backup()], verbose=0)
    assert history.epoch == [0, 1, 2]
    assert again.optimizer.iterations == 3


def test_damaged_backups(tmp_path):
    def fit(double):
        backup = BackupAndRestore(tmp_path, delete_checkpoint=False, double_checkpoint=double)
        return make().fit(X, Y, epochs=3, callbacks=[backup], verbose=0)

    fit(double=False)
    latest = tmp_path / "latest.backup"
    content = bytearray(latest.read_bytes())
    content[-1] ^= 1
    latest.write_bytes(content)
    with pytest.raises(OSError, match="The backup is damaged"):
        fit(double=False)
    latest.unlink()
    whole = fit(double=True).history
    latest.write_bytes(latest.read_bytes()[:-5])
    assert fit(double=True).history == whole


def test_other_models_and_data(tmp_path):
    def backup():
        return BackupAndRestore(tmp_path, delete_checkpoint=False)

    make().fit(X, Y, epochs=2, batch_size=4, callbacks=[backup()], verbose=0)
    with pytest.raises(ValueError, match="The backup is of a training with 5 batches in an epoch, without validation"):
        make().fit(X, Y, epochs=2, batch_size=5, callbacks=[backup()], verbose=0)
    other = pycnn.Sequential([pycnn.Input((4,)), layers.Dense(1)])
    other.compile("adam", "mse")
    with pytest.raises(ValueError, match="The backup is of another model"):
        other.fit(X, Y, epochs=2, batch_size=4, callbacks=[backup()], verbose=0)


def test_errors():
    with pytest.raises(ValueError, match="backup_dir must be a folder"):
        BackupAndRestore("")
    for wrong in (0, True, "batch", 1.5):
        with pytest.raises(ValueError, match="save_freq must be 'epoch' or an integer >= 1"):
            BackupAndRestore("backup", save_freq=wrong)
