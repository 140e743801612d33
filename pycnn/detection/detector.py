"""The contract of all detectors: fit, predict, evaluate, save, load."""

import inspect

import numpy as np

from pycnn import config, ops
from pycnn.backend.geometry import is_integer
from pycnn.data import Dataset
from pycnn.detection.records import AnnotatedImages, Detections, GroundTruth, check_truth
from pycnn.detection.selection import check_selection, select
from pycnn.detection.system import System
from pycnn.optimizers import Adam
from pycnn.optimizers.schedules import OneCycle


class Detector(System):
    """Base of all detectors. They take images of any size, and speak in ``Detections`` and ``GroundTruth``.

    A subclass defines the property ``networks``, ``fit``, and ``_candidates(images)``: what there may be in a batch of
    images that have the network's size.

    Parameters
    ----------
    class_names : sequence of str
    input_shape : (height, width, channels)
        Of the images that the network gets. Others are scaled to it, as large as they fit in without a change of their
        proportions, and what is left below or beside them is 0.

    Attributes
    ----------
    class_names : tuple of str
    networks : dict of str to Model
    """

    kind = "detector"
    _arguments = ("class_names", "input_shape")

    def __init__(self, class_names, input_shape):
        if isinstance(class_names, str) or not class_names or not all(isinstance(name, str) for name in class_names):
            raise ValueError(
                f"class_names must be a sequence of one or more str. Received: class_names={class_names!r}"
            )
        super().__init__(input_shape)
        self.class_names = tuple(class_names)

    # Using it

    def predict(self, images, score_threshold=0.05, iou_threshold=0.5, max_detections=100, batch_size=32, **more):
        """Find objects.

        Parameters
        ----------
        images : array (N, height, width, channels), or sequence of arrays (height, width, channels)
            In 0..255. Those of a sequence may differ in size.
        score_threshold : float
            Less certain ones are not told.
        iou_threshold : float
            Of two boxes of one class that overlap more, only the one with the higher score is told.
        max_detections : int
            Most in an image, those of the highest scores.
        batch_size : int
        **more
            What ``_candidates`` of this detector takes beside images, such as proposals: one entry for each image.

        Returns
        -------
        list of Detections
            One for each image, in its own pixels, the highest scores first.
        """
        check_images(images, self.input_shape[2])
        check_count("batch_size", batch_size)
        check_selection(score_threshold, max_detections)
        more = {name: values for name, values in more.items() if values is not None}
        for name in more:
            if name not in inspect.signature(self._candidates).parameters:
                raise TypeError(f"{type(self).__name__}.predict has no argument of this name. Received: {name}")
        found = []
        for rows, batch, factors in in_batches(images, self.input_shape, batch_size):
            given = {name: [values[i] for i in rows] for name, values in more.items()}
            given = {name: [v * f for v, f in zip(values, factors, strict=True)] for name, values in given.items()}
            for i, factor, candidates in zip(rows, factors, self._candidates(batch, **given), strict=True):
                height, width = images[i].shape[:2]
                boxes, scores = candidates
                boxes = np.clip(boxes / factor, 0, (width, height, width, height))
                found.append(Detections(*select(boxes, scores, score_threshold, iou_threshold, max_detections)))
        return found

    def evaluate(self, images, truth, iou_threshold=0.5, year=2007, **options):
        """Return mean average precision and that of each class, as PASCAL VOC computes them.

        Parameters
        ----------
        images : as in ``predict``
        truth : sequence of GroundTruth
        iou_threshold : float
            The least overlap with an object that counts as having found it.
        year : {2007, 2010}
            Whose rule: precision at eleven recalls, or the area below the curve.
        **options
            Of ``predict``. ``score_threshold`` is .005 unless given, because also uncertain detections add recall.

        Returns
        -------
        dict
            ``"map"``, and each class's average precision by its name; NaN where there is no object of the class.
        """
        from pycnn.detection.metrics import voc_average_precision

        check_truth(images, truth, len(self.class_names))
        found = self.predict(images, **{"score_threshold": 0.005, **options})
        result = voc_average_precision(truth, found, self.class_names, iou_threshold=iou_threshold, year=year)
        return {"map": result.mean, **dict(zip(self.class_names, map(float, result.per_class), strict=True))}

    def _check(self, images, truth):
        """Raise unless images and truth fit the detector and each other, and there are some objects to learn."""
        check_images(images, self.input_shape[2])
        check_truth(images, truth, len(self.class_names))
        check_objects(truth)

    def _candidates(self, images):
        """Return for each image of a batch boxes (n, 4) or (n, classes, 4), and scores (n, classes), NumPy arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define _candidates(self, images)")


def check_images(images, channels):
    """Require an array (N, height, width, channels), or a sequence of arrays (height, width, channels)."""
    if isinstance(images, (str, AnnotatedImages)) or not hasattr(images, "__len__"):
        hint = "; its images and its truth are two arguments" if isinstance(images, AnnotatedImages) else ""
        raise TypeError(f"images must be an array or a sequence of arrays. Received: {type(images).__name__}{hint}")
    if isinstance(images, np.ndarray) and images.dtype.kind in "fiub":
        shapes = {images.shape[1:]}
    else:
        shapes = {getattr(images[i], "shape", None) for i in range(len(images))}
    for shape in shapes:
        if shape is None:
            raise TypeError("images must hold arrays of numbers. Received: an image that is none")
        if len(shape) != 3 or shape[2] != channels or 0 in shape:
            raise ValueError(
                f"images must be arrays (height, width, {channels}), or one array of several. "
                f"Received: an image of the shape {shape}"
            )


def checked_pixels(image):
    """Return an image as an array of the host, or raise if a pixel is no number."""
    image = np.asarray(image)
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise ValueError("images must be finite. Received: an image with NaN or infinite pixels")
    return image


def check_objects(truth):
    """Require some objects to learn."""
    if not any(len(objects.ordinary()) for objects in truth):
        raise ValueError(
            "truth must have objects in some images, neither difficult nor crowds: there is nothing to learn. "
            "Received: none"
        )


def check_count(argument, value):
    """Require an integer from 1 on."""
    if not is_integer(value) or value < 1:
        raise ValueError(f"{argument} must be an integer >= 1. Received: {argument}={value!r}")


def validation_parts(validation_data, most=2):
    """Return what was given for validation, images and truth first, or raise."""
    parts = validation_data if isinstance(validation_data, (tuple, list)) else ()
    if not 2 <= len(parts) <= most:
        names = ", ".join(("images", "truth", "proposals")[:most])
        count = f"{len(parts)} parts" if parts else type(validation_data).__name__
        raise ValueError(f"validation_data must be ({names}). Received: {count}")
    return parts


def scaled(images, shape):
    """Return images (n, *shape), scaled as ``Detector`` says, and the factors, (n,).

    Examples
    --------
    >>> batch, factors = scaled([np.ones((4, 2, 3), np.uint8)], (8, 8, 3))
    >>> batch.shape, factors, batch[0, 0, :, 0]
    ((1, 8, 8, 3), array([2.]), array([1., 1., 1., 1., 0., 0., 0., 0.], dtype=float32))
    """
    images = [checked_pixels(image) for image in images]
    if all(image.shape == shape for image in images):
        return np.stack(images) if len(images) else np.empty((0, *shape), np.uint8), np.ones(len(images))
    batch, factors = np.zeros((len(images), *shape), np.float32), np.ones(len(images))
    for i, image in enumerate(images):
        factors[i] = min(shape[0] / image.shape[0], shape[1] / image.shape[1])
        size = [max(1, min(n, round(m * factors[i]))) for n, m in zip(shape, image.shape[:2], strict=False)]
        batch[i, : size[0], : size[1]] = ops.image.resize(image.astype(np.float32), size).numpy()
    return batch, factors


def in_batches(images, shape, batch_size):
    """Yield which images are the next batch, a range, and what ``scaled`` makes of them."""
    for first in range(0, len(images), batch_size):
        rows = range(first, min(first + batch_size, len(images)))
        yield rows, *scaled([images[i] for i in rows], shape)


def scaled_truth(objects, factor):
    """Return a GroundTruth in the pixels of an image that was scaled by a factor."""
    if factor == 1:
        return objects
    kept = {name: getattr(objects, name) for name in ("labels", "difficult", "crowd")}
    return GroundTruth(objects.boxes * factor, areas=objects.areas * factor**2, **kept)


def batches(images, truth, shape, batch_size, encode, proposals=None, transform=None, shuffle=True):
    """Return a Dataset of batches, in random order, that a thread makes while the network learns.

    Parameters
    ----------
    images, truth, proposals : sequences
        One of each for each image; images are read, and scaled to ``shape``, when they are needed.
    shape : (height, width, channels)
    batch_size : int
    encode : callable
        Gets the images of a batch, (n, *shape), a list of truth, one of proposals if there are any, and a
        ``numpy.random.Generator``; returns what ``Model.fit`` takes as a batch, (x, y).
    transform : callable, optional
        As those of ``pycnn.detection.transforms``: gets images, truth and the generator, and returns others.
    shuffle : bool
    """
    if transform is not None and not callable(transform):
        raise TypeError(f"transform must be callable. Received: transform={transform!r}")

    def make(rows):
        generator = np.random.default_rng(config.generator().integers(1 << 63))
        given, factors = scaled([images[i] for i in rows], shape)
        parts = [given, [scaled_truth(truth[i], f) for i, f in zip(rows, factors, strict=True)]]
        if transform is not None:
            parts = [*transform(*parts, generator)]
        if proposals is not None:
            parts.append([proposals[i] * f for i, f in zip(rows, factors, strict=True)])
        return encode(*parts, generator)

    rows = Dataset.from_tensor_slices(np.arange(len(truth)))
    rows = rows.shuffle(len(truth)) if shuffle else rows
    return rows.batch(batch_size).map(make, num_parallel_calls=1).prefetch(4)


def one_cycle(rate, samples, batch_size, epochs):
    """Adam, whose rate rises to ``rate`` and falls to nothing in the time of the whole training."""
    check_count("batch_size", batch_size)
    if not is_integer(epochs) or epochs < 0:
        raise ValueError(f"epochs must be an integer >= 0. Received: epochs={epochs!r}")
    return Adam(OneCycle(rate, max(1, -(-samples // batch_size) * epochs)))
