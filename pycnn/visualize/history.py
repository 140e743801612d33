"""Learning curves."""

import numpy as np

from pycnn.visualize.canvas import CURVES, GREY, INK, new_figure

_VALIDATION = "val_"
_PANEL = 4.2, 3.2  # inches
_MARKED = 25
"""Of fewer epochs than so many each is marked."""


def plot_history(history, metrics=None, title="Learning curves", columns=3):
    """Draw what ``fit`` recorded, one panel a quantity, training and validation together; of one run or of several.

    Of runs that were repeated, as with other seeds, the mean is drawn, in a band from the lowest to the highest.

    Parameters
    ----------
    history : History or dict; or a list of them, or a dict of names to these
        What ``model.fit`` returns, or its ``.history``: name -> one number an epoch. A list is the same training
        repeated. A dict of names compares trainings, each of one run or of a list.
    metrics : list of str, optional
        Quantities to draw, without ``val_``; all of them unless given.
    title : str
    columns : int
        Panels side by side.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_history({"loss": [2.3, 0.7, 0.2], "val_loss": [1.9, 0.8, 0.4]})
    >>> len(figure.axes)
    1
    >>> figure = plot_history({"plain": [{"loss": [2.3, 0.7]}, {"loss": [2.1, 0.5]}], "SE": {"loss": [2.0, 0.4]}})
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['plain (mean of 2)', 'SE']
    """
    groups = _groups(history)
    runs = [run for group in groups.values() for run in group]
    known = list(dict.fromkeys(name for run in runs for name in run.records))
    if metrics is None:
        metrics = list(dict.fromkeys(name.removeprefix(_VALIDATION) for name in known))
    missing = [name for name in metrics if name not in known and _VALIDATION + name not in known]
    if missing or not metrics:
        raise ValueError(f"metrics must be among {', '.join(known)}. Received: metrics={metrics!r}")
    columns = min(columns, len(metrics))
    rows = -(-len(metrics) // columns)
    figure = new_figure(_PANEL[0] * columns, _PANEL[1] * rows, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, name, colour in zip(axes, metrics, _cycle(CURVES, len(metrics)), strict=False):
        _draw(axis, name, groups, colour)
    for axis in axes[len(metrics) :]:
        axis.remove()
    return figure


class _Run:
    """What one ``fit`` recorded."""

    def __init__(self, history):
        self.records = {name: list(values) for name, values in getattr(history, "history", history).items()}
        self.epochs = getattr(history, "epoch", None)

    def curve(self, name):
        """Epochs, counted from 1, and values; those that come every few epochs are spread over all of them."""
        values = np.array(self.records.get(name, ()), float)
        total = len(self.epochs) if self.epochs else max(map(len, self.records.values()))
        first = 1 + (self.epochs[0] if self.epochs else 0)
        step = max(total // max(len(values), 1), 1)
        return first + step * np.arange(1, len(values) + 1) - 1, values


def _groups(history):
    """Name -> list of runs; the name of a training that is not compared with another is None."""
    if isinstance(history, dict) and history and not any(map(_is_record, history.values())):
        groups = {str(name): _runs(value) for name, value in history.items()}
    else:
        groups = {None: _runs(history)}
    if not all(groups.values()):
        raise ValueError(
            "history must be what fit returned, or a dict of lists with at least one epoch; or a list or dict of "
            f"these. Received: history={history!r}"
        )
    return groups


def _is_record(values):
    """Whether this is a list of numbers: what a history has under each name."""
    return isinstance(values, (list, tuple, np.ndarray)) and not any(_is_history(value) for value in values)


def _is_history(value):
    records = getattr(value, "history", value)
    return (
        isinstance(records, dict)
        and all(map(_is_record, records.values()))
        and any(len(values) for values in records.values())
    )


def _runs(histories):
    if _is_history(histories):
        histories = [histories]
    if not isinstance(histories, (list, tuple)) or not all(map(_is_history, histories)):
        return []
    return [_Run(history) for history in histories]


def _cycle(colors, count):
    return [colors[i % len(colors)] for i in range(count)]


def _draw(axis, name, groups, colour):
    both = any(name in run.records for group in groups.values() for run in group) and any(
        _VALIDATION + name in run.records for group in groups.values() for run in group
    )
    highest = []
    for (group, runs), own in zip(groups.items(), _cycle(CURVES, len(groups)), strict=True):
        for key, kind, dash in ((name, "training", "-"), (_VALIDATION + name, "validation", "--")):
            curves = [run.curve(key) for run in runs if key in run.records]
            if not curves:
                continue
            if len(groups) > 1:
                ink = own
            else:
                ink = colour if dash == "-" else INK
            label = _label(group, kind, both, len(curves))
            _draw_curves(axis, curves, label, ink, dash)
            highest += [values for _, values in curves if dash == "-"]
    _dress(axis, name)
    if name == "learning_rate":
        return
    if "loss" in name and _wide(highest):
        axis.set_yscale("log")
    repeated = any(len(runs) > 1 for runs in groups.values())
    if both or len(groups) > 1 or repeated:
        words = "band: lowest to highest" if repeated else None
        axis.legend(title=words, fontsize=8, title_fontsize=7, frameon=False, handlelength=2.6)


def _label(group, kind, both, runs):
    words = [group if group is not None else ""]
    if both or group is None:
        words.append(kind)
    label = ", ".join(word for word in words if word)
    return f"{label} (mean of {runs})" if runs > 1 else label


def _draw_curves(axis, curves, label, ink, dash):
    """One line; of several runs their mean, as far as all of them go, in a band from the lowest to the highest."""
    length = min(len(values) for _, values in curves)
    epochs = curves[0][0][:length]
    values = np.array([values[:length] for _, values in curves])
    marker = {"marker": "o", "markersize": 3.5} if length <= _MARKED else {}
    axis.plot(epochs, values.mean(axis=0), dash, color=ink, linewidth=1.6, label=label, **marker)
    if len(curves) > 1:
        axis.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=ink, alpha=0.15, linewidth=0)


def _dress(axis, name):
    axis.set_title(name.replace("_", " "), fontsize=10, color=INK)
    axis.set_xlabel("epoch", fontsize=9, color=GREY)
    axis.locator_params(axis="x", integer=True)
    epochs = {epoch for line in axis.lines for epoch in line.get_xdata()}
    if len(epochs) == 1:
        (only,) = epochs
        axis.set_xlim(only - 0.5, only + 0.5)
        axis.set_xticks([only])
    axis.tick_params(labelsize=8, colors=GREY)
    axis.grid(color="#e5e7eb", linewidth=0.7)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _wide(curves):
    """Whether positive values span so much that only logarithms show their end."""
    values = np.concatenate([np.zeros(0), *curves])
    values = values[np.isfinite(values)]
    return bool(values.size) and values.min() > 0 and values.max() / values.min() > 30
