"""Average precision and recall as COCO counts them: the twelve numbers of pycocotools, without a loop over boxes.

Detections take objects one after another in each image and class, for each of ten overlaps and four ranges of areas.
Here the first ones of all images and classes choose at once, then all second ones, and so on; and only pairs that
overlap enough for the lowest threshold are looked at.
"""

from typing import NamedTuple

import numpy as np

from pycnn.backend.geometry import is_integer
from pycnn.detection.metrics.gather import by_class, gather, meetings, overlap
from pycnn.detection.metrics.table import mean_of_known, text_table

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
AREAS = {"all": (0, 1e5**2), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e5**2)}
"""Name -> lowest and highest area that belongs to it, in pixels."""

_LOW, _HIGH = np.array(list(AREAS.values()), np.float64).T[..., None]
_ENOUGH = np.minimum(THRESHOLDS, 1 - 1e-10)  # overlaps of 1 that were rounded are 1


class CocoAveragePrecision(NamedTuple):
    """Average precision and recall of each class; ``print`` shows tables.

    The attributes are ``class_names``; ``positives`` (classes, 4), how many objects are to be found;
    ``precision`` (classes, 4, 10) float64, average precision for each of the areas "all", "small", "medium", "large"
    and of the overlaps 0.5, 0.55, ... 0.95; ``recall`` (classes, 4, 10, 3), the highest recall with each of
    ``max_detections``; and that. Classes without objects have NaN.
    """

    class_names: tuple
    positives: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    max_detections: tuple

    @property
    def per_class(self):
        """Average precision of each class, mean over the ten overlaps: (classes,) float64."""
        return self.precision[:, 0].mean(axis=1)

    @property
    def mean(self):
        """Mean of ``per_class`` over the classes that have objects (COCO's AP), a float; NaN if there are none."""
        return mean_of_known(self.per_class)

    @property
    def summary(self):
        """The twelve numbers of pycocotools: name -> float; where pycocotools gives -1 for no objects, NaN."""
        ap, ar, most = self.precision, self.recall, self.max_detections
        numbers = {"AP": ap[:, 0], "AP50": ap[:, 0, 0], "AP75": ap[:, 0, 5]}
        numbers |= {f"AP {area}": ap[:, i] for i, area in enumerate(AREAS) if i}
        numbers |= {f"AR {count}": ar[:, 0, :, i] for i, count in enumerate(most)}
        numbers |= {f"AR {area}": ar[:, i, :, -1] for i, area in enumerate(AREAS) if i}
        return {name: mean_of_known(values) for name, values in numbers.items()}

    def __str__(self):
        ap = self.precision
        columns = [
            self.per_class,
            ap[:, 0, 0],
            ap[:, 0, 5],
            *ap[:, 1:].mean(axis=2).T,
            self.recall[:, 0, :, -1].mean(1),
        ]
        head = ["class", "objects", "AP", "AP50", "AP75", "small", "medium", "large", f"AR {self.max_detections[-1]}"]
        rows = [list(row) for row in zip(self.class_names, self.positives[:, 0], *columns, strict=True)]
        rows.append(["all", self.positives[:, 0].sum(), *map(mean_of_known, columns)])
        numbers = text_table(list(self.summary), [list(self.summary.values())])
        return f"{text_table(head, rows)}\n\n{numbers}"


def coco_average_precision(truth, detections, classes=None, max_detections=(1, 10, 100)):
    """Return average precision and recall as pycocotools' ``COCOeval`` finds them for boxes.

    Parameters
    ----------
    truth : sequence of GroundTruth, or AnnotatedImages
        Objects count for the ranges of area that their ``areas`` lie in. A ``crowd`` is neither hit nor missed, and
        any number of detections may lie in it. Marks of ``difficult`` are VOC's and are not looked at. An image may be
        without objects, and so may be all of them.
    detections : sequence of Detections
        One for each image. Of equally certain ones the one in the earlier image comes first.
    classes : int or sequence of str, optional
        How many classes there are, or their names. Those of the ``AnnotatedImages``, or else as many as the labels
        tell, unless given.
    max_detections : tuple of three ints
        The most certain detections of each class and image that count, for the three average recalls; for all else
        the largest of them.

    Returns
    -------
    CocoAveragePrecision
        ``.mean`` (COCO's AP), ``.per_class``, and ``.summary``, the twelve numbers.

    References
    ----------
    Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; https://cocodataset.org/#detection-eval

    Examples
    --------
    >>> from pycnn.detection import Detections, GroundTruth
    >>> truth = [GroundTruth([[0, 0, 10, 10], [20, 0, 30, 10]], labels=[0, 0])]
    >>> found = [Detections([[0, 0, 10, 8], [50, 50, 60, 60]], labels=[0, 0], scores=[0.9, 0.4])]
    >>> numbers = coco_average_precision(truth, found, ["coin"]).summary
    >>> round(numbers["AP"], 4), round(numbers["AP50"], 4), numbers["AR 100"]  # it is a hit up to an overlap of 0.8
    (0.3535, 0.505, 0.35)
    """
    if len(max_detections) != 3 or not all(is_integer(n) and n > 0 for n in max_detections):
        raise ValueError(f"max_detections must be three integers > 0. Received: max_detections={max_detections!r}")
    most = tuple(sorted(map(int, max_detections)))
    objects, found, names = gather(truth, detections, classes)
    images = 1 + max(objects.images.max(initial=0), found.images.max(initial=0))
    found, ranks = _most_certain(found, images, most[-1])
    ignored = ~_inside(objects.areas) | objects.crowd  # (areas, objects)
    taken, void = _match(objects, found, ignored, images)
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    void[~taken & ~_inside(sides.prod(axis=1)).T[..., None]] = True
    hits, positives = taken & ~void, np.zeros((len(names), len(AREAS)), np.int64)
    np.add.at(positives, objects.labels, ~ignored.T)
    precision, recall = [], []
    for mine, total in zip(by_class(found.labels, found.scores, len(names)), positives, strict=True):
        precision.append(interpolated_precision(hits[mine], ~void[mine], total))
        counts = np.stack([hits[mine][ranks[mine] < count].sum(axis=0) for count in most], axis=-1)
        recall.append(_quotient(counts, total[:, None, None]))
    shape = len(names), len(AREAS), len(THRESHOLDS)
    precision, recall = np.reshape(precision, shape), np.reshape(recall, (*shape, len(most)))
    return CocoAveragePrecision(names, positives, precision, recall, most)


