"""What each layer makes of one image."""

import numpy as np

from pycnn.autograd import no_grad
from pycnn.models import Sequential
from pycnn.visualize.canvas import Block, as_image, image_grid, value_style


def plot_feature_maps(model, image, layers=None, max_maps=16, columns=8, title="Feature maps"):
    """Draw an image and the feature maps that a model's layers make of it, layer by layer.

    Maps of one layer share a scale: grey from black at 0 if none is negative, else blue below 0 and red above.

    Parameters
    ----------
    model : Sequential, or one layer
    image : (height, width, channels), (height, width) for one channel, or a batch of one
    layers : list of str or int, optional
        Names or indices of layers whose output has the axes (batch, height, width, channels); unless given, all of
        those that change more than the size or the borders.
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
    >>> len(figure.axes)
    5
    """
    x = _as_batch(image)
    blocks = [Block([as_image("image", x[0])], heading=f"input  {x.shape[1]} x {x.shape[2]} x {x.shape[3]}")]
    for name, maps in _stages(model, x, layers):
        height, width, channels = maps.shape
        images = [maps[:, :, c] for c in range(min(channels, max_maps))]
        shown = "" if len(images) == channels else f", {len(images)} shown"
        heading = f"{name}  {height} x {width} x {channels}{shown}"
        blocks.append(Block(images, heading=heading, style=value_style(images)))
    return image_grid(blocks, title, min(columns, max(len(block.images) for block in blocks)))


def _as_batch(image):
    x = np.asarray(image)
    x = x[..., None] if x.ndim == 2 else x
    x = x[None] if x.ndim == 3 else x
    if x.ndim != 4 or len(x) != 1:
        raise ValueError(f"image must be one image (height, width, channels). Received: image.shape={np.shape(image)}")
    return x


def _stages(model, x, chosen):
    """(layer name, (height, width, channels) array) of each layer to draw."""
    sequence = model.layers if isinstance(model, Sequential) else [model]
    if chosen is not None:
        chosen = [model.get_layer(c) if isinstance(c, str) else model.get_layer(index=c) for c in chosen]
    stages = []
    with no_grad():
        for layer in sequence:
            y = layer(x, training=False)
            wanted = _changes(x, y) if chosen is None else any(layer is c for c in chosen)
            x = y
            if not wanted:
                continue
            if x.ndim != 4:
                raise ValueError(
                    f"layers must have feature maps (batch, height, width, channels). "
                    f"Received: layer {layer.name!r}, whose output has the shape {x.shape}"
                )
            stages.append((layer.name, x.numpy()[0]))
    if not stages:
        raise ValueError(
            "model must have a layer with feature maps (batch, height, width, channels). "
            f"Received: model={model.name!r}"
        )
    return stages


def _changes(x, y):
    """Whether y is feature maps that are not simply x again, as behind dropout or augmentation."""
    return y.ndim == 4 and not np.array_equal(np.asarray(x), y.numpy())
