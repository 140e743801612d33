"""Images with boxes: what was found, what is there, and how a detector comes to its boxes."""

import numpy as np

from pycnn.autograd import as_tensor
from pycnn.detection import Detections, GroundTruth, box_iou
from pycnn.detection.metrics.gather import best_overlaps, gather, meetings
from pycnn.detection.metrics.voc import judge
from pycnn.detection.records import checked_boxes
from pycnn.visualize.canvas import GREEN, GREY, RED, class_colour
from pycnn.visualize.labelled import ALARM, Overlay, counted_title, equally_many, named, panels


def plot_detections(images, detections, class_names=None, score_threshold=0.0, max_images=12, columns=None, title=None):
    """Draw boxes with the class and the score of each, in colours of the classes.

    Parameters
    ----------
    images : image or sequence of images
        Each (height, width), (height, width, 1) or (height, width, 3).
    detections : Detections or GroundTruth, or a sequence of them
        One for each image; truth has no scores.
    class_names : sequence of str, optional
        Instead of numbers.
    score_threshold : float
        Leave out what is less certain.
    max_images : int
        Draw no more than so many; the title says how many there are.
    columns : int, optional
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        The labels of less certain boxes are left out where there is no room for them.

    Examples
    --------
    >>> found = Detections([[4, 4, 20, 24]], labels=[1], scores=[0.75])
    >>> figure = plot_detections(np.zeros((32, 32, 3), np.uint8), found, class_names=["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['dog 0.75']
    """
    images, detections = equally_many((Detections, GroundTruth), images, detections=detections)
    shown = min(len(images), max_images)
    title = title or counted_title(f"{sum(map(len, detections))} boxes", len(images), shown)
    figure = panels(images[:shown], title, columns=columns)
    for axis, image, found in zip(figure.axes, images, detections, strict=False):
        overlay = Overlay(axis, image)
        scores = getattr(found, "scores", np.ones(len(found)))
        order = [i for i in np.argsort(-scores, kind="stable") if scores[i] >= score_threshold]
        for i in order[::-1]:
            overlay.box(found.boxes[i], class_colour(found.labels[i]))
        for i in order:
            score = f" {scores[i]:.2f}" if isinstance(found, Detections) else ""
            overlay.label(found.boxes[i], named(found.labels[i], class_names) + score, class_colour(found.labels[i]))
    return figure


def plot_comparison(
    images,
    truth,
    detections,
    class_names=None,
    iou_threshold=0.5,
    score_threshold=0.5,
    max_images=12,
    columns=None,
    title=None,
):
    """Draw what was found beside what is there: hits green, misses red and dashed, false alarms orange.

    Of a hit the object's own box is there, too, dotted. Objects that are ``difficult`` or ``crowd`` are grey: they
    need not be found.

    Parameters
    ----------
    images : image or sequence of images
    truth : GroundTruth or sequence of GroundTruth
    detections : Detections or sequence of Detections
    class_names : sequence of str, optional
    iou_threshold : float
        A hit overlaps an object of its class by so much or more, and is the most certain one of it: the rule of
        ``pycnn.detection.precision_recall_curves``.
    score_threshold : float
        Leave out what is less certain.
    max_images, columns, title
        As in ``plot_detections``.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> truth = GroundTruth([[4, 4, 20, 24]], labels=[1])
    >>> found = Detections([[4, 4, 20, 20], [24, 2, 30, 8]], labels=[1, 0], scores=[0.9, 0.6])
    >>> plot_comparison(np.zeros((32, 32, 3), np.uint8), truth, found).get_suptitle()
    '1 hit, 0 misses, 1 false alarm'
    """
    images, truth, detections = equally_many((Detections, GroundTruth), images, truth=truth, detections=detections)
    detections = [found[found.scores >= score_threshold] for found in detections]
    hits, counted, met = _judged(truth, detections, iou_threshold)
    totals = (
        np.array([_count(*each) for each in zip(truth, hits, counted, met, strict=True)]).reshape(-1, 3).sum(axis=0)
    )
    shown = min(len(images), max_images)
    words = ", ".join(f"{n} {many if n != 1 else one}" for n, (one, many) in zip(totals, _COUNTED, strict=True))
    legend = [("hit", GREEN), ("miss", RED), ("false alarm", ALARM), ("dotted: the truth", GREY)]
    figure = panels(images[:shown], title or counted_title(words, len(images), shown), legend=legend, columns=columns)
    for i, axis in enumerate(figure.axes):
        overlay, objects, found = Overlay(axis, images[i]), truth[i], detections[i]
        labels = []
        for k in range(len(objects)):
            if met[i][k]:
                overlay.box(objects.boxes[k], GREEN, 1.4, ":")
            elif objects.difficult[k] or objects.crowd[k]:
                overlay.box(objects.boxes[k], GREY, 1.4, ":")
            else:
                overlay.box(objects.boxes[k], RED, 1.5, "--")
                labels.append((objects.boxes[k], named(objects.labels[k], class_names), RED))
        for k in np.argsort(-found.scores, kind="stable"):
            colour = GREEN if hits[i][k] else ALARM if counted[i][k] else GREY
            overlay.box(found.boxes[k], colour)
            labels.append((found.boxes[k], f"{named(found.labels[k], class_names)} {found.scores[k]:.2f}", colour))
        for label in labels:
            overlay.label(*label)
    return figure