def _quotient(a, b):
    """a / b, NaN where b is 0."""
    return np.divide(a, b, out=np.full(np.broadcast_shapes(a.shape, b.shape), np.nan), where=b > 0)


def _inside(areas):
    return (areas >= _LOW) & (areas <= _HIGH)


def _most_certain(found, images, most):
    """The ``most`` most certain detections of each class and image, in order of images; and each one's place there."""
    order = np.lexsort((-found.scores, found.labels, found.images))
    groups = (found.images * (found.labels.max(initial=0) + 1) + found.labels)[order]
    ranks = np.arange(len(order)) - np.searchsorted(groups, groups)
    kept = ranks < most
    return type(found)(*(column[order[kept]] for column in found)), ranks[kept]


def _match(objects, found, ignored, images):
    """Which detections have an object, and whether that is an ignored one: (detections, areas, thresholds) twice."""
    shape = len(AREAS), len(THRESHOLDS)
    taken, void = np.zeros((2, len(found.labels), *shape), bool)
    free = np.ones((len(objects.labels), *shape), bool)
    mine, theirs, shares = _candidates(objects, found, images)
    places, pairs = _preferences(mine, theirs, shares, ignored)
    close = shares[:, None] >= _ENOUGH
    for chosen in _rounds(mine, found.labels[mine] * images + found.images[mine]):
        own = mine[chosen]
        first = np.flatnonzero(np.r_[True, own[1:] != own[:-1]])
        able = close[chosen][:, None] & (free[theirs[chosen]] | objects.crowd[theirs[chosen]][:, None, None])
        best = np.maximum.reduceat(np.where(able, places[chosen][..., None], -1), first, axis=0)
        which, area, threshold = np.nonzero(best >= 0)
        taker, object_ = own[first][which], theirs[pairs[area, best[which, area, threshold]]]
        taken[taker, area, threshold] = True
        void[taker, area, threshold] = ignored[area, object_]
        free[object_, area, threshold] = False
    return taken, void


def _candidates(objects, found, images):
    """All pairs of a detection and an object of its image and class that overlap enough for the lowest threshold."""
    parts = [(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))]
    groups = (rows.labels * images + rows.images for rows in (found, objects))
    for mine, theirs in meetings(*groups):
        shares = overlap(found.boxes[mine], objects.boxes[theirs], objects.crowd[theirs])
        kept = shares >= _ENOUGH[0]
        parts.append((mine[kept], theirs[kept], shares[kept]))
    return tuple(map(np.concatenate, zip(*parts, strict=True)))


def _preferences(mine, theirs, shares, ignored):
    """Each pair's place among those of its detection, (pairs, areas): the highest is what it would rather have.

    Ignored objects come last, then goes the overlap, then the later object. Also which pair has which place.
    """
    pairs = np.stack([np.lexsort((theirs, shares, ~rows[theirs], mine)) for rows in ignored])
    places = np.empty_like(pairs)
    np.put_along_axis(places, pairs, np.arange(len(mine))[None], axis=1)
    return places.T, pairs


def _rounds(mine, groups):
    """Yield the pairs of the first detection of each group, those of the second one, and so on."""
    new = np.r_[True, mine[1:] != mine[:-1]][: len(mine)]
    number = np.cumsum(new) - 1  # of the detection, among those that have pairs
    order = np.argsort(groups[new], kind="stable")
    ranked = groups[new][order]
    turns = np.empty(len(order), np.intp)
    turns[order] = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    turn = turns[number]
    order = np.argsort(turn, kind="stable")
    yield from np.split(order, np.searchsorted(turn[order], np.arange(1, turn.max(initial=-1) + 1)))[: len(order)]


def interpolated_precision(hits, counted, positives):
    """Return the mean over 101 recalls of the highest precision at this or a higher one, (areas, thresholds).

    ``hits`` and ``counted``, bools (n, areas, thresholds), go from the most certain detection on; ``positives``
    (areas,). Precision changes for the better at hits alone, so only those are looked at.
    """
    shape = hits.shape[1:]
    flat = -1, shape[0] * shape[1]
    hits, counted = (np.cumsum(flags, axis=0, dtype=np.int64).reshape(flat) for flags in (hits, counted))
    best = np.zeros((hits.max(initial=0) + 1, flat[1]))
    row, column = np.nonzero(np.diff(hits, axis=0, prepend=0))
    right = hits[row, column]
    best[right - 1, column] = right / (counted[row, column] + np.spacing(1))
    best = np.maximum.accumulate(best[::-1], axis=0)[::-1].reshape(-1, *shape)
    result = np.full(shape, np.nan)
    for area, total in enumerate(positives):
        if total:
            needed = np.searchsorted(np.arange(1, total + 1) / total, RECALLS)
            result[area] = best[np.minimum(needed, len(best) - 1), area].mean(axis=0)
    return result
