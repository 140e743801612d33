"""Changes of images that move boxes along: flip, resize, letterbox, crop, scale, colours. NumPy on the host.

A transform is called with one image and its ``GroundTruth``, or with many and a list of them, and returns both; images
keep their dtype. What is random is drawn for each image by a ``numpy.random.Generator``. All changes of place stretch
and shift: ``_Placing`` samples the images and moves the boxes for all of them.
"""

from typing import NamedTuple

import numpy as np

from pycnn.backend.geometry import pair
from pycnn.detection.records import Detections, GroundTruth

_GREY = np.array([0.299, 0.587, 0.114])
_TO_YIQ = np.array([_GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


class Transform:
    """Base class. A subclass defines ``_apply(images, truth, generator)`` for images of one size.

    Calls take ``images``: (height, width, channels), or (n, height, width, channels), or a list of images that may
    differ in size; ``truth``: a GroundTruth, or a list of n; and ``generator``, a ``numpy.random.Generator``, which
    only random transforms need (without it they make a new one). They return new images and truth in the same form;
    of a list of images an array, if all come out in one size.
    """

    def __call__(self, images, truth, generator=None):
        generator = np.random.default_rng() if generator is None else generator
        if isinstance(truth, GroundTruth):
            images, (truth,) = self._apply(_checked(np.asarray(images)[None]), [truth], generator)
            return images[0], truth
        truth = list(truth)
        if len(images) != len(truth):
            raise ValueError(
                f"truth must have one GroundTruth for each image. Received: {len(images)} images, {len(truth)} of truth"
            )
        if not isinstance(images, np.ndarray):
            images = [np.asarray(image) for image in images]
            if len({image.shape for image in images}) != 1:
                return _gathered([self(*pair_, generator) for pair_ in zip(images, truth, strict=True)])
            images = np.stack(images)
        return self._apply(_checked(images), truth, generator)

    def _apply(self, images, truth, generator):
        raise NotImplementedError(f"{type(self).__name__} must define _apply(self, images, truth, generator)")


def _checked(images):
    if images.ndim != 4:
        raise ValueError(f"An image must have the axes (height, width, channels). Received: {images.shape[1:]}")
    return images


def _gathered(pairs):
    images = [image for image, _ in pairs]
    same = len({image.shape for image in images}) == 1
    return np.stack(images) if same else images, [truth for _, truth in pairs]


class Compose(Transform):
    """Some transforms one after another.

    Parameters
    ----------
    transforms : sequence of Transform
    seed : int, optional
        Decides what all calls draw, one after another, that are given no generator.

    Examples
    --------
    >>> change = Compose([RandomFlip(), Letterbox(64)], seed=0)
    >>> images, truth = change(np.zeros((2, 32, 16, 3), np.uint8), [GroundTruth([[0, 0, 8, 32]], [0])] * 2)
    >>> images.shape, truth[0].boxes
    ((2, 64, 64, 3), array([[16.,  0., 32., 64.]], dtype=float32))
    """

    def __init__(self, transforms, seed=None):
        self.transforms = list(transforms)
        self.generator = np.random.default_rng(seed)

    def __call__(self, images, truth, generator=None):
        generator = self.generator if generator is None else generator
        for transform in self.transforms:
            images, truth = transform(images, truth, generator)
        return images, truth


class _Placing(Transform):
    """Puts images elsewhere: what lies at x comes to ``scale * x + shift``, for each axis of each image."""

    least_visible = None
    fill = 0

    def _apply(self, images, truth, generator):
        count, *size = images.shape[:3]
        scales, shifts, size = self._places(count, tuple(size), generator)
        scales, shifts = (np.broadcast_to(np.asarray(a, np.float64), (count, 2)) for a in (scales, shifts))
        moved = [move_truth(t, *place) for t, *place in zip(truth, scales, shifts, strict=True)]
        if self.least_visible is not None:
            moved = [clip_truth(t, size, self.least_visible) for t in moved]
        return _sample(images, scales, shifts, size, self.fill), moved

    def _places(self, count, size, generator):
        """Scales and shifts, (count, 2) or what stretches to it, of x and of y; and the new (height, width)."""
        raise NotImplementedError(f"{type(self).__name__} must define _places(self, count, size, generator)")


def move_truth(truth, scale, shift):
    """Return the truth with boxes that were moved from x to ``scale * x + shift``; a negative scale mirrors.

    Parameters
    ----------
    truth : GroundTruth
    scale, shift : pair of floats
        Of x and y.

    Examples
    --------
    >>> move_truth(GroundTruth([[1, 2, 3, 6]], [0]), scale=(-1, 0.5), shift=(10, 0)).boxes
    array([[7., 1., 9., 3.]], dtype=float32)
    """
    scale, shift = np.asarray(scale, np.float64), np.asarray(shift, np.float64)
    corners = truth.boxes.reshape(-1, 2, 2) * scale + shift
    boxes = np.sort(corners, axis=1).reshape(-1, 4)
    return GroundTruth(boxes, truth.labels, truth.difficult, truth.crowd, truth.areas * abs(scale.prod()))


def clip_truth(truth, size, least_visible=0.25):
    """Return the objects of which enough lies in the image, with boxes cut off at its edges.

    Parameters
    ----------
    truth : GroundTruth
    size : (height, width)
    least_visible : float
        The part of a box that must lie in the image, 0 to 1; of 0 anything but nothing.

    Examples
    --------
    >>> clip_truth(GroundTruth([[-5, 0, 5, 10], [-9, 0, 1, 10]], [0, 1]), (20, 20))
    GroundTruth(boxes=[[0.0, 0.0, 5.0, 10.0]], labels=[0], difficult=[False], crowd=[False], areas=[50.0])
    """
    limits = np.array([size[1], size[0]] * 2, np.float32)
    boxes = np.clip(truth.boxes, 0, limits)
    before, after = ((b[:, 2:] - b[:, :2]).prod(axis=1, dtype=np.float64) for b in (truth.boxes, boxes))
    untouched = (boxes == truth.boxes).all(axis=1)  # so that a box without area is seen, too
    part = np.where(untouched, 1.0, np.divide(after, before, out=np.zeros(len(before)), where=before > 0))
    kept = (part >= least_visible) & (part > 0)
    return GroundTruth(boxes, truth.labels, truth.difficult, truth.crowd, truth.areas * part)[kept]


def _sample(images, scales, shifts, size, fill):
    """Images of another size: each pixel takes, bilinearly, what was at its centre before it was moved."""
    sampled = np.empty((len(images), *size, images.shape[3]), images.dtype)
    for image, new, scale, shift in zip(images, sampled, scales, shifts, strict=True):
        rows, columns = (
            _neighbours((np.arange(size[i]) + 0.5 - shift[1 - i]) / scale[1 - i] - 0.5, image.shape[i]) for i in (0, 1)
        )
        if not (rows.share.any() or columns.share.any()):
            new[...] = image[rows.before][:, columns.before]
        else:
            new[...] = _as_dtype(_mix(_mix(image, rows, 0), columns, 1), images.dtype)
        new[~rows.inside], new[:, ~columns.inside] = fill, fill
    return sampled


class _Neighbours(NamedTuple):
    """The pixels before and after some places, the share of the latter, and whether the places are in the image."""

    before: np.ndarray
    after: np.ndarray
    share: np.ndarray
    inside: np.ndarray


def _neighbours(places, length):
    places = np.where(np.abs(places - np.rint(places)) < 1e-9, np.rint(places), places)
    inside = (places >= -0.5) & (places <= length - 0.5)
    places = np.clip(places, 0, length - 1)
    before = np.floor(places).astype(np.intp)
    return _Neighbours(before, np.minimum(before + 1, length - 1), (places - before).astype(np.float32), inside)


def _mix(image, places, axis):
    """Interpolate along an axis."""
    mixed = image.take(places.before, axis).astype(np.result_type(image.dtype, np.float32))
    step = image.take(places.after, axis) - mixed
    step *= places.share.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    mixed += step
    return mixed


def _as_dtype(values, dtype):
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(dtype)


class RandomFlip(_Placing):
    """Mirror images.

    Parameters
    ----------
    horizontal, vertical : float
        How probable it is that left and right, or top and bottom, change places; 1 is always.

    Examples
    --------
    >>> image, truth = RandomFlip(1.0)(np.zeros((4, 10, 3)), GroundTruth([[1, 0, 3, 4]], [0]))
    >>> truth.boxes
    array([[7., 0., 9., 4.]], dtype=float32)
    """

    def __init__(self, horizontal=0.5, vertical=0.0):
        for name, chance in (("horizontal", horizontal), ("vertical", vertical)):
            if not 0 <= chance <= 1:
                raise ValueError(f"{name} must lie in 0..1. Received: {name}={chance!r}")
        self.chances = horizontal, vertical

    def _places(self, count, size, generator):
        flipped = generator.random((count, 2)) < self.chances
        return np.where(flipped, -1, 1), np.where(flipped, size[::-1], 0), size


class Resize(_Placing):
    """Stretch images to one size, bilinearly and without averaging over what is left out.

    Parameters
    ----------
    size : int or (height, width)
    """

    def __init__(self, size):
        self.size = pair("size", size)

    def _places(self, count, size, generator):
        return np.divide(self.size, size)[::-1], 0, self.size


class Letterbox(_Placing):
    """Scale images by one factor so that they just fit into a size, and put them into its middle.

    Parameters
    ----------
    size : int or (height, width)
    fill : number or sequence of them
        What is beside them.

    Examples
    --------
    >>> box = Letterbox(100)
    >>> _, truth = box(np.zeros((50, 200, 3), np.uint8), GroundTruth([[0, 0, 100, 50]], [0]))
    >>> truth.boxes
    array([[ 0. , 37.5, 50. , 62.5]], dtype=float32)
    >>> box.undo(Detections(truth.boxes, [0], [0.9]), (50, 200)).boxes
    array([[  0.,   0., 100.,  50.]], dtype=float32)
    """

    def __init__(self, size, fill=114):
        self.size, self.fill = pair("size", size), fill

    def _places(self, count, size, generator):
        scale = min(self.size[0] / size[0], self.size[1] / size[1])
        return scale, (np.array(self.size) - np.multiply(size, scale))[::-1] / 2, self.size

    def undo(self, detections, size):
        """Return detections in the letterbox as ones in the image, of ``size`` (height, width), cut off at its edges.

        Parameters
        ----------
        detections : Detections
        size : (height, width)
            Of the image before.
        """
        scale, shift, _ = self._places(1, size, None)
        boxes = (detections.boxes.reshape(-1, 2, 2) - shift) / scale
        boxes = np.clip(boxes, 0, size[::-1]).reshape(-1, 4)
        return Detections(boxes, detections.labels, detections.scores)


class Crop(_Placing):
    """Cut a window out of images; what it has beyond an image is filled.

    Parameters
    ----------
    top, left, height, width : int
    least_visible : float
        See ``clip_truth``.
    fill : number or sequence of them
    """

    def __init__(self, top, left, height, width, least_visible=0.25, fill=0):
        self.corner, self.size = (left, top), (height, width)
        self.least_visible, self.fill = least_visible, fill

    def _places(self, count, size, generator):
        return 1, np.negative(self.corner), self.size


class RandomCrop(_Placing):
    """Cut a window out of each image, at a random place; images that are too small are filled up around.

    Parameters
    ----------
    size : int or (height, width)
    least_visible : float
        See ``clip_truth``.
    fill : number or sequence of them
    """

    def __init__(self, size, least_visible=0.25, fill=0):
        self.size, self.least_visible, self.fill = pair("size", size), least_visible, fill

    def _places(self, count, size, generator):
        room = np.subtract(size, self.size)[::-1]
        place = np.floor(generator.random((count, 2)) * (np.abs(room) + 1))
        return 1, -np.sign(room) * place, self.size


class RandomScale(_Placing):
    """Make what is in each image larger or smaller, and shift it, without changing the image's size.

    YOLO's training does so by up to a fifth.

    Parameters
    ----------
    scale : (float, float)
        The smallest and largest factor.
    shift : float
        The middle moves by up to so much of the width, and of the height.
    least_visible : float
        See ``clip_truth``.
    fill : number or sequence of them
    """

    def __init__(self, scale=(0.8, 1.2), shift=0.2, least_visible=0.25, fill=0):
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f"scale must be two factors > 0, the smaller one first. Received: scale={scale!r}")
        self.scale, self.shift, self.least_visible, self.fill = scale, shift, least_visible, fill

    def _places(self, count, size, generator):
        scales = generator.uniform(*self.scale, (count, 1))
        width_height = np.array(size[::-1])
        moves = generator.uniform(-self.shift, self.shift, (count, 2)) * width_height
        return scales, (1 - scales) * width_height / 2 + moves, size


class ColourJitter(Transform):
    """Change brightness, contrast, saturation and hue of each image at random.

    Parameters
    ----------
    brightness, contrast, saturation : float
        A factor is drawn from 1 - this to 1 + this; contrast is about the image's mean grey.
    hue : float
        Colours turn by up to so much of a whole turn, 0 to 0.5.

    Notes
    -----
    Values lie in 0..255 in images of integers, in 0..1 in others, and are cut off there. Images of one channel have
    neither saturation nor hue.
    """

    def __init__(self, brightness=0.2, contrast=0.2, saturation=0.2, hue=0.02):
        self.strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
        for name, strength in self.strengths.items():
            if not 0 <= strength <= (0.5 if name == "hue" else 1):
                raise ValueError(f"{name} must lie in 0..{0.5 if name == 'hue' else 1}. Received: {name}={strength!r}")

    def _apply(self, images, truth, generator):
        channels = images.shape[3]
        if channels not in (1, 3):
            raise ValueError(f"Images must have 1 or 3 channels. Received: images.shape={images.shape}")
        draws = generator.uniform(-1, 1, (4, len(images))) * np.array(list(self.strengths.values()))[:, None]
        brightness, contrast, saturation = 1 + draws[:3, :, None, None]
        weights = _GREY if channels == 3 else np.ones(1)
        mean = (images.mean(axis=(1, 2)) @ weights)[:, None, None, None]
        matrix = np.eye(channels)[None]
        if channels == 3:
            matrix = _turns(draws[3]) @ (saturation * matrix + (1 - saturation) * _GREY)
        matrix = brightness * contrast * matrix
        offset = ((1 - contrast) * brightness)[..., None] * mean
        changed = np.empty_like(images)
        top = 255 if np.issubdtype(images.dtype, np.integer) else 1
        for image, new, turn, grey in zip(images, changed, matrix, offset, strict=True):
            values = image.astype(np.float32).reshape(-1, channels) @ turn.T.astype(np.float32)
            values += np.float32(grey.item())
            new[...] = _as_dtype(np.clip(values, 0, top, out=values), images.dtype).reshape(new.shape)
        return changed, list(truth)


def _turns(angles):
    """Matrices, (n, 3, 3), that turn red, green and blue about the greys, by parts of a whole turn."""
    cos, sin = np.cos(2 * np.pi * angles), np.sin(2 * np.pi * angles)
    turn = np.tile(np.eye(3), (len(angles), 1, 1))
    turn[:, 1, 1], turn[:, 1, 2], turn[:, 2, 1], turn[:, 2, 2] = cos, -sin, sin, cos
    return np.linalg.inv(_TO_YIQ) @ turn @ _TO_YIQ
