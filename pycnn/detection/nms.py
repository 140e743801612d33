"""Non-maximum suppression: of boxes that find the same object only the best, or all of them as one."""

import numpy as np

from pycnn.autograd import Tensor
from pycnn.backend import get_backend
from pycnn.backend.geometry import is_real
from pycnn.backend.recording import check
from pycnn.detection.boxes import check_corners, float_boxes, number_tensor
from pycnn.ops.promotion import same_float

_LOOK_EVERY = 32  # steps of soft_nms: only then does the host ask whether more is left


def _check_scores(scores):
    if bool((scores != scores).any()):
        row = int(np.argmax(np.isnan(get_backend().to_numpy(scores))))
        raise ValueError(f"scores must be numbers. Received: scores[{row}]=nan")


def _check_weights(scores):
    """Require what is multiplied, or added up, to be finite and not negative."""
    wrong = (scores < 0) | (scores == float("inf"))
    if bool(wrong.any()):
        row = int(wrong.argmax())
        raise ValueError(f"scores must be finite and at least 0. Received: scores[{row}]={float(scores[row])}")


def _checked(boxes, scores, iou_threshold, labels=None):
    """Arrays of one dtype, and integers, or an error that says what is wrong."""
    boxes, scores = float_boxes("boxes", boxes, 2).data, number_tensor("scores", scores).data
    if scores.shape != (len(boxes),):
        raise ValueError(
            f"scores must have one value for each of the {len(boxes)} boxes. Received: scores.shape={scores.shape}"
        )
    if not is_real(iou_threshold) or not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold must lie in [0, 1]. Received: iou_threshold={iou_threshold!r}")
    boxes, scores = same_float(boxes, scores)
    check(check_corners, "boxes", boxes)
    check(_check_scores, scores)
    if labels is not None:
        labels = number_tensor("labels", labels).data
        if labels.shape != (len(boxes),) or (labels.dtype.kind not in "iu" and labels.size):
            raise ValueError(
                f"labels must be one integer for each of the {len(boxes)} boxes. "
                f"Received: labels of shape {labels.shape}, {labels.dtype}"
            )
        labels = labels.astype("int64", copy=False)
    return boxes, scores, labels


def nms(boxes, scores, iou_threshold):
    """Boxes that are not worse copies of others: greedy non-maximum suppression.

    The box of the largest score is kept, all are dropped whose IoU with it is above the threshold, and so on with
    those that are left. Every backend keeps the same boxes.

    Parameters
    ----------
    boxes : (N, 4)
        x1, y1, x2, y2.
    scores : (N,)
        Equal ones go by index.
    iou_threshold : float
        In [0, 1]. A box whose IoU is equal to it stays.

    Returns
    -------
    Tensor (K,) int64
        Indices of those kept, by score, falling.

    Raises
    ------
    ValueError
        If a box has x2 < x1 or y2 < y1, a score is NaN, or lengths differ.

    Examples
    --------
    >>> import pycnn
    >>> boxes = [[0.0, 0.0, 4.0, 4.0], [0.0, 1.0, 4.0, 5.0], [8.0, 8.0, 9.0, 9.0]]
    >>> pycnn.detection.nms(boxes, [0.6, 0.9, 0.7], 0.5).numpy()
    array([1, 2])
    """
    return batched_nms(boxes, scores, None, iou_threshold)


def batched_nms(boxes, scores, labels, iou_threshold):
    """``nms`` of the boxes of each label by itself; the indices of all that are kept, by score, falling.

    Parameters
    ----------
    boxes, scores, iou_threshold
        See ``nms``.
    labels : (N,) integers or None
        Classes, or images: only boxes of the same label suppress each other. None: all have the same.

    Returns
    -------
    Tensor (K,) int64

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.batched_nms([[0.0, 0.0, 4.0, 4.0]] * 3, [0.6, 0.9, 0.7], [0, 0, 1], 0.5).numpy()
    array([1, 2])
    """
    boxes, scores, labels = _checked(boxes, scores, iou_threshold, labels)
    kept = get_backend().nms(boxes, scores, iou_threshold, labels)
    return Tensor.wrap(kept[: int((kept >= 0).sum())])


