"""Targets that cannot be right are reported before the first step: NaN, labels out of range."""

import numpy as np

from pycnn.models.batches import all_arrays


def check_targets(y, loss, output_shape):
    """Raise if targets hold NaN, or labels that the model has no output for.

    Parameters
    ----------
    y : array, or list or dict of arrays
    loss : Loss
    output_shape : tuple or None
        Of the model; None if it is not known yet.
    """
    for array in all_arrays(y):
        check_not_nan(array)
    labels_wanted = getattr(loss, "name", None) == "sparse_categorical_crossentropy"
    if isinstance(y, np.ndarray) and labels_wanted and output_shape is not None and len(output_shape) > 1:
        check_labels(y, output_shape[-1], getattr(loss, "ignore_class", None))


def check_not_nan(y):
    """Raise if ``y`` holds NaN."""
    if y.dtype.kind == "f" and np.isnan(y).any():
        place = tuple(int(i) for i in np.argwhere(np.isnan(y))[0])
        raise ValueError(f"y must not contain NaN. Received: y[{', '.join(map(str, place))}]=nan")


def check_labels(y, classes, ignored=None):
    """Raise unless all labels are whole numbers from 0 to ``classes - 1``."""
    wrong = (y < 0) | (y >= classes)
    if y.dtype.kind == "f":
        wrong |= y != np.floor(y)
    if ignored is not None:
        wrong &= y != ignored
    if classes is not None and wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"y must hold labels from 0 to {classes - 1}, for the model has {classes} outputs. "
            f"Received: y[{', '.join(map(str, place))}]={y[place]}"
        )
