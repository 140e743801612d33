"""Learning curves."""

from pycnn.visualize.canvas import BLUE, CURVES, GREY, INK, new_figure

_VALIDATION = "val_"


def plot_history(history, metrics=None, title="Learning curves"):
    """Draw what ``fit`` recorded, one panel a quantity, training and validation together.

    Parameters
    ----------
    history : History or dict
        What ``model.fit`` returns, or its ``.history``: name -> one number an epoch.
    metrics : list of str, optional
        Quantities to draw, without ``val_``; all of them unless given.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_history({"loss": [2.3, 0.7, 0.2], "val_loss": [1.9, 0.8, 0.4]})
    >>> len(figure.axes)
    1
    """
    records = getattr(history, "history", history)
    if not isinstance(records, dict) or not any(len(values) for values in records.values()):
        raise ValueError(
            "history must be what fit returned, or a dict of lists with at least one epoch. "
            f"Received: history={history!r}"
        )
    records = {name: list(values) for name, values in records.items()}
    if metrics is None:
        metrics = list(dict.fromkeys(name.removeprefix(_VALIDATION) for name in records))
    missing = [name for name in metrics if name not in records and _VALIDATION + name not in records]
    if missing:
        raise ValueError(f"metrics must be among {', '.join(records)}. Received: metrics={metrics!r}")
    epochs = getattr(history, "epoch", None)
    figure = new_figure(4.2 * len(metrics), 3.2, title)
    axes = figure.subplots(1, len(metrics), squeeze=False)[0]
    for axis, name, color in zip(axes, metrics, _cycle(CURVES, len(metrics)), strict=True):
        _draw(axis, name, records.get(name), records.get(_VALIDATION + name), epochs, color)
    return figure


def _cycle(colors, count):
    return [colors[i % len(colors)] for i in range(count)]


def _draw(axis, name, training, validation, epochs, color=BLUE):
    marker = {"marker": "o", "markersize": 3.5} if max(len(training or ()), len(validation or ())) <= 25 else {}
    for values, label, style in ((training, "training", "-"), (validation, "validation", "--")):
        if values is not None:
            x = _epochs(values, epochs)
            axis.plot(x, values, style, color=color if style == "-" else INK, linewidth=1.6, label=label, **marker)
    axis.set_title(name.replace("_", " "), fontsize=10, color=INK)
    axis.set_xlabel("epoch", fontsize=9, color=GREY)
    axis.locator_params(axis="x", integer=True)
    axis.tick_params(labelsize=8, colors=GREY)
    axis.grid(color="#e5e7eb", linewidth=0.7)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    if name == "learning_rate":
        return
    if "loss" in name and _wide(training):
        axis.set_yscale("log")
    if validation is not None:
        axis.legend(fontsize=8, frameon=False)


def _epochs(values, epochs):
    """Epoch numbers counted from 1; values that come every few epochs are spread over all of them."""
    total = len(epochs) if epochs else len(values)
    first = 1 + (epochs[0] if epochs else 0)
    step = max(total // max(len(values), 1), 1)
    return [first + step * (i + 1) - 1 for i in range(len(values))]


def _wide(values):
    """Whether positive values span so much that only logarithms show their end."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > 30
