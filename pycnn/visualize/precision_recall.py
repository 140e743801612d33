"""Curves of precision over recall: of each class of a detector, or of several detectors."""

import numpy as np

from pycnn.detection.metrics.voc import VocAveragePrecision
from pycnn.visualize.canvas import CURVES, GREY, INK, fit_text, new_figure

_SIZE = 6.6, 4.2  # inches
_COLOURED = 2 * len(CURVES)
"""Of more classes than so many, only the best and the worst ones are drawn in colours."""
_SHOWN = 3
_NAME = 1.1  # inches of the longest name
_RECALLS = np.linspace(0, 1, 101)


def plot_precision_recall(result, title=None, year=2007):
    """Draw precision over recall, each point raised to the best precision at its recall or a higher one.

    The area under such a curve is VOC 2010's average precision. Names stand in the order of average precision, which is
    given beside them. Of more than 12 classes the three best and the three worst are coloured, the others grey, and
    those without objects left out.

    Parameters
    ----------
    result : VocAveragePrecision, list of PrecisionRecallCurve, or dict of names to either
        What ``voc_average_precision`` or ``precision_recall_curves`` returns. Of a dict one curve is drawn for each
        name: the mean over the classes that have objects.
    title : str, optional
        Unless given it says the mean average precision.
    year : {2007, 2010}
        How average precision is counted of a list of curves.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from pycnn.detection import Detections, GroundTruth, voc_average_precision
    >>> truth = [GroundTruth([[0, 0, 9, 9], [9, 9, 20, 20]], [0, 1])]
    >>> found = [Detections([[0, 0, 9, 8]], [0], [0.9])]
    >>> figure = plot_precision_recall(voc_average_precision(truth, found, ["cat", "dog"]))
    >>> figure.get_suptitle(), [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ('Precision and recall: mean AP 0.500', ['1.000  cat', '0.000  dog'])
    """
    if isinstance(result, dict):
        results = {str(name): _result(one, year) for name, one in result.items()}
        rows = [(name, one.mean, _RECALLS, _mean_curve(one.curves)) for name, one in results.items()]
        title = title or "Precision and recall: means over the classes"
    else:
        result = _result(result, year)
        rows = [(curve.name, ap, *_outline(curve)) for curve, ap in zip(result.curves, result.per_class, strict=True)]
        title = title or f"Precision and recall: mean AP {_number(result.mean)}"
    if not rows:
        raise ValueError("result must have one class or more. Received: none")
    return _draw(sorted(rows, key=lambda row: -np.nan_to_num(row[1], nan=-1)), title)


def _result(result, year):
    if isinstance(result, VocAveragePrecision):
        return result
    try:
        aps = np.array([curve.average_precision(year) for curve in result], float)
        return VocAveragePrecision(tuple(curve.name for curve in result), aps, list(result))
    except (AttributeError, TypeError) as error:
        raise ValueError(
            "result must be what voc_average_precision or precision_recall_curves returns, or a dict of these. "
            f"Received: {type(result).__name__}"
        ) from error


def _best(curve):
    """The best precision from each detection on."""
    return np.maximum.accumulate(curve.precision[::-1])[::-1]


def _outline(curve):
    """The points of the staircase from recall 0 to the highest one, where it falls to 0."""
    if not curve.positives:
        return np.zeros(0), np.zeros(0)
    recall, best = np.r_[0, curve.recall], _best(curve)
    return np.repeat(recall, 2)[1:], np.append(np.repeat(best, 2), 0)


def _mean_curve(curves):
    """Mean over the classes that have objects of the best precision at each of 101 recalls or a higher one."""
    heights = [
        np.append(_best(curve), 0)[np.searchsorted(curve.recall, _RECALLS - 1e-9)]
        for curve in curves
        if curve.positives
    ]
    return np.mean(heights, axis=0) if heights else np.full(len(_RECALLS), np.nan)


def _number(value):
    return "-" if np.isnan(value) else f"{value:.3f}"


def _draw(rows, title):
    figure = new_figure(*_SIZE, title)
    axis = figure.add_subplot()
    many = len(rows) > _COLOURED
    if many:
        rows = [row for row in rows if not np.isnan(row[1])] or rows  # without objects a class is not the worst one
    named = [*range(_SHOWN), *range(len(rows) - _SHOWN, len(rows))] if many else range(len(rows))
    for place, (name, ap, recall, precision) in enumerate(rows):
        if place in named:
            number = list(named).index(place)
            dash = "-" if number < len(CURVES) else "--"
            label = f"{_number(ap)}  {fit_text(name, _NAME, 8, most=1)}"
            style = {"color": CURVES[number % len(CURVES)], "linestyle": dash, "linewidth": 1.5, "label": label}
        else:
            label = f"{place - _SHOWN + 1} between" if place == len(rows) - _SHOWN - 1 else None
            style = {"color": "#c4c8ce", "linewidth": 0.7, "zorder": 1.5, "label": label}
        axis.plot(recall, precision, **style)
    axis.set(xlim=(0, 1), ylim=(0, 1.02))
    axis.set_xlabel("recall", fontsize=9, color=GREY)
    axis.set_ylabel("precision", fontsize=9, color=GREY)
    axis.tick_params(labelsize=8, colors=GREY)
    axis.grid(color="#e5e7eb", linewidth=0.7)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.02), "borderaxespad": 0, "alignment": "left"}
    axis.legend(**place, title="AP", fontsize=8, title_fontsize=8, frameon=False, handlelength=2.2, labelcolor=INK)
    return figure
