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


def test_one_epoch_has_one_tick():
    (axis,) = plot_history({"loss": [2.0], "val_loss": [1.0]}).axes
    assert list(axis.get_xticks()) == [1]


REPEATED = [{"loss": [4.0, 2.0, 0.01], "val_loss": [5.0, 1.0, 3.0]}, {"loss": [2.0, 1.0, 1.0], "val_loss": [3.0, 2.0]}]


def bands(axis):
    """Lowest and highest value at each epoch, of each band."""
    found = []
    for band in axis.collections:
        points = band.get_paths()[0].vertices
        found.append({x: (min(y), max(y)) for x in set(points[:, 0]) for y in [points[points[:, 0] == x, 1]]})
    return found


def test_repeated_runs_are_a_mean_in_a_band():
    (axis,) = plot_history(REPEATED).axes
    drawn = curves(axis)
    assert drawn["training (mean of 2)"] == ([1, 2, 3], [3, 1.5, 0.505])
    assert drawn["validation (mean of 2)"] == ([1, 2], [4, 1.5])  # as far as both go
    assert bands(axis) == [{1: (2, 4), 2: (1, 2), 3: (0.01, 1)}, {1: (3, 5), 2: (1, 2)}]
    assert axis.get_legend().get_title().get_text() == "band: lowest to highest"
    assert axis.get_yscale() == "log"


def test_trainings_are_compared_by_colour():
    figure = plot_history({"plain": REPEATED, "SE": {"loss": [1.0], "accuracy": [0.5]}})
    loss, accuracy = figure.axes
    assert set(curves(loss)) == {"plain, training (mean of 2)", "plain, validation (mean of 2)", "SE, training"}
    colours = {line.get_label(): line.get_color() for line in loss.lines}
    assert len(set(colours.values())) == 2
    assert colours["plain, training (mean of 2)"] == colours["plain, validation (mean of 2)"]
    assert curves(accuracy) == {"SE": ([1], [0.5])}
    assert accuracy.lines[0].get_color() == colours["SE, training"]


def test_many_panels_fill_rows():
    figure = plot_history({name: [1.0, 2.0] for name in "abcde"})
    assert len(figure.axes) == 5
    assert len({round(axis.get_subplotspec().rowspan.start) for axis in figure.axes}) == 2


def test_nan_is_drawn_as_a_gap():
    (axis,) = plot_history({"loss": [1.0, np.nan, 0.5]}).axes
    assert len(axis.lines) == 1


@pytest.mark.parametrize(
    ("history", "metrics", "message"),
    [
        ({}, None, "history must be what fit returned"),
        ({"loss": []}, None, "history must be what fit returned"),
        ([1.0, 2.0], None, "history must be what fit returned"),
        ([{"loss": [1.0]}, {}], None, "history must be what fit returned"),
        ({"one": {"loss": [1.0]}, "other": [1.0, 2.0]}, None, "history must be what fit returned"),
        ({"one": {"loss": [1.0]}, "other": []}, None, "history must be what fit returned"),
        ({"loss": [1.0]}, ["acc"], r"metrics must be among loss. Received: metrics=\['acc'\]"),
    ],
)
def test_errors(history, metrics, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history, metrics)
