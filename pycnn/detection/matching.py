"""Which anchors, or proposals, stand for which objects in training, and which of them take part."""

import numpy as np

from pycnn import config
from pycnn.autograd import Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.geometry import is_integer, is_real
from pycnn.backend.recording import check
from pycnn.detection.boxes import check_corners, float_boxes
from pycnn.ops.promotion import same_float

BACKGROUND, IGNORED = -1, -2


def match(truth, anchors, positive=0.7, negative=0.3, best=True, usable=None):
    """The object that each anchor shall find.

    In this order (Faster R-CNN, section 3.1.2): an anchor whose largest IoU with an object lies below ``negative`` is
    background; with ``best`` the anchors of the largest IoU of each object, all of equals, stand for an object however
    small it is above 0; and so do those of an IoU of at least ``positive``. An anchor stands for the object that it
    overlaps most, the first of equals.

    Parameters
    ----------
    truth : (G, 4)
        Boxes of the objects, of which there may be none.
    anchors : (N, 4)
    positive : float
        IoU from which on an anchor stands for an object.
    negative : float or pair of floats
        IoU below which it is background, or (from, below): Fast R-CNN's background lies in (0.1, 0.5).
    best : bool
        Whether each object gets its best anchors, so that none is left out.
    usable : (N,) bools, optional
        Anchors that may be matched, as those inside the image; others are ignored.

    Returns
    -------
    Tensor (N,) int64
        Index of the object, -1 for background, -2 for what is neither.

    Raises
    ------
    ValueError
        If a box has x2 < x1 or y2 < y1, or thresholds are not in order.

    Examples
    --------
    >>> import pycnn
    >>> anchors = [[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0], [8.0, 8.0, 9.0, 9.0]]
    >>> pycnn.detection.match([[0.0, 0.0, 4.0, 4.0]], anchors).numpy()
    array([ 0, -2, -1])
    """
    bounds = (*negative, positive) if isinstance(negative, (tuple, list)) else (0.0, negative, positive)
    low, high = bounds[:2] if len(bounds) == 3 and all(map(is_real, bounds)) else (1, 0)
    if not 0 <= low <= high <= positive <= 1:
        raise ValueError(
            "thresholds must be 0 <= negative <= positive <= 1, where negative may be a pair. "
            f"Received: positive={positive!r}, negative={negative!r}"
        )
    xp = get_backend().xp
    truth, anchors = same_float(float_boxes("truth", truth, 2).data, float_boxes("anchors", anchors, 2).data)
    check(check_corners, "truth", truth)
    check(check_corners, "anchors", anchors)
    if len(truth):
        overlaps = get_backend().box_iou(truth, anchors)
        nearest, largest = overlaps.argmax(axis=0), overlaps.max(axis=0)
    else:
        nearest, largest = xp.zeros(len(anchors), "int64"), xp.zeros(len(anchors), anchors.dtype)
    is_background, stands = (largest >= low) & (largest < high), largest >= positive
    if len(truth):
        if best and len(anchors):
            tops = overlaps.max(axis=1, keepdims=True)
            stands = stands | ((overlaps == tops) & (tops > 0)).any(axis=0)
    else:
        stands = xp.zeros(len(anchors), bool)
    matches = xp.where(stands, nearest, xp.where(is_background, BACKGROUND, IGNORED))
    if usable is not None:
        usable = as_tensor(usable)
        if usable.shape != (len(anchors),):
            raise ValueError(
                f"usable must have one value for each of the {len(anchors)} anchors. "
                f"Received: usable.shape={usable.shape}"
            )
        matches = xp.where(usable.data, matches, IGNORED)
    return Tensor.wrap(matches.astype("int64"))


def sample(labels, count, positive_fraction, generator=None):
    """Which of what has been matched takes part in a step of training, drawn at random.

    Parameters
    ----------
    labels : (N,) integers
        As ``match`` gives them: from 0 on objects, -1 background, others never take part.
    count : int
        How many are drawn: where there are too few, all of a kind.
    positive_fraction : float
        At most this part of ``count`` stands for objects; background makes up for those that there are not.
    generator : numpy.random.Generator, optional
        Draws; by default what ``pycnn.utils.set_random_seed`` seeds.

    Returns
    -------
    Tensor (at most count,) int64
        Indices, rising.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> pycnn.detection.sample([0, -1, -2, -1, 3, -1], 4, 0.25, np.random.default_rng(2)).shape
    (4,)
    """
    labels = as_tensor(labels).data
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be a vector of integers. Received: labels of shape {labels.shape}, {labels.dtype}"
        )
    if not is_integer(count) or count < 0:
        raise ValueError(f"count must be an integer >= 0. Received: count={count!r}")
    if not is_real(positive_fraction) or not 0 <= positive_fraction <= 1:
        raise ValueError(f"positive_fraction must lie in [0, 1]. Received: positive_fraction={positive_fraction!r}")
    if generator is not None and not isinstance(generator, np.random.Generator):
        raise TypeError(f"generator must be a numpy.random.Generator. Received: generator={generator!r}")
    backend = get_backend()
    keys = backend.random_uniform(generator or config.generator(), labels.shape, "float32")
    positive = _first(backend.xp, labels >= 0, keys, int(count * positive_fraction))
    negative = _first(backend.xp, labels == BACKGROUND, keys, count - positive.sum())
    return Tensor.wrap(backend.xp.flatnonzero(positive | negative))


def _first(xp, wanted, keys, count):
    """Of what is wanted that which has the ``count`` smallest keys."""
    order = xp.argsort(xp.where(wanted, keys, 2), kind="stable")
    return wanted & (xp.argsort(order, kind="stable") < count)