_COUNTED = (("hit", "hits"), ("miss", "misses"), ("false alarm", "false alarms"))


def _judged(truth, detections, iou_threshold):
    """Of each image: which detections are hits, which count, and which objects are hit."""
    objects, found, _ = gather(truth, detections)
    hits, counted = judge(objects, found, iou_threshold)
    images = 1 + max(objects.images.max(initial=0), found.images.max(initial=0))
    groups = (rows.labels * images + rows.images for rows in (found, objects))
    _, which = best_overlaps(found, objects, meetings(*groups))
    met = np.zeros(len(objects.labels), bool)
    met[which[hits]] = True
    by_found, by_object = (np.cumsum([len(rows) for rows in records])[:-1] for records in (detections, truth))
    return np.split(hits, by_found), np.split(counted, by_found), np.split(met, by_object)


def _count(objects, hits, counted, met):
    needed = ~(objects.difficult | objects.crowd)
    return hits.sum(), (needed & ~met).sum(), (counted & ~hits).sum()


def plot_nms(image, boxes, scores, iou_threshold=0.5, max_steps=11, columns=None, title=None):
    """Draw greedy non-maximum suppression step by step.

    The first picture has all boxes; each other one the box that is picked, the most certain of those left, and what
    it suppresses, with the overlaps. What was picked before is thin and blue, what is still to come grey.

    Parameters
    ----------
    image : image
    boxes : (N, 4)
    scores : (N,)
    iou_threshold : float
        Boxes that overlap the picked one by more are suppressed.
    max_steps : int
        Draw the first so many steps; the title says how many there are.
    columns, title
        As in ``plot_detections``.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> boxes = [[2, 2, 12, 12], [2, 3, 12, 13], [20, 20, 28, 28]]
    >>> plot_nms(np.zeros((32, 32)), boxes, [0.9, 0.8, 0.7]).get_suptitle()
    '2 of 3 boxes kept, dropped above IoU 0.5'
    """
    found = Detections(checked_boxes("boxes", np.asarray(boxes)), np.zeros(len(boxes), np.int64), np.asarray(scores))
    boxes, scores = found.boxes, found.scores
    shares = as_tensor(box_iou(boxes, boxes)).numpy()
    steps, state = [], np.zeros(len(boxes), int)  # 0 is left, 1 picked, 2 suppressed
    for i in np.argsort(-scores, kind="stable"):
        if state[i] == 0:
            gone = (state == 0) & (shares[i] > iou_threshold)
            gone[i] = False
            steps.append((i, gone, state.copy()))
            state[gone], state[i] = 2, 1
    drawn = steps[:max_steps]
    words = f"{len(steps)} of {len(boxes)} boxes kept, dropped above IoU {iou_threshold:g}"
    titles = [f"{len(boxes)} boxes"]
    titles += [f"{k}: keep {scores[i]:.2f}, drop {gone.sum()}" for k, (i, gone, _) in enumerate(drawn, 1)]
    short = f"; {len(drawn)} of {len(steps)} steps shown" if len(drawn) < len(steps) else ""
    legend = [("picked", GREEN), ("dropped", RED), ("picked before", class_colour(0)), ("to come", GREY)]
    figure = panels([image] * len(titles), title or words + short, titles, legend, columns)
    overlay = Overlay(figure.axes[0], image)
    for box in boxes:
        overlay.box(box, GREY, 1.0)
    for i in np.argsort(-scores, kind="stable"):
        overlay.label(boxes[i], f"{scores[i]:.2f}", GREY)
    for axis, (picked, gone, before) in zip(figure.axes[1:], drawn, strict=True):
        overlay = Overlay(axis, image)
        for k in np.flatnonzero((before == 0) & ~gone & (np.arange(len(boxes)) != picked)):
            overlay.box(boxes[k], GREY, 0.8)
        for k in np.flatnonzero(before == 1):
            overlay.box(boxes[k], class_colour(0), 1.1)
        for k in np.flatnonzero(gone):
            overlay.box(boxes[k], RED, 1.2, "--")
        overlay.box(boxes[picked], GREEN, 2.0)
        overlay.label(boxes[picked], f"{scores[picked]:.2f}", GREEN)
        for k in np.flatnonzero(gone)[np.argsort(-shares[picked][gone], kind="stable")]:
            overlay.label(boxes[k], f"IoU {shares[picked, k]:.2f}", RED)
    return figure
