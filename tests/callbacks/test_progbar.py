"""Progbar."""

import inspect

import pytest
from helpers import peer

import pycnn
from pycnn.callbacks import progbar


def test_means_are_weighted_by_steps(capsys):
    bar = pycnn.utils.Progbar(10, stateful_metrics=["rate"], verbose=2)
    bar.update(4, [("loss", 1.0), ("rate", 0.5)])
    bar.add(6, [("loss", 2.0), ("rate", 0.25)])
    out = capsys.readouterr().out
    assert out.startswith("10/10 - ")
    assert out.endswith("s - loss: 1.6000 - rate: 0.2500\n")


def test_bars_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progbar, "shows_bars", lambda: True)
    bar = pycnn.utils.Progbar(4, width=8, interval=0)
    bar.update(1)
    assert capsys.readouterr().out.startswith("\r1/4 ##...... - ")
    bar.update(4, [("loss", 2.0)])
    out = capsys.readouterr().out
    assert out.startswith("\r4/4 ######## - ")
    assert out.endswith(" - loss: 2.0000\n")


def test_without_target_and_silent(capsys):
    bar = pycnn.utils.Progbar(None, stateless_metrics=["loss"])
    bar.update(3, [("loss", 2.0), ("other", 3.0)])
    assert capsys.readouterr().out == ""
    bar.update(5, [("loss", 4.5), ("other", 5.0)], finalize=True)
    assert capsys.readouterr().out.endswith("loss: 3.0000 - other: 5.0000\n")
    pycnn.utils.Progbar(1, verbose=0).update(1)
    assert capsys.readouterr().out == ""


def test_arguments_are_those_of_keras():
    keras = peer("keras")
    assert str(inspect.signature(pycnn.utils.Progbar)) == str(inspect.signature(keras.utils.Progbar))
    with pytest.raises(ValueError, match="Only one of stateful_metrics and stateless_metrics"):
        pycnn.utils.Progbar(1, stateful_metrics=[], stateless_metrics=[])
