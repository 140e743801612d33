"""What all pictures share: figures outside pyplot, grids of images, colour scales. The only importer of matplotlib."""

import io
from functools import cache

import numpy as np

INK = "#222222"
GREY = "#6b7280"
BLUE, RED, GREEN = "#2563eb", "#dc2626", "#15803d"
CURVES = (BLUE, "#ea580c", GREEN, "#7c3aed", "#0891b2", "#be185d")

CELL = 1.25
"""Inches of one image in a grid."""


@cache
def _picture_class():
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'pycnn.visualize needs matplotlib: pip install "pycnn[viz]" or pip install matplotlib.'
        ) from error

    class Picture(Figure):
        """A matplotlib Figure that belongs to no window, and that notebooks show by themselves."""

        def _repr_png_(self):
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            return buffer.getvalue()

    return Picture


def new_figure(width, height, title=None):
    """Return an empty figure of ``width`` x ``height`` inches."""
    figure = _picture_class()(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")
    if title:
        figure.suptitle(title, fontsize=11, color=INK, fontweight="bold", wrap=True)
    return figure


def grid_shape(count, columns=None):
    """Rows and columns that ``count`` images fill, wider than high."""
    if columns is None:
        columns = min(count, max(8, int(np.ceil(np.sqrt(count * 1.6)))))
    return -(-count // columns), columns


def image_grid(images, titles, title, columns=None, cell=CELL, style=None, colors=None, bar=False):
    """Return a figure with one small picture for each image.

    Parameters
    ----------
    images : list of (height, width) or (height, width, 3) arrays
    titles : list of str
        One above each image; empty ones take no room.
    style : dict, optional
        Colour scale of the grey images, such as ``signed_style(1.0)``; without it each has its own, black to white.
    colors : list of str, optional
        Colour of each title.
    bar : bool
        Draw the scale beside the grid.
    """
    rows, columns = grid_shape(len(images), columns)
    lines = [max((t.count("\n") + 1 if t else 0) for t in titles[r * columns : (r + 1) * columns]) for r in range(rows)]
    cell_height = cell * float(np.median([image.shape[0] / image.shape[1] for image in images]))
    height = rows * (cell_height + 0.08) + 0.17 * sum(lines) + 0.4
    figure = new_figure(max(columns * (cell + 0.08) + (0.75 if bar else 0.1), 3.2), height, title)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat[len(images) :]:
        axis.set_axis_off()
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        drawn = draw_image(axis, image, style)
        if titles[i]:
            axis.set_title(titles[i], fontsize=8, pad=2.5, color=colors[i] if colors else INK)
    if bar:
        colorbar = figure.colorbar(drawn, ax=axes, fraction=0.05, shrink=0.8, aspect=30)
        colorbar.ax.tick_params(labelsize=7)
        colorbar.outline.set_linewidth(0.5)
    return figure


def draw_image(axis, image, style=None):
    """Draw an image without ticks, in a thin frame: grey ones by ``style``, colour ones as they are."""
    colour = image.ndim == 3
    if colour and image.dtype != np.uint8:
        image = np.clip(image, 0.0, 1.0)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(color="#c4c8ce", linewidth=0.6)
    return axis.imshow(image, interpolation="nearest", **({} if colour else style or {"cmap": "gray"}))


def value_style(images):
    """Common colour scale of grey images: black at 0 if none is negative, else white at 0 and blue to red."""
    low = min((float(image.min()) for image in images if image.size), default=0.0)
    high = max((float(image.max()) for image in images if image.size), default=1.0)
    if low < 0:
        return signed_style(max(high, -low))
    return {"cmap": "gray", "vmin": 0.0, "vmax": high or 1.0}


def signed_style(limit):
    """Blue for negative, white for 0, red for positive; full at ``limit``."""
    return {"cmap": "RdBu_r", "vmin": -(limit or 1.0), "vmax": limit or 1.0}


def as_image(argument, image):
    """Return an image as (height, width) or (height, width, 3), uint8 or float, whatever kind of array it is."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] != 3):
        raise ValueError(
            f"{argument} must be grey (height, width), (height, width, 1) or colour (height, width, 3). "
            f"Received: {argument}.shape={image.shape}"
        )
    if image.ndim == 3 and image.dtype != np.uint8 and image.size and image.max() > 1:
        image = image / 255.0  # the usual 0..255, as floats
    return image
