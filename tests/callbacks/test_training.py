"""LearningRateScheduler, TerminateOnNaN, CSVLogger."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.callbacks import CSVLogger, LambdaCallback, LearningRateScheduler, TerminateOnNaN


def fit(*callbacks, x=None, rate=0.01, **arguments):
    model = pycnn.Sequential([pycnn.Input((2,)), layers.Dense(1)])
    model.compile(pycnn.optimizers.SGD(rate), "mse")
    x = normal((8, 2)) if x is None else x
    return model.fit(x, normal(8), batch_size=4, callbacks=list(callbacks), verbose=0, **arguments)


@pytest.mark.parametrize("schedule", [lambda epoch, rate: 0.1 / (epoch + 1), lambda epoch: 0.1 / (epoch + 1)])
def test_schedules(backend, schedule):
    rates = []
    keep = LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(keep.model.optimizer.learning_rate))
    )
    history = fit(LearningRateScheduler(schedule), keep, epochs=3)
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.1 / 3, 0.1 / 3])
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.05, 0.1 / 3])


def test_a_schedule_sees_the_rate(backend, capsys):
    history = fit(LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1), rate=0.08, epochs=2)
    assert history.history["learning_rate"] == pytest.approx([0.04, 0.02])
    assert capsys.readouterr().out.splitlines()[0] == "Epoch 1: setting the learning rate to 0.04"


def test_a_schedule_that_returns_no_number(backend):
    with pytest.raises(TypeError, match=r"schedule must return a number. Received: schedule\(0\) = None"):
        fit(LearningRateScheduler(lambda epoch: None))


def test_terminate_on_nan(backend, capsys):
    x = normal((8, 2))
    x[5] = np.nan
    history = fit(TerminateOnNaN(), x=x, epochs=5, shuffle=False)
    assert len(history.epoch) == 1
    assert capsys.readouterr().out == "Batch 1: the loss is nan, training stops\n"


def test_csv_logger(backend, tmp_path):
    path = tmp_path / "log.csv"
    history = fit(CSVLogger(path), epochs=2)
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss"
    assert [line.split(",")[0] for line in lines[1:]] == ["0", "1"]
    assert [float(line.split(",")[1]) for line in lines[1:]] == history.history["loss"]


def test_csv_logger_with_validation_now_and_then(backend, tmp_path):
    path = tmp_path / "log.csv"
    fit(CSVLogger(path, separator=";"), epochs=3, validation_data=(normal((4, 2)), normal(4)), validation_freq=2)
    lines = [line.split(";") for line in path.read_text().splitlines()]
    assert lines[0] == ["epoch", "loss", "val_loss"]
    assert [bool(line[2]) for line in lines[1:]] == [False, True, False]


def test_csv_logger_goes_on(backend, tmp_path):
    path = tmp_path / "log.csv"
    fit(CSVLogger(path), epochs=1)
    fit(CSVLogger(path, append=True), epochs=2, initial_epoch=1)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["epoch", "0", "1"]
    fit(CSVLogger(path), epochs=1)
    assert len(path.read_text().splitlines()) == 2
