"""What is known of the regions of images: where they are, and what is said of them."""

from collections.abc import Sequence

import numpy as np

from pycnn.detection.records import checked_boxes, checked_column, row_numbers, some_images


class DescribedRegions:
    """Regions of one image, each with a sentence: what a model says of it, or what is true.

    Parameters
    ----------
    boxes : (N, 4) array
        As those of ``pycnn.detection.Detections``: x1, y1, x2, y2 in pixels, edges and not centres.
    captions : sequence of N str
    scores : (N,) array, optional
        How certain a model is of each region. The truth has none.

    Attributes
    ----------
    boxes : numpy.ndarray
        float32.
    captions : list of str
    scores : numpy.ndarray or None
        float32.

    Raises
    ------
    ValueError
        If a box has x2 < x1 or y2 < y1, a number is not finite, or the lengths differ.

    Examples
    --------
    >>> found = DescribedRegions([[0, 0, 8, 8], [2, 2, 4, 4]], ["a red hat", "a shoe"], scores=[0.25, 0.75])
    >>> found[found.scores > 0.5]
    DescribedRegions(boxes=[[2.0, 2.0, 4.0, 4.0]], captions=['a shoe'], scores=[0.75])
    >>> len(DescribedRegions([], []))
    0
    """

    def __init__(self, boxes, captions, scores=None):
        self.boxes, self.captions, self.scores = checked_boxes("boxes", boxes), _checked_captions(captions), None
        if len(self.captions) != len(self.boxes):
            raise ValueError(
                f"captions must have one sentence for each of the {len(self.boxes)} boxes. "
                f"Received: {len(self.captions)} captions"
            )
        if scores is not None:
            self.scores = checked_column("scores", scores, len(self.boxes), np.float32)
            if not np.isfinite(self.scores).all():
                raise ValueError(f"scores must be finite. Received: scores={self.scores.tolist()[:10]}")

    def __len__(self):
        return len(self.boxes)

    def __getitem__(self, index):
        rows = np.atleast_1d(row_numbers(index, len(self))).astype(np.intp)
        scores = None if self.scores is None else self.scores[rows]
        return DescribedRegions(self.boxes[rows], [self.captions[i] for i in rows], scores)

    def __eq__(self, other):
        if not isinstance(other, DescribedRegions):
            return NotImplemented
        same = self.captions == other.captions and np.array_equal(self.boxes, other.boxes)
        if self.scores is None or other.scores is None:
            return same and self.scores is other.scores
        return same and np.array_equal(self.scores, other.scores)

    __hash__ = None

    def __repr__(self):
        scores = "" if self.scores is None else f", scores={self.scores.tolist()}"
        return f"DescribedRegions(boxes={self.boxes.tolist()}, captions={self.captions}{scores})"


def _checked_captions(captions):
    if isinstance(captions, (str, bytes)) or not np.iterable(captions):
        raise TypeError(f"captions must be a sequence of sentences. Received: captions={captions!r}")
    captions = list(captions)
    for i, caption in enumerate(captions):
        if not isinstance(caption, str):
            raise TypeError(f"captions must be sentences. Received: captions[{i}]={caption!r}")
    return [str(caption) for caption in captions]  # NumPy's strings are, too


class DescribedImages(Sequence):
    """Images, and what is said of the regions of each: what a model that describes is trained and tested on.

    ``data[i]`` is the pair (image, regions); ``data[10:20]``, or an array of indices or bools, is a smaller set.

    Parameters
    ----------
    images : array or sequence of arrays
        As those of ``pycnn.detection.AnnotatedImages``.
    truth : sequence of DescribedRegions
    labels : sequence of (N,) arrays of integers, optional
        Of each image's regions the classes, where these have any.

    Raises
    ------
    ValueError
        If images, truth and labels are not equally many.
    """

    def __init__(self, images, truth, labels=None):
        self.images, self.truth = images, list(truth)
        check_described(images, self.truth)
        self.labels = None if labels is None else _checked_labels(labels, self.truth)

    def __len__(self):
        return len(self.truth)

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            return self.images[index], self.truth[index]
        rows = row_numbers(index, len(self))
        labels = None if self.labels is None else [self.labels[i] for i in rows]
        return DescribedImages(some_images(self.images, rows), [self.truth[i] for i in rows], labels)

    @property
    def captions(self):
        """All sentences, in the order of the images: what a vocabulary is built from."""
        return [caption for regions in self.truth for caption in regions.captions]

    def __repr__(self):
        return f"DescribedImages({len(self)} images, {sum(map(len, self.truth))} regions)"


def _checked_labels(labels, truth):
    labels = list(labels)
    if len(labels) != len(truth):
        raise ValueError(
            f"labels must have one array for each image. Received: {len(labels)} arrays, {len(truth)} images"
        )
    return [
        checked_column(f"labels[{i}]", values, len(regions), np.int64)
        for i, (values, regions) in enumerate(zip(labels, truth, strict=True))
    ]


def check_described(images, truth):
    """Require one ``DescribedRegions`` for each image."""
    if len(images) != len(truth):
        raise ValueError(
            f"truth must have one DescribedRegions for each image. Received: {len(images)} images, "
            f"{len(truth)} of truth"
        )
    for i, regions in enumerate(truth):
        if not isinstance(regions, DescribedRegions):
            raise TypeError(f"truth must hold DescribedRegions. Received: truth[{i}] of {type(regions).__name__}")
