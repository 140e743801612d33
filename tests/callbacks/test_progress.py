"""The progress bar: bars in terminals, lines in logs, silence where it was asked for."""

import contextlib
import io
import itertools
import re
import sys
import threading

import numpy as np
import pytest

import pycnn
from pycnn import layers
from pycnn.callbacks.progress import shows_bars, write_number


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def shown(monkeypatch):
    """Run something in a terminal, and return what it wrote."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def show(action, *args, **kwargs):
        stream = Terminal()
        with contextlib.redirect_stdout(stream):
            action(*args, **kwargs)
        return stream.getvalue()

    return show


def make():
    model = pycnn.Sequential([pycnn.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(pycnn.optimizers.SGD(0.0), "mse", metrics=["mae"])
    return model, np.ones((40, 1)), np.ones(40)


NUMBERS = r"loss: 1\.0000 - mae: 1\.0000"


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_one_line_an_epoch_in_logs(backend, capsys, verbose):
    model, x, y = make()
    model.fit(x, y, epochs=10, validation_split=0.5, verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert re.fullmatch(rf"Epoch  1/10 - \d+\.\ds - {NUMBERS} - val_loss: 1\.0000 - val_mae: 1\.0000", lines[0])
    assert lines[9].startswith("Epoch 10/10 - ")


def test_evaluate_and_predict_in_logs(backend, capsys):
    model, x, y = make()
    model.evaluate(x, y)
    assert re.fullmatch(rf"Evaluate - \d+\.\ds - {NUMBERS}\n", capsys.readouterr().out)
    model.predict(x)
    assert capsys.readouterr().out == ""
    model.predict(x, verbose=1)
    assert re.fullmatch(r"Predict - \d+\.\ds\n", capsys.readouterr().out)


def test_silence(backend, capsys):
    model, x, y = make()
    model.fit(x, y, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_bars_in_terminals(backend, shown):
    model, x, y = make()
    text = shown(model.fit, x, y, batch_size=10, epochs=2, validation_split=0.5)
    assert "Epoch 1/2: 100%" in text
    assert "2/2" in text
    assert "loss=1.0000, mae=1.0000, val_loss=1.0000, val_mae=1.0000" in text
    assert text.count("\n") == 2  # the bar of each epoch stays
    assert "\x1b[32m" in text


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.0, 1, 14), (1.0, 40, 90)])
def test_updates_are_throttled(backend, shown, monkeypatch, seconds, least, most):
    model, x, y = make()
    clock = itertools.count(0.0, seconds)  # seconds at each look at it: 40 batches that take no time, or long
    monkeypatch.setattr("pycnn.callbacks.progress.time.perf_counter", lambda: next(clock))
    assert least <= shown(model.fit, x, y, batch_size=1).count("\r") <= most


def test_no_color(backend, shown, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    model, x, y = make()
    text = shown(model.fit, x, y)
    assert "Epoch 1/1: 100%" in text
    assert "\x1b[3" not in text


def test_lines_in_terminals_that_ask_for_them(backend, shown):
    model, x, y = make()
    assert re.fullmatch(rf"Epoch 1/1 - \d+\.\ds - {NUMBERS}\n", shown(model.fit, x, y, verbose=2))


def test_bars_of_evaluate_predict_and_unknown_length(backend, shown):
    model, x, y = make()
    assert "Evaluate: 100%" in shown(model.evaluate, x, y)
    assert "Predict: 100%" in shown(model.predict, x)
    assert "3/3" in shown(model.fit, ((x, y) for _ in range(3)), verbose=1)


def test_no_thread_is_left(backend, shown):
    before = threading.active_count()
    model, x, y = make()
    shown(model.fit, x, y)
    assert threading.active_count() == before


def test_dumb_terminals_get_lines(shown, monkeypatch):
    answers = []
    shown(lambda: answers.append(shows_bars()))
    monkeypatch.setenv("TERM", "dumb")
    shown(lambda: answers.append(shows_bars()))
    assert answers == [True, False]


def test_notebooks_get_bars(monkeypatch):
    assert not shows_bars()
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", type(sys)("IPython"))
    sys.modules["IPython"].get_ipython = lambda: shell
    assert shows_bars()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.0000"), (0.12345, "0.1235"), (123.4, "123.4000"), (1e-5, "1.0000e-05"), (1e6, "1.0000e+06")],
)
def test_numbers(value, text):
    assert write_number(value) == text
