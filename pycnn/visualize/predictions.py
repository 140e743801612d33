"""Images with what the model made of them."""

import numpy as np

from pycnn.visualize.canvas import GREEN, INK, RED, new_figure
from pycnn.visualize.grid import Block, as_image, image_grid


def plot_predictions(
    images, predictions, labels=None, class_names=None, only_wrong=False, max_images=40, columns=None, title=None
):
    r"""Draw images with the guessed class and its probability, and the true class where the guess is wrong.

    Parameters
    ----------
    images : (n, height, width), (n, height, width, 1) or (n, height, width, 3)
    predictions : (n, classes) probabilities, or (n,) class numbers
        What ``model.predict`` returns.
    labels : (n,) class numbers or (n, classes) one-hot, optional
        The truth; guesses are then green or red.
    class_names : list of str, optional
        Instead of numbers.
    only_wrong : bool
        Leave out what was guessed right; the least certain mistakes come last.
    max_images : int
        Draw no more than so many; the title says how many there are.
    columns : int, optional
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_predictions(np.zeros((2, 8, 8)), np.array([[0.9, 0.1], [0.2, 0.8]]), labels=[0, 0])
    >>> [axis.get_title() for axis in figure.axes]
    ['0 (90 %)', '1 (80 %)\nis 0']
    """
    images, predictions = np.asarray(images), np.asarray(predictions)
    guesses, certainty = class_numbers("predictions", predictions), _certainty(predictions)
    truth = None if labels is None else class_numbers("labels", np.asarray(labels))
    for name, values in (("predictions", guesses), ("labels", truth)):
        if values is not None and len(values) != len(images):
            raise ValueError(
                f"images and {name} must be equally many. Received: {len(images)} images, {len(values)} {name}"
            )
    if only_wrong and truth is None:
        raise ValueError("only_wrong needs labels, to know what is wrong. Received: labels=None")
    chosen = np.arange(len(images))
    if only_wrong:
        chosen = np.flatnonzero(guesses != truth)
        if certainty is not None:
            chosen = chosen[np.argsort(-certainty[chosen], kind="stable")]
    shown = chosen[:max_images]
    title = title or _title(len(images), len(chosen), len(shown), guesses, truth, only_wrong)
    if not len(shown):
        figure = new_figure(4.0, 1.6, title)
        figure.text(0.5, 0.4, "nothing to show", ha="center", color=INK, fontsize=9)
        return figure
    names = (lambda c: str(c)) if class_names is None else (lambda c: str(class_names[c]))
    titles, colors = [], []
    for i in shown:
        wrong = truth is not None and guesses[i] != truth[i]
        percent = "" if certainty is None else f" ({100 * certainty[i]:.0f} %)"
        titles.append(f"{names(guesses[i])}{percent}" + (f"\nis {names(truth[i])}" if wrong else ""))
        colors.append(INK if truth is None else RED if wrong else GREEN)
    return image_grid([Block([as_image("images", images[i]) for i in shown], titles, colors)], title, columns)


def class_numbers(argument, values):
    """Return (n,) class numbers of class numbers, one-hot rows or probabilities."""
    if values.ndim == 2 and values.shape[1] > 1:
        return values.argmax(axis=1)
    values = values.reshape(len(values), -1)
    if values.shape[1] != 1:
        raise ValueError(
            f"{argument} must be (n,) class numbers or (n, classes). Received: {argument}.shape={values.shape}"
        )
    values = values[:, 0]
    return (values > 0.5).astype(int) if values.dtype.kind == "f" else values.astype(int)


def _certainty(predictions):
    """Probability of each guess, or None for class numbers."""
    if predictions.dtype.kind != "f":
        return None
    if predictions.ndim == 2 and predictions.shape[1] > 1:
        return predictions.max(axis=1)
    probability = predictions.reshape(-1)
    return np.where(probability > 0.5, probability, 1 - probability)


def _title(total, matching, shown, guesses, truth, only_wrong):
    if truth is None:
        head = "Predictions"
    elif only_wrong:
        head = f"{matching} of {total} wrong"
    else:
        head = f"{int((guesses == truth).sum())} of {total} right"
    return head if shown == matching else f"{head}, {shown} shown"
