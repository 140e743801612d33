"""Images with the class of each pixel laid over them."""

import numpy as np

from pycnn.metrics import MeanIoU
from pycnn.visualize.canvas import class_colour, rgb
from pycnn.visualize.grid import Block, as_image, blend, image_grid, unit_range
from pycnn.visualize.labelled import PANEL, image_list, named

_OPACITY, _BLACK = 0.8, 0.6
_WIDTH = 10.0  # inches that pictures side by side fill, unless they are few


def plot_segmentation(
    images,
    masks,
    truth=None,
    class_names=None,
    background=0,
    ignore_class=None,
    max_images=8,
    columns=None,
    title=None,
):
    """Draw images, and beneath each the classes of its pixels: the true ones, if they are given, and those found.

    Each class has a colour, which is laid over the picture in pale grey; ``background`` has none. Above what was found
    stands the picture's mean IoU, that of the classes which are in it or were found in it.

    Parameters
    ----------
    images : (n, height, width), (n, height, width, 1) or (n, height, width, 3), or a list of images
    masks : (n, height, width) class numbers, or (n, height, width, classes) probabilities
        What ``model.predict`` returns. A single probability of each pixel is that of class 1.
    truth : (n, height, width) class numbers, or (n, height, width, classes) one-hot, optional
    class_names : list of str, optional
        Instead of numbers.
    background : int, optional
        The class that has no colour; with None each has one.
    ignore_class : int, optional
        Pixels whose true class is this are left out of the IoU, and have no colour in the truth.
    max_images : int
        Draw the first so many; the title says how many there are.
    columns : int, optional
        Images side by side.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[[0, 0, 1, 1]] * 4])
    >>> figure = plot_segmentation(np.ones((1, 4, 4)), truth.transpose(0, 2, 1), truth)
    >>> figure.axes[2].get_title()
    'mean IoU 0.33'
    """
    images = [unit_range(as_image("images", image)) for image in image_list(images)]
    shown = images[:max_images]
    found = _class_maps("masks", masks, images)[:max_images]
    known = None if truth is None else _class_maps("truth", truth, images)[:max_images]
    drawn = sorted({c for classes in [*found, *(known or ())] for c in np.unique(classes).tolist()})
    colours = {c: class_colour(c) for c in drawn if c not in (background, ignore_class)}
    legend = [(named(c, class_names), colour) for c, colour in colours.items()]
    columns = columns or min(len(shown), 8)
    blocks = []
    for first in range(0, len(shown), columns):
        part, titles = slice(first, first + columns), []
        blocks.append(Block(shown[part], legend=[] if first else legend))
        if known is not None:
            titles = [_judgement(*pair, ignore_class) for pair in zip(found[part], known[part], strict=True)]
            blocks.append(Block(_overlays(shown[part], known[part], colours), ["truth"] * len(shown[part])))
        blocks.append(Block(_overlays(shown[part], found[part], colours), titles))
    return image_grid(blocks, title or _title(len(images), len(shown)), columns, cell=min(_WIDTH / columns, PANEL))


def _class_maps(argument, maps, images):
    """The class of each pixel of each image, as a list of (height, width) integer arrays."""
    maps = [np.asarray(each) for each in maps]
    maps = [np.stack(maps)] if maps and maps[0].ndim == 1 else maps
    if len(maps) != len(images) or not images:
        raise ValueError(
            f"images and {argument} must be equally many, one or more. "
            f"Received: {len(images)} images, {len(maps)} {argument}"
        )
    for each, image in zip(maps, images, strict=True):
        if each.shape[:2] != image.shape[:2] or each.ndim > 3:
            raise ValueError(
                f"{argument} must have the size of their images, {image.shape[:2]} here: class numbers "
                f"(height, width), or (height, width, classes). Received: shape={each.shape}"
            )
    return [_class_map(argument, each) for each in maps]


def _class_map(argument, values):
    if values.ndim == 3 and values.shape[-1] > 1:
        return values.argmax(axis=-1)
    if values.ndim == 3:
        values = values[..., 0]
        if values.dtype.kind == "f":
            return (values > 0.5).astype(np.int64)
    classes = values.astype(np.int64)
    if np.any(classes != values) or classes.min(initial=0) < 0:
        raise ValueError(
            f"{argument} must be class numbers >= 0, or have an axis of probabilities at the end. "
            f"Received: {argument} from {values.min()} to {values.max()}, {values.dtype}"
        )
    return classes


def _judgement(found, truth, ignore_class):
    kept = np.full(truth.shape, True) if ignore_class is None else truth != ignore_class
    if not kept.any():
        return "nothing to judge"
    most = max(found[kept].max(), truth[kept].max())
    return f"mean IoU {MeanIoU(int(most) + 1)(truth[kept], found[kept]):.2f}"


def _overlays(images, maps, colours):
    """The images in grey, under the colours of the classes that have one."""
    overlays = []
    for image, classes in zip(images, maps, strict=True):
        tints = np.zeros((*classes.shape, 3), np.float32)
        for c, colour in colours.items():
            tints[classes == c] = rgb(colour)
        overlays.append(blend(image, tints, np.where(np.isin(classes, list(colours)), _OPACITY, 0.0), _BLACK))
    return overlays


def _title(total, shown):
    head = "Classes of pixels"
    return head if shown == total else f"{head} of {total} images, {shown} shown"
