"""The weights of convolution layers."""

import numpy as np

from pycnn.visualize.canvas import BAD, colour_map, new_figure, text_width, title_height
from pycnn.visualize.grid import Block, draw_bar, image_grid, largest, signed_style


def plot_filters(source, layer=None, max_filters=64, max_channels=16, title=None):
    """Draw the filters of a layer: blue is negative, white 0, red positive, green NaN.

    Filters on one input channel fill a grid; on three, they are drawn in colour (grey is 0); on more, each column
    is a filter and each row an input channel.

    Parameters
    ----------
    source : model, layer or array
        A model, of which ``layer`` says which layer (the first with filters unless given); a built layer with a
        4-axis ``kernel``; or filters (height, width, in_channels, filters).
    layer : str or int, optional
        Name or index of a layer of the model.
    max_filters, max_channels : int
        Draw no more than so many; the title says so.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no filters to draw.

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_filters(np.ones((5, 5, 1, 6)))
    >>> sum(bool(axis.images) for axis in figure.axes)
    6
    """
    name, kernel = _find(source, layer)
    title = title or _title(name, kernel.shape, max_filters, max_channels)
    kernel = kernel[..., :max_filters]
    _, _, channels, count = kernel.shape
    numbers = [str(i) for i in range(count)]
    if channels == 3:
        images = [_colour(k) for k in np.moveaxis(kernel, -1, 0)]
        return image_grid([Block(images, numbers, heading=_COLOURS)], title, cell=_cell(count))
    style = signed_style(largest(kernel))
    if channels == 1:
        images = list(np.moveaxis(kernel[:, :, 0], -1, 0))
        return image_grid([Block(images, numbers, style=style)], title, bar=(style, "weight"), cell=_cell(count))
    return _table(kernel[:, :, :max_channels], title, style)


_BAD_RGB = [int(BAD[i : i + 2], 16) / 255 for i in (1, 3, 5)]
_COLOURS = "weights on red, green, blue; mid-grey is 0, the largest weight of each filter is full"


def _cell(count):
    """Inches of a filter: its few weights can be told apart when it is small."""
    return 0.9 if count <= 32 else 0.7


def _table(kernel, title, style):
    """All filters as one image: a column for each, a row for each input channel."""
    height, width, rows, columns = kernel.shape
    fine = max(1, round(24 / max(height, width)))  # pixels a weight, beside gaps of four
    cells = kernel.transpose(2, 0, 3, 1).repeat(fine, axis=1).repeat(fine, axis=3)
    between = ((0, 0), (0, 4), (0, 0), (0, 4))
    cells, broken = np.pad(cells, between, constant_values=np.nan), np.pad(~np.isfinite(cells), between)
    table, broken = (part.reshape(rows * cells.shape[1], -1)[:-4, :-4] for part in (cells, broken))
    wide = min(0.62, 14 / columns)
    inches = np.array([columns * wide, rows * wide * height / width])
    left, right = 0.55, 0.95
    breadth = max(inches[0] + left + right, min(text_width(title, 11, bold=True) + 0.3, 5.0))
    top = title_height(title, breadth) + 0.2
    size = np.array([breadth, inches[1] + top + 0.1])
    figure = new_figure(*size, title, layout=None)
    axis = figure.add_axes((left / size[0], 0.1 / size[1], *(inches / size)))
    style = {**style, "cmap": colour_map("RdBu_r", bad="white")}  # NaN is what lies between filters
    drawn = axis.imshow(table, interpolation="nearest", aspect="auto", **style)
    if broken.any():
        axis.imshow(np.array([[0.0] * 4, [*_BAD_RGB, 1.0]])[broken.astype(int)], interpolation="nearest", aspect="auto")
    axis.set_xticks(np.arange(columns) * cells.shape[3] + fine * width / 2, [str(i) for i in range(columns)])
    axis.set_yticks(np.arange(rows) * cells.shape[1] + fine * height / 2, [f"in {i}" for i in range(rows)])
    axis.tick_params(length=0, labelsize=7, labeltop=True, labelbottom=False, pad=2)
    axis.spines[:].set_visible(False)
    draw_bar(figure, drawn, left + inches[0] + 0.15, top, min(size[1] - 0.1, top + 4.0), "weight")
    return figure


def _title(name, shape, max_filters, max_channels):
    height, width, channels, count = shape
    title = f"{name}: {count} filter{'s' * (count > 1)} {height} x {width}" + (f" x {channels}" if channels > 1 else "")
    if count > max_filters:
        title += f", the first {max_filters}"
    if channels > max(3, max_channels):
        title += f", channels 0 to {max_channels - 1}"
    return title


def _find(source, layer):
    """Name and HWIO array of the filters asked for; depthwise filters count as filters on one channel."""
    if hasattr(source, "layers"):
        source = _pick(source, layer)
    elif layer is not None:
        raise ValueError(f"layer only makes sense with a model. Received: layer={layer!r}")
    if not hasattr(source, "get_config"):
        name, kernel, depthwise = "Filters", np.asarray(source), False
    elif _filters_of(source) is None:
        hint = "" if source.built else " It has no weights yet: build it, or call it once."
        raise ValueError(f"source must have a 4-axis kernel.{hint} Received: source={source.name!r}")
    else:
        name, kernel = source.name, np.asarray(_filters_of(source))
        depthwise = hasattr(source, "depth_multiplier")
    if kernel.ndim != 4 or 0 in kernel.shape:
        raise ValueError(
            f"source must be filters (height, width, in_channels, filters). Received: source.shape={kernel.shape}"
        )
    return name, kernel.reshape(*kernel.shape[:2], 1, -1) if depthwise else kernel


def _pick(model, layer):
    if layer is not None:
        return model.get_layer(layer) if isinstance(layer, str) else model.get_layer(index=layer)
    for candidate in model.layers:
        if _filters_of(candidate) is not None:
            return candidate
    raise ValueError(f"source must have a layer with filters, and be built. Received: source={model.name!r}")


def _filters_of(layer):
    """The spatial weights of a layer, or None."""
    for attribute in ("depthwise_kernel", "kernel"):
        kernel = getattr(layer, attribute, None)
        if kernel is not None and len(kernel.shape) == 4:
            return kernel
    return None


def _colour(kernel):
    """A filter on RGB as a colour image: 0 is mid-grey, its largest weight is full; NaN as in all pictures."""
    image = 0.5 + 0.5 * kernel / (largest(kernel) or 1.0)
    image[~np.isfinite(kernel).all(axis=-1)] = _BAD_RGB
    return image
