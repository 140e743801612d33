"""Where objects may be: boxes proposed by selective search, or laid over the image as a grid."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from pycnn.backend.geometry import is_integer, is_real, pair
from pycnn.detection.colour_spaces import SPACES, slopes
from pycnn.detection.metrics.gather import meetings, overlap, rows_of
from pycnn.detection.records import GroundTruth, check_truth, checked_boxes
from pycnn.detection.regions import describe_regions, first_regions, group_regions, sorted_edges
from pycnn.threads import get_num_threads


class _Mode(NamedTuple):
    spaces: tuple
    scales: tuple  # times the argument of that name
    terms: tuple


_MODES = {
    "single": _Mode(("hsv",), (1,), ("ctsf",)),
    "fast": _Mode(("hsv", "lab"), (1, 2), ("ctsf", "tsf")),
    "quality": _Mode(("hsv", "lab", "rgi", "hue", "intensity"), (1, 2, 3, 6), ("ctsf", "tsf", "f", "s")),
}
"""Those of table 6 of the paper: 1, 8 and 80 hierarchies."""


def selective_search(
    image, mode="fast", scale=50.0, sigma=0.8, min_size=20, max_proposals=None, enlarge=1, min_side=0, seed=0
):
    """Propose boxes that may hold an object, whatever it is: regions of an image, merged step by step.

    The image is cut into regions of one colour (Felzenszwalb and Huttenlocher 2004); the two neighbours that are most
    alike become one, and again, up to the whole image. Each region on the way gives a box. This is done in several
    colour spaces, from finer and coarser first regions, and with several notions of likeness: colour, texture, size
    (small regions first) and fill (regions that fit into each other first).

    Parameters
    ----------
    image : (height, width, 3), (height, width, 1) or (height, width) array
        uint8 in 0..255, or floats in 0..1.
    mode : {"fast", "quality", "single"}
        8 hierarchies, 80 or 1: two, five or one colour spaces (one for grey images), two, four or one ``scale``, two,
        four or one sum of similarities.
    scale : float
        The larger, the larger and the fewer are the first regions. Modes use also 2, 3 and 6 times as much.
    sigma : float
        Of the Gaussian that smooths the image before it is cut into regions, in pixels.
    min_size : int
        Pixels of the smallest first region.
    max_proposals : int, optional
        Only so many, of those that come first.
    enlarge : float
        Search in the image enlarged so many times; ``sigma`` and ``min_size`` then count its pixels. Objects of few
        pixels are found better so.
    min_side : float
        Leave out boxes that are narrower or lower than so many pixels of the image.
    seed : int
        Of the random numbers in the order of the boxes: large regions come first by tendency.

    Returns
    -------
    (N, 4) float32
        x1, y1, x2, y2 in pixels of the image; none twice; the same for the same arguments.

    Raises
    ------
    ValueError
        If the image has no pixels, another shape or another dtype, or an argument is out of range.

    References
    ----------
    Uijlings, van de Sande, Gevers and Smeulders, Selective Search for Object Recognition, IJCV 2013.

    Examples
    --------
    >>> image = np.zeros((32, 48, 3), np.uint8)
    >>> image[8:24, 4:20] = 255, 0, 0
    >>> selective_search(image, mode="single", sigma=0)
    array([[ 0.,  0., 48., 32.],
           [ 4.,  8., 20., 24.]], dtype=float32)
    """
    _check(mode, scale, sigma, min_size, max_proposals, enlarge, min_side, seed)
    rgb, height, width = _enlarged(_as_rgb(image), enlarge), *np.shape(image)[:2]
    order, found = np.random.default_rng(seed), []
    for boxes in _hierarchies(
        rgb, _MODES[mode], np.ndim(image) == 2 or np.shape(image)[2] == 1, scale, sigma, min_size
    ):
        ranks = np.arange(len(boxes), 0, -1)  # 1 is the whole image
        found.append((boxes, ranks * order.random(len(boxes))))
    boxes, priorities = (np.concatenate(columns) for columns in zip(*found, strict=True))
    boxes = boxes[np.argsort(priorities, kind="stable")]
    _, first = np.unique(np.ravel_multi_index(boxes.T, [n + 1 for n in rgb.shape[1::-1]] * 2), return_index=True)
    boxes = (boxes[np.sort(first)] / enlarge).astype(np.float32)
    np.minimum(boxes, np.float32([width, height, width, height]), out=boxes)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= min_side]
    return boxes[:max_proposals]


def selective_search_all(images, workers=None, **options):
    """Propose boxes for each of many images, several images at a time.

    Parameters
    ----------
    images : sequence of images
        Their sizes may differ.
    workers : int, optional
        Threads; as many as CPU kernels use unless given.
    **options
        Those of ``selective_search``.

    Returns
    -------
    list of (N, 4) float32
        The same as of one image after the other.

    Examples
    --------
    >>> [boxes.shape for boxes in selective_search_all(np.zeros((2, 16, 16, 3), np.uint8), workers=2)]
    [(1, 4), (1, 4)]
    """
    workers = get_num_threads() if workers is None else workers
    if not is_integer(workers) or workers < 1:
        raise ValueError(f"workers must be an integer >= 1. Received: workers={workers!r}")
    if not np.iterable(images) or (np.ndim(images[:1]) == 3 and np.shape(images)[-1] in (1, 3)):
        raise ValueError(
            "images must be several images; for one there is selective_search. "
            f"Received: images of shape {np.shape(images)}"
        )
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda image: selective_search(image, **options), images))


def _hierarchies(rgb, mode, grey, scale, sigma, min_size):
    """The boxes of each hierarchy, from its first regions to the whole image."""
    for space in ("intensity",) if grey else mode.spaces:
        image = SPACES[space](rgb)
        edges, derivatives = sorted_edges(image, sigma), slopes(image)
        for times in mode.scales:
            labels, count = first_regions(edges, image.shape[:2], scale * times, min_size)
            regions = describe_regions(labels, count, image, derivatives)
            for terms in mode.terms:
                yield group_regions(regions, terms)[0]


def _check(mode, scale, sigma, min_size, max_proposals, enlarge, min_side, seed):
    if not isinstance(mode, str) or mode not in _MODES:
        raise ValueError(f"mode must be one of {', '.join(_MODES)}. Received: mode={mode!r}")
    for name, value in (("scale", scale), ("enlarge", enlarge)):
        if not is_real(value) or not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive number. Received: {name}={value!r}")
    for name, value in (("sigma", sigma), ("min_side", min_side)):
        if not is_real(value) or not 0 <= value < np.inf:
            raise ValueError(f"{name} must be a number >= 0. Received: {name}={value!r}")
    for name, value, least in (("min_size", min_size, 1), ("max_proposals", max_proposals, 0), ("seed", seed, 0)):
        if not (is_integer(value) and value >= least) and not (name == "max_proposals" and value is None):
            raise ValueError(f"{name} must be an integer >= {least}. Received: {name}={value!r}")


def _as_rgb(image):
    """Return an image as (height, width, 3) float32 in 0..1."""
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3) or not image.size:
        raise ValueError(
            "image must have the shape (height, width, 3), (height, width, 1) or (height, width), and pixels. "
            f"Received: image.shape={image.shape}"
        )
    if image.dtype == np.uint8:
        rgb = image.astype(np.float32) / np.float32(255)
    elif image.dtype.kind == "f" and image.min() >= 0 and image.max() <= 1:
        rgb = image.astype(np.float32)
    else:
        raise ValueError(
            "image must be uint8 in 0..255, or floats in 0..1. "
            f"Received: {image.dtype} from {image.min()} to {image.max()}"
        )
    return np.repeat(rgb, 3, axis=2) if image.shape[2] == 1 else rgb


def _enlarged(image, times):
    """Resize both sides, bilinear; pixel centres lie at half-integers."""
    for axis in (0, 1):
        size = image.shape[axis]
        places = np.clip((np.arange(max(1, round(size * times))) + 0.5) / times - 0.5, 0, size - 1)
        low = places.astype(int)
        part = (places - low).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
        high = np.minimum(low + 1, size - 1)
        image = image.take(low, axis) * (1 - part) + image.take(high, axis) * part
    return image


def grid_proposals(image_size, scales, aspect_ratios=(1.0,), stride=16):
    """Lay boxes of several sizes over the whole of an image, evenly: sliding windows.

    Parameters
    ----------
    image_size : int or (height, width)
    scales : sequence of float
        Sides, in pixels, of the square that has a box's area.
    aspect_ratios : sequence of float
        Height over width.
    stride : float
        Neighbours are no more than so many pixels apart. The first and the last of them touch the image's edges.

    Returns
    -------
    (N, 4) float32
        x1, y1, x2, y2: by scale, then by aspect ratio, then row by row. None goes over the edge, what is larger than
        the image is cut to its size, and none is there twice.

    Examples
    --------
    >>> grid_proposals((16, 32), scales=[16], stride=8)
    array([[ 0.,  0., 16., 16.],
           [ 8.,  0., 24., 16.],
           [16.,  0., 32., 16.]], dtype=float32)
    """
    height, width = pair("image_size", image_size)
    for name, values in (("scales", scales), ("aspect_ratios", aspect_ratios)):
        if not np.iterable(values) or not len(values) or not all(is_real(v) and 0 < v < np.inf for v in values):
            raise ValueError(f"{name} must be one or more positive numbers. Received: {name}={values!r}")
    if not is_real(stride) or not 0 < stride < np.inf:
        raise ValueError(f"stride must be a positive number. Received: stride={stride!r}")
    boxes = []
    for scale in scales:
        for ratio in aspect_ratios:
            high, wide = min(height, scale * ratio**0.5), min(width, scale / ratio**0.5)
            top, left = (
                np.linspace(0, free, int(np.ceil(free / stride)) + 1) for free in (height - high, width - wide)
            )
            y, x = np.meshgrid(top, left, indexing="ij")
            boxes.append(np.stack([x, y, x + wide, y + high], axis=-1).reshape(-1, 4))
    boxes = np.concatenate(boxes).astype(np.float32)
    return boxes[np.sort(np.unique(boxes, axis=0, return_index=True)[1])]


def proposal_recall(truth, proposals, iou_threshold=0.5):
    """Measure what part of the objects some proposal covers well: what a detector can find of them at most.

    Parameters
    ----------
    truth : sequence of GroundTruth
        Objects that are ``difficult`` or ``crowd`` are left out.
    proposals : sequence of (N, 4) arrays
        Boxes of each image.
    iou_threshold : float or sequence of float
        Intersection over union that is needed, in 0..1.

    Returns
    -------
    float or numpy.ndarray
        In 0..1, for each threshold; NaN if there are no objects.

    Examples
    --------
    >>> truth = [GroundTruth([[0, 0, 8, 8], [8, 8, 16, 16]], labels=[0, 1])]
    >>> proposal_recall(truth, [[[0, 0, 8, 6]]])
    0.5
    """
    truth = [truth] if isinstance(truth, GroundTruth) else rows_of("truth", truth, GroundTruth)
    check_truth(truth, truth, np.inf)
    if not all(is_real(t) and 0 <= t <= 1 for t in np.ravel(iou_threshold)):
        raise ValueError(f"iou_threshold must lie in [0, 1]. Received: iou_threshold={iou_threshold!r}")
    if not np.iterable(proposals):
        raise TypeError(f"proposals must be a sequence of (N, 4) arrays. Received: {type(proposals).__name__}")
    if len(truth) != len(proposals):
        raise ValueError(
            f"truth and proposals must be equally many. Received: {len(truth)} truth, {len(proposals)} proposals"
        )
    counted = [objects.ordinary().boxes for objects in truth]
    proposals = [checked_boxes("proposals", boxes) for boxes in proposals]
    of_object, of_box = (np.repeat(np.arange(len(rows)), list(map(len, rows))) for rows in (counted, proposals))
    objects, boxes = (np.concatenate([np.zeros((0, 4), np.float32), *rows]) for rows in (counted, proposals))
    best = np.zeros(len(objects))
    for theirs, mine in meetings(of_object, of_box):
        np.maximum.at(best, theirs, overlap(boxes[mine], objects[theirs]))
    reached = [float((best >= t).mean()) if len(best) else float("nan") for t in np.atleast_1d(iou_threshold)]
    return reached[0] if np.ndim(iou_threshold) == 0 else np.array(reached)
