"""An image under edge filters and others."""

import numpy as np

from pycnn import filters
from pycnn.visualize.canvas import GREY, new_figure
from pycnn.visualize.grid import as_image, grid_shape, luminance, signed_style, unit_range

DEFAULT = ("vertical_edges", "horizontal_edges", "edge_detection", "sharpening", "sobel")
GRADIENTS = ("prewitt", "scharr", "sobel")
"""Names that stand for the length of a gradient, both directions together."""

_LONGEST = 6.0  # how much wider than high, or higher than wide, a panel may become


def plot_edges(image, kernels=DEFAULT, border="edge", columns=None, title="Edges"):
    """Draw an image beside what filters make of it.

    Filters that keep brightness (blur, sharpen, emboss) give pictures, in colour if the image is. The others work on
    the luminance: blue is a negative answer, white none, red a positive one; gradients (``"sobel"``) are black where
    they are strong. Each kernel is drawn in the corner of its picture.

    Parameters
    ----------
    image : (height, width) or (height, width, 3)
        uint8, floats in 0..1 or floats in 0..255.
    kernels : list of str, or dict of str to str or array
        Names of ``pycnn.filters.names()`` and of gradients (``"prewitt"``, ``"scharr"``, ``"sobel"``); a dict gives
        names or arrays their titles.
    border : str
        As in ``pycnn.filters.apply``.
    columns : int, optional
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> figure = plot_edges(np.eye(16), ["sobel_x"])
    >>> figure.axes[1].get_title()
    'sobel x'
    """
    image = unit_range(as_image("image", image))
    grey = luminance(image)
    named = kernels if isinstance(kernels, dict) else {name: name for name in kernels}
    aspect = image.shape[0] / image.shape[1]
    seen = min(max(aspect, 1 / _LONGEST), _LONGEST)
    width, height = 3.0 * seen**-0.5, 3.0 * seen**0.5
    rows, columns = grid_shape(len(named) + 1, columns or min(len(named) + 1, 3 if width < 4.5 else 2))
    figure = new_figure(columns * width, rows * (height + 0.3) + 0.4, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    _show(axes[0], "original", image)
    for axis, (name, kernel) in zip(axes[1:], named.items(), strict=False):
        title = name.replace("_", " ")
        if isinstance(kernel, str) and kernel in GRADIENTS:
            _show(axis, title, 1 - _scaled(_gradient(grey, kernel, border)))
            continue
        kernel = filters.get(kernel) if isinstance(kernel, str) else np.asarray(kernel, np.float32)
        if abs(kernel.sum()) < 0.05 * np.abs(kernel).sum():
            _show(axis, title, _scaled(filters.apply(grey, kernel, border)), signed=True)
        else:
            _show(axis, title, np.clip(filters.apply(image, kernel, border), 0, 1))
        _draw_kernel(axis, kernel, aspect)
    return figure


def _gradient(grey, name, border):
    return np.hypot(filters.apply(grey, f"{name}_x", border), filters.apply(grey, f"{name}_y", border))


def _scaled(values):
    """Scale to -1..1, letting the strongest 0.5 % be cut: else a few edges would hide all others."""
    size = np.abs(values)
    limit = np.percentile(size, 99.5) or size.max() or 1.0
    return np.clip(values / limit, -1, 1)


def _show(axis, title, values, signed=False):
    axis.imshow(values, **(signed_style(1.0) if signed else {"cmap": "gray", "vmin": 0, "vmax": 1}))
    axis.set_title(title, fontsize=10, pad=4)


def _draw_kernel(axis, kernel, aspect):
    across, down = (0.2, 0.2 / aspect) if aspect > 1 else (0.2 * aspect, 0.2)  # of the picture's shorter side
    inset = axis.inset_axes((0.98 - across, 0.02, across, down), anchor="SE")
    inset.imshow(kernel, interpolation="nearest", **signed_style(float(np.abs(kernel).max())))
    inset.set(xticks=[], yticks=[])
    for side in inset.spines.values():
        side.set(color=GREY, linewidth=0.8)