def soft_nms(boxes, scores, iou_threshold=0.3, sigma=0.5, score_threshold=0.001, method="gaussian"):
    """Soft non-maximum suppression (Bodla et al. 2017): boxes that overlap a better one lose score and are not dropped.

    Parameters
    ----------
    boxes : (N, 4)
    scores : (N,)
        At least 0.
    iou_threshold : float
        Of the linear method: scores of boxes whose IoU is above it are multiplied by 1 - IoU.
    sigma : float
        Of the Gaussian method: all scores are multiplied by exp(-IoU**2 / sigma).
    score_threshold : float
        What falls below it is dropped.
    method : {"gaussian", "linear"}

    Returns
    -------
    indices : Tensor (K,) int64
        Of those left, in the order in which they were taken: by their new scores, falling.
    scores : Tensor (K,)
        Their new scores.

    Examples
    --------
    >>> import pycnn
    >>> boxes = [[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 2.0]]
    >>> indices, scores = pycnn.detection.soft_nms(boxes, [0.5, 1.0], method="linear")
    >>> indices.numpy(), scores.numpy()
    (array([1, 0]), array([1.  , 0.25], dtype=float32))
    """
    if method not in ("gaussian", "linear"):
        raise ValueError(f"method must be 'gaussian' or 'linear'. Received: method={method!r}")
    if not is_real(sigma) or sigma <= 0:
        raise ValueError(f"sigma must be above 0. Received: sigma={sigma!r}")
    if not is_real(score_threshold):
        raise ValueError(f"score_threshold must be a number. Received: score_threshold={score_threshold!r}")
    boxes, scores, _ = _checked(boxes, scores, iou_threshold)
    check(_check_weights, scores)
    backend = get_backend()
    xp, left = backend.xp, scores.copy()
    indices, found = xp.zeros(len(boxes), "int64"), xp.full(len(boxes), -xp.inf, scores.dtype)
    for step in range(len(boxes)):
        best = left.argmax()[None]
        indices[step : step + 1], found[step : step + 1] = best, left[best]
        if step % _LOOK_EVERY == _LOOK_EVERY - 1 and not bool(found[step] >= score_threshold):
            break
        overlaps = backend.box_iou(boxes[best], boxes)[0]
        if method == "linear":
            factors = xp.where(overlaps > iou_threshold, 1 - overlaps, 1)
        else:
            factors = xp.exp(-(overlaps**2) / sigma)
        left[best] = -xp.inf
        left *= xp.where(left == -xp.inf, 1, factors)
    count = int((found >= score_threshold).sum())  # they fall from step to step
    return Tensor.wrap(indices[:count]), Tensor.wrap(found[:count])


def weighted_boxes(boxes, scores, iou_threshold=0.55, labels=None):
    """Boxes that ``nms`` would keep, each drawn to the mean of those that it would suppress, weighted by score.

    In one pass what Solovyev, Wang and Gabruseva (2021) do box by box: each box joins that kept one which it overlaps
    most, the first of equals. Scores are at least 0.

    Parameters
    ----------
    boxes, scores, iou_threshold
        See ``nms``.
    labels : (N,) integers, optional
        Only boxes of the same label are joined.

    Returns
    -------
    boxes : Tensor (K, 4)
    scores : Tensor (K,)
        The mean scores of those that were joined.
    indices : Tensor (K,) int64
        Of the kept boxes, as ``batched_nms`` gives them.

    Examples
    --------
    >>> import pycnn
    >>> boxes = [[0.0, 0.0, 4.0, 4.0], [0.0, 1.0, 4.0, 5.0]]
    >>> joined, scores, _ = pycnn.detection.weighted_boxes(boxes, [0.25, 0.75])
    >>> joined.numpy(), scores.numpy()
    (array([[0.  , 0.75, 4.  , 4.75]], dtype=float32), array([0.5], dtype=float32))
    """
    boxes, scores, labels = _checked(boxes, scores, iou_threshold, labels)
    check(_check_weights, scores)
    backend = get_backend()
    xp, kept = backend.xp, batched_nms(boxes, scores, labels, iou_threshold).data
    if not len(boxes):
        return Tensor.wrap(boxes), Tensor.wrap(scores), Tensor.wrap(kept)
    overlaps = backend.box_iou(boxes[kept], boxes)
    if labels is not None:
        overlaps = xp.where(labels[kept][:, None] == labels, overlaps, -1)
    owner = overlaps.argmax(axis=0)
    owner[kept] = xp.arange(len(kept))
    sums, weights, members = (xp.zeros((len(kept), n), boxes.dtype) for n in (4, 1, 1))
    backend.update_at(sums, owner, boxes * scores[:, None], "add")
    backend.update_at(weights, owner, scores[:, None], "add")
    backend.update_at(members, owner, xp.ones((len(boxes), 1), boxes.dtype), "add")
    is_zero = weights == 0  # of scores that are all 0
    joined = xp.where(is_zero, boxes[kept], sums / xp.where(is_zero, 1, weights))
    return Tensor.wrap(joined), Tensor.wrap((weights / members)[:, 0]), Tensor.wrap(kept)
