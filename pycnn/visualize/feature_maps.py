"""What each layer makes of one image."""

import numpy as np

from pycnn.analysis.tap import layer_inside, outputs_of_layers
from pycnn.visualize.grid import Block, as_image, image_grid, value_style


def plot_feature_maps(model, image, layers=None, max_maps=16, columns=8, title="Feature maps"):
    """Draw an image and the feature maps that a model's layers make of it, layer by layer.

    Maps of one layer share a scale: grey from black at 0 if none is negative, else blue below 0 and red above. NaN is
    green.

    Parameters
    ----------
    model : Model, or one layer
    image : (height, width, channels), (height, width) for one channel, or a batch of one
    layers : list of str or int, optional
        Names (also of layers in models in the model) or indices of layers whose output has the axes (batch, height,
        width, channels), drawn in the order of their calls. Unless given, all that change what they get, or, if
        these are many, the last of each size.
    max_maps : int
        Draw no more maps of a layer than so many.
    columns : int
        Maps side by side.
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> figure = plot_feature_maps(layers.Conv2D(4, 3), np.zeros((8, 8, 1), np.float32))
    >>> sum(bool(axis.images) for axis in figure.axes)
    5
    """
    x = _as_batch(image)
    blocks = [Block([as_image("image", x[0])], heading=f"input  {x.shape[1]} x {x.shape[2]} x {x.shape[3]}")]
    for name, maps in _stages(model, x, layers):
        height, width, channels = maps.shape
        images = [maps[:, :, c] for c in range(min(channels, max_maps))]
        shown = "" if len(images) == channels else f", {len(images)} shown"
        heading = f"{name}  {height} x {width} x {channels}{shown}"
        blocks.append(Block(images, heading=heading, style=value_style(images), bar=True))
    return image_grid(blocks, title, min(columns, max(len(block.images) for block in blocks)))


def _as_batch(image):
    x = np.asarray(image)
    x = x[..., None] if x.ndim == 2 else x
    x = x[None] if x.ndim == 3 else x
    if x.ndim != 4 or len(x) != 1:
        raise ValueError(f"image must be one image (height, width, channels). Received: image.shape={np.shape(image)}")
    return x


_MANY = 12
"""Of more stages than so many, only the last of each size is drawn."""


def _stages(model, x, chosen):
    """(layer name, (height, width, channels) array) of each layer to draw."""
    if chosen is not None:
        chosen = [layer_inside(model, layer) for layer in chosen]
        stages = [(layer, y) for layer, y in outputs_of_layers(model, x, chosen)]
        for layer, y in stages:
            if y.ndim != 4:
                raise ValueError(
                    "layers must have feature maps (batch, height, width, channels). "
                    f"Received: layer {layer.name!r}, whose output has the shape {y.shape}"
                )
    else:
        stages = _changes(x, outputs_of_layers(model, x))
        if len(stages) > _MANY:
            stages = list({y.shape[1:3]: (layer, y) for layer, y in stages}.values())
    if not stages:
        raise ValueError(
            "model must have a layer with feature maps (batch, height, width, channels). "
            f"Received: model={model.name!r}"
        )
    return [(layer.name, y.numpy()[0]) for layer, y in stages]


def _changes(x, calls):
    """Those of the calls that gave feature maps, and not simply what came before again, as dropout does."""
    stages, before = [], x
    for layer, y in calls:
        if y.ndim == 4 and not np.array_equal(np.asarray(before), y.numpy(), equal_nan=True):
            stages.append((layer, y))
        before = y
    return stages
