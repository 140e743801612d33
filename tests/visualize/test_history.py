"""plot_history: which curves, where."""

import numpy as np
import pytest

from pycnn.visualize import plot_history

RECORDS = {
    "accuracy": [0.5, 0.8, 0.9],
    "loss": [2.0, 0.5, 0.01],
    "val_accuracy": [0.4, 0.7, 0.85],
    "val_loss": [2.1, 0.6, 0.2],
}


def curves(axis):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axis.lines}


def test_training_and_validation_share_a_panel():
    accuracy, loss = plot_history(RECORDS).axes
    assert (accuracy.get_title(), loss.get_title()) == ("accuracy", "loss")
    assert curves(accuracy) == {
        "training": ([1, 2, 3], RECORDS["accuracy"]),
        "validation": ([1, 2, 3], RECORDS["val_accuracy"]),
    }
    assert loss.get_yscale() == "log"  # it spans a factor of 200
    assert accuracy.get_yscale() == "linear"
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]


def test_what_fit_returns():
    class History:
        history = {"loss": [1.0, 0.9], "val_loss": [0.8]}
        epoch = [4, 5]

    (axis,) = plot_history(History()).axes
    assert curves(axis) == {"training": ([5, 6], [1.0, 0.9]), "validation": ([6], [0.8])}  # validation_freq=2


def test_chosen_metrics_and_title():
    figure = plot_history(RECORDS, metrics=["loss"], title="Mine")
    assert len(figure.axes) == 1
    assert figure.get_suptitle() == "Mine"


def test_nan_is_drawn_as_a_gap():
    (axis,) = plot_history({"loss": [1.0, np.nan, 0.5]}).axes
    assert len(axis.lines) == 1


@pytest.mark.parametrize(
    ("history", "metrics", "message"),
    [
        ({}, None, "history must be what fit returned"),
        ({"loss": []}, None, "history must be what fit returned"),
        ([1.0, 2.0], None, "history must be what fit returned"),
        ({"loss": [1.0]}, ["acc"], r"metrics must be among loss. Received: metrics=\['acc'\]"),
    ],
)
def test_errors(history, metrics, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history, metrics)
