"""What is taken for what."""

import numpy as np

from pycnn.visualize.canvas import GREY, INK, colour_map, fit_text, new_figure, root_scale, text_width, title_height
from pycnn.visualize.grid import draw_bar
from pycnn.visualize.predictions import class_numbers

_NORMALIZATIONS = {"true": "% of the true class", "pred": "% of the guessed class", "all": "% of all"}
_WRITTEN = 25
"""Of more classes than so many, the numbers are not written into the cells, and not every class is named."""
_CELL, _LABEL = 0.42, 8  # inches of a cell with a number, points of names
_SMALLEST, _LARGEST = 6.0, 12.0  # inches of all cells together, without numbers
_NAME = 1.6  # inches of the longest name


def plot_confusion_matrix(y_true, y_pred=None, class_names=None, normalize=None, title=None):
    """Draw how often each class (row) was taken for each (column).

    The colour goes with the square root of the number, so that rare mistakes are seen beside what is right; the scale
    beside the matrix says so. Numbers are written into the cells of up to 25 classes.

    Parameters
    ----------
    y_true : (n,) class numbers or (n, classes) one-hot; or (classes, classes), without ``y_pred``
        The truth; or the matrix itself, of counts or shares.
    y_pred : (n,) class numbers or (n, classes) probabilities, optional
        What ``model.predict`` returns.
    class_names : list of str, optional
        Instead of numbers.
    normalize : {None, "true", "pred", "all"}
        Counts; or shares, in percent, of the images of the true class (each row sums to 100), of the guessed class
        (each column does), or of all. As in scikit-learn.
    title : str, optional
        Unless given it says how many are right.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], class_names=["cat", "dog"])
    >>> figure.axes[0].images[0].get_array().tolist(), figure.get_suptitle()
    ([[1, 1], [0, 2]], '3 of 4 right')
    """
    if normalize is not None and normalize not in _NORMALIZATIONS:
        raise ValueError(f"normalize must be None, 'true', 'pred' or 'all'. Received: normalize={normalize!r}")
    matrix = _matrix(y_true, y_pred, class_names)
    names = [str(n) for n in (range(len(matrix)) if class_names is None else class_names)]
    if len(names) != len(matrix):
        raise ValueError(f"class_names must name each of {len(matrix)} classes. Received: {len(names)} class_names")
    words = _NORMALIZATIONS.get(normalize, "images" if matrix.dtype.kind in "iu" else "")
    return _draw(_normalized(matrix, normalize), names, words, title or _title(matrix))


def _matrix(y_true, y_pred, class_names):
    if y_pred is None:
        matrix = np.asarray(y_true)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size or not (matrix >= 0).all():
            raise ValueError(
                "y_true without y_pred must be a matrix (classes, classes) of numbers that are not negative. "
                f"Received: y_true.shape={matrix.shape}"
            )
        return matrix
    truth, guesses = (np.asarray(y) for y in (y_true, y_pred))
    if len(truth) != len(guesses) or not len(truth):
        raise ValueError(
            f"y_true and y_pred must be equally many, one or more. Received: {len(truth)} y_true, {len(guesses)} y_pred"
        )
    columns = [y.shape[1] for y in (truth, guesses) if y.ndim == 2 and y.shape[1] > 1]
    truth, guesses = class_numbers("y_true", truth), class_numbers("y_pred", guesses)
    if min(truth.min(), guesses.min()) < 0:
        raise ValueError(f"Classes are numbers from 0. Received: {min(truth.min(), guesses.min())}")
    largest = int(max(truth.max(), guesses.max())) + 1
    count = max(largest, *columns, 0 if class_names is None else len(class_names), 1)
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (truth, guesses), 1)
    return matrix


def _normalized(matrix, normalize):
    """In percent, unless counts are wanted; of what never occurs the share is 0."""
    if normalize is None:
        return matrix
    total = matrix.sum(axis={"true": 1, "pred": 0, "all": None}[normalize], keepdims=True)
    return np.divide(100.0 * matrix, total, out=np.zeros(matrix.shape), where=total > 0)


def _title(matrix):
    right, total = np.trace(matrix), matrix.sum()
    if matrix.dtype.kind not in "iu":
        return "Confusion matrix"
    return f"{right} of {total} right"


def _draw(values, names, words, title):
    count = len(names)
    written = count <= _WRITTEN
    side = max(count * _CELL, 2.0) if written else min(max(count * 0.07, _SMALLEST), _LARGEST)
    every = 1 if written else int(np.ceil(count * 0.13 / side))
    shown = [fit_text(name, _NAME, _LABEL, most=1) for name in names[::every]]
    longest = max(text_width(name, _LABEL) for name in shown)
    turned = longest > every * side / count - 0.06
    left, below = longest + 0.45, (longest if turned else 0.12) + 0.4
    width = left + side + 1.0
    top = title_height(title, width)
    height = top + side + below
    figure = new_figure(width, height, title, layout=None)
    axis = figure.add_axes((left / width, below / height, side / width, side / height))
    style = {"cmap": colour_map("Blues"), "norm": root_scale(float(values.max()))}
    drawn = axis.imshow(values, interpolation="nearest", aspect="auto", **style)
    ticks = range(0, count, every)
    axis.set_xticks(ticks, shown, rotation=90 if turned else 0)
    axis.set_yticks(ticks, shown)
    axis.tick_params(length=0 if written else 2, labelsize=_LABEL, colors=INK)
    axis.set_xlabel("guess", fontsize=9, color=GREY)
    axis.set_ylabel("truth", fontsize=9, color=GREY)
    axis.spines[:].set(color=GREY, linewidth=0.6)
    if written:
        _write(axis, values, style["norm"])
    draw_bar(figure, drawn, left + side + 0.15, top, min(top + side, top + 4.0), words)
    return figure


def _write(axis, values, norm):
    """The numbers; a zero is left out, for what is not there is seen best by nothing being there."""
    whole = values.dtype.kind in "iu" or (values == np.round(values)).all()
    for (row, column), value in np.ndenumerate(values):
        if value:
            text = f"{value:.0f}" if whole or value >= 99.95 else f"{value:.1f}" if value >= 0.05 else "<.1"
            size = 8 if len(text) < 5 else 8 * 4.4 / len(text)
            ink = "white" if norm(value) > 0.6 else INK
            axis.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
