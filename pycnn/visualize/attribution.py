"""Images with the parts that a score comes from."""

import numpy as np

from pycnn.analysis.attribution import grad_cam, saliency
from pycnn.autograd import no_grad
from pycnn.layers.structure import flatten_structure
from pycnn.visualize.canvas import colour_map
from pycnn.visualize.grid import Block, as_image, blend, image_grid, unit_range


def plot_grad_cam(
    model, images, layer=None, target=None, class_names=None, pictures=None, columns=None, title="Grad-CAM"
):
    """Draw images, and beneath each where the evidence for a class lies: its Grad-CAM map laid over it.

    The picture beneath the map is grey, and the more the map says the less of it is seen. Each map is scaled by its
    own largest value: compare places within a map, not maps.

    Parameters
    ----------
    model : Model
    images : (batch, height, width, channels)
        What the model takes.
    layer, target
        As in ``analysis.grad_cam``.
    class_names : list of str, optional
        Instead of numbers.
    pictures : (batch, height, width) or (batch, height, width, 1 or 3), optional
        What to draw instead of ``images``, for models whose input is not in 0..1 or 0..255.
    columns : int, optional
        Images side by side.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    Selvaraju et al., Grad-CAM: Visual explanations from deep networks via gradient-based localization, ICCV 2017.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([
    ...     layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    >>> figure = plot_grad_cam(model, np.ones((3, 8, 8, 1)), target=1, class_names=["cat", "dog"])
    >>> figure.axes[0].get_title()
    'dog'
    """
    maps = grad_cam(model, images, layer, target)
    shown = _pictures(images, pictures)
    largest = maps.max(axis=(1, 2), keepdims=True)
    maps = np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
    style = {"cmap": colour_map("inferno"), "vmin": 0.0, "vmax": 1.0}
    overlays = [_overlay(picture, cam, style["cmap"]) for picture, cam in zip(shown, maps, strict=True)]
    titles = _titles(model, images, target, class_names)
    return _pairs(shown, titles, overlays, style, "share of the map's largest value", columns, title)


def plot_saliency(
    model,
    images,
    target=None,
    samples=0,
    noise=0.15,
    seed=0,
    class_names=None,
    pictures=None,
    columns=None,
    title="Saliency",
):
    """Draw images, and beneath each how much a class's score changes with each pixel.

    Black is no change. Each map is scaled by its own 99th percentile, so that a few pixels do not hide the others, as
    Smilkov et al. advise.

    Parameters
    ----------
    model : Model
    images : (batch, height, width, channels)
        What the model takes.
    target, samples, noise, seed
        As in ``analysis.saliency``.
    class_names, pictures, columns, title
        As in ``plot_grad_cam``.

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    Simonyan, Vedaldi & Zisserman, Deep inside convolutional networks, 2013. Smilkov et al., SmoothGrad, 2017.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    >>> figure = plot_saliency(model, np.zeros((3, 8, 8, 1)), target=1)
    >>> figure.axes[2].get_title()
    '1 (50 %)'
    """
    maps = saliency(model, images, target, samples, noise, seed)
    shown = _pictures(images, pictures)
    largest = np.maximum(np.percentile(maps, 99, axis=(1, 2), keepdims=True), 0)
    largest = np.where(largest > 0, largest, maps.max(axis=(1, 2), keepdims=True))
    maps = np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
    style = {"cmap": colour_map("inferno"), "vmin": 0.0, "vmax": 1.0}
    titles = _titles(model, images, target, class_names)
    return _pairs(shown, titles, list(maps), style, "share of the map's 99th percentile", columns, title)


def _pairs(shown, titles, maps, style, words, columns, title):
    """Rows of pictures in turn with rows of maps."""
    columns = columns or min(len(shown), 6)
    blocks = []
    for first in range(0, len(shown), columns):
        part = slice(first, first + columns)
        blocks += [Block(shown[part], titles[part]), Block(maps[part], style=style)]
    return image_grid(blocks, title, columns, bar=(style, words), cell=1.5)


def _pictures(images, pictures):
    name, pictures = ("images", images) if pictures is None else ("pictures", pictures)
    pictures = [unit_range(as_image(name, np.asarray(picture))) for picture in pictures]
    if not pictures or len(pictures) != len(images):
        raise ValueError(
            f"images must be one or more, with as many pictures. Received: {len(images)} images, "
            f"{len(pictures)} pictures"
        )
    return pictures


def _overlay(picture, cam, colours):
    """The map over the grey picture: at its maximum it hides three quarters of it."""
    return blend(picture, colours(cam)[..., :3], 0.2 + 0.6 * cam)


def _titles(model, images, target, class_names):
    """The class that each map is for, and its probability if the model gives those."""
    if callable(target):
        return [""] * len(images)
    with no_grad():
        outputs = flatten_structure(model(np.asarray(images), training=False))[0].numpy()
    outputs = outputs.reshape(len(outputs), -1, outputs.shape[-1]).mean(axis=1)
    classes = outputs.argmax(axis=1) if target is None else np.broadcast_to(np.asarray(target), len(outputs))
    certain = bool((outputs >= 0).all()) and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)
    names = [str(c) if class_names is None else str(class_names[c]) for c in classes]
    return [
        f"{name} ({100 * y[c]:.0f} %)" if certain else name for name, y, c in zip(names, outputs, classes, strict=True)
    ]
