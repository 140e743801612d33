"""From scores of all classes to what is told of an image: a threshold, NMS within each class, the best."""

import numpy as np

from pycnn.backend.geometry import is_integer, is_real
from pycnn.detection.nms import batched_nms


def select(boxes, scores, score_threshold=0.05, iou_threshold=0.5, max_detections=100):
    """Choose among candidates.

    Parameters
    ----------
    boxes : (n, 4) or (n, classes, 4) array
        One for all classes, or one for each.
    scores : (n, classes) array
    score_threshold : float
        Lower scores are not considered.
    iou_threshold : float
        Of ``batched_nms``.
    max_detections : int

    Returns
    -------
    boxes (k, 4), labels (k,), scores (k,)
        The highest scores first.

    Examples
    --------
    >>> boxes, labels, scores = select(np.array([[0, 0, 4, 4], [0, 0, 4, 5.0]]), np.array([[0.9, 0.3], [0.8, 0.0]]))
    >>> labels, scores
    (array([0, 1]), array([0.9, 0.3]))
    """
    check_selection(score_threshold, max_detections)
    rows, labels = np.nonzero(scores >= score_threshold)
    chosen = boxes[rows, labels] if boxes.ndim == 3 else boxes[rows]
    values = scores[rows, labels]
    kept = batched_nms(chosen, values, labels, iou_threshold).numpy()[:max_detections]
    return chosen[kept], labels[kept], values[kept]


def check_selection(score_threshold, max_detections):
    """Require what chooses among candidates, but for the overlap, which suppression looks at, to be numbers."""
    if not is_real(score_threshold):
        raise ValueError(f"score_threshold must be a number. Received: score_threshold={score_threshold!r}")
    if not is_integer(max_detections) or max_detections < 0:
        raise ValueError(f"max_detections must be an integer >= 0. Received: max_detections={max_detections!r}")
