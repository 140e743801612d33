"""What all pictures share: figures outside pyplot, grids of images, colour scales. The only importer of matplotlib."""

import io
import itertools
from functools import cache
from typing import NamedTuple

import numpy as np

INK = "#222222"
GREY = "#6b7280"
BLUE, RED, GREEN = "#2563eb", "#dc2626", "#15803d"
CURVES = (BLUE, "#ea580c", GREEN, "#7c3aed", "#0891b2", "#be185d")

FRAME = "#c4c8ce"

CELL = 1.25
"""Inches of one image in a grid."""
_GAP, _HEAD = 0.08, 0.36


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


def new_figure(width, height, title, layout="constrained"):
    """Return an empty figure of ``width`` x ``height`` inches; without ``layout`` the caller places the axes."""
    figure = _picture_class()(figsize=(width, height), dpi=120, layout=layout, facecolor="white")
    place = {} if layout else {"y": 1 - 0.06 / height}
    figure.suptitle(title, fontsize=11, color=INK, fontweight="bold", va="top", **place)
    return figure


def grid_shape(count, columns=None):
    """Rows and columns that ``count`` images fill, wider than high."""
    if columns is None:
        columns = min(count, max(8, int(np.ceil(np.sqrt(count * 1.6)))))
    return -(-count // columns), columns


class Block(NamedTuple):
    """Images that belong together: one grid, with a heading above it if there is one."""

    images: list  # (height, width) or (height, width, 3) arrays
    titles: list = ()  # one above each image
    colors: list = ()  # of the titles
    heading: str = ""
    style: dict | None = None  # colour scale of grey images; without it each has its own, black to white


def image_grid(blocks, title, columns=None, bar=False):
    """Return a figure with a small picture for each image of ``blocks``, a list of Block.

    Parameters
    ----------
    blocks : list of Block
        One beneath the other.
    title : str
        Of the figure.
    columns : int, optional
        Pictures side by side; as many as look well unless given.
    bar : bool
        Draw the scale of the last block beside the grid.
    """
    columns = columns or grid_shape(max(len(block.images) for block in blocks))[1]
    high = CELL * float(np.median([image.shape[0] / image.shape[1] for block in blocks for image in block.images]))
    places, bottom = _places(blocks, columns, high)
    width = max(columns * (CELL + _GAP) + _GAP + (0.75 if bar else 0), 0.095 * len(title) + 0.2, 3.0)
    figure = new_figure(width, bottom, title, layout=None)
    for block, heading_top, tops in places:
        if block.heading:
            figure.text(_GAP / width, 1 - heading_top / bottom, block.heading, fontsize=8.5, color=GREY, va="top")
        for i, image in enumerate(block.images):
            left, top = _GAP + i % columns * (CELL + _GAP), tops[i // columns]
            axis = figure.add_axes((left / width, 1 - (top + high) / bottom, CELL / width, high / bottom))
            drawn = draw_image(axis, image, block.style)
            if block.titles:
                axis.set_title(block.titles[i], fontsize=8, pad=2.5, color=block.colors[i] if block.colors else INK)
    if bar:
        draw_bar(figure, drawn, columns * (CELL + _GAP) + 0.15, places[0][2][0], bottom - _GAP)
    return figure


def _places(blocks, columns, high):
    """From the top, in inches: each block with its heading's top and the tops of its rows; and the bottom of all."""
    places, y = [], _HEAD
    for block in blocks:
        heading_top, tops = y, []
        y += 0.2 if block.heading else 0
        for first in range(0, len(block.images), columns):
            titles = block.titles[first : first + columns]
            y += 0.15 * max((t.count("\n") + 1 for t in titles), default=0) + (0.02 if titles else 0)
            tops.append(y)
            y += high + _GAP
        y += 0.06 if block.heading else 0
        places.append((block, heading_top, tops))
    return places, y


def draw_bar(figure, drawn, left, top, bottom):
    """Draw the colour scale of a picture, at a place in inches from the upper left."""
    width, height = figure.get_size_inches()
    place = (left / width, 1 - bottom / height, 0.1 / width, (bottom - top) / height)
    colorbar = figure.colorbar(drawn, cax=figure.add_axes(place))
    colorbar.ax.tick_params(labelsize=7)
    colorbar.outline.set_linewidth(0.5)


def draw_image(axis, image, style=None):
    """Draw an image without ticks, in a thin frame: grey ones by ``style``, colour ones as they are."""
    colour = image.ndim == 3
    if colour and image.dtype != np.uint8:
        image = np.clip(image, 0.0, 1.0)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(color=FRAME, linewidth=0.6)
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
    return unit_range(image) if image.ndim == 3 and image.dtype != np.uint8 else image


def unit_range(image):
    """Return an image as floats in 0..1: of bytes, of floats in 0..1 (a little more is let be), or in 0..255."""
    if image.dtype == np.uint8 or image.max(initial=0) > 2:
        return image.astype(np.float32) / np.float32(255)
    return image.astype(np.float32, copy=False)


def draw_box(axis, centre, size, lines, colour, line_height):
    """Draw a box with rounded corners and centred lines of text, the first one bold; sizes in the axis's units."""
    from matplotlib.patches import FancyBboxPatch

    (x, y), (width, height) = centre, size
    style = "round,pad=0,rounding_size=0.06"
    box = FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle=style, facecolor=colour, edgecolor=FRAME, linewidth=0.8
    )
    axis.add_patch(box)
    for i, line in enumerate(lines):
        place = y + (i - (len(lines) - 1) / 2) * line_height
        weight, ink = ("bold", INK) if i == 0 else ("normal", GREY)
        axis.text(x, place, line, fontsize=7.5, color=ink, fontweight=weight, ha="center", va="center")


def draw_arrow(axis, points, downwards=True):
    """Draw a curve through points that ends in an arrow; it leaves and arrives straight along the main direction."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if downwards:
            middle = (y0 + y1) / 2
            vertices += [(x0, middle), (x1, middle), (x1, y1)]
        else:
            middle = (x0 + x1) / 2
            vertices += [(middle, y0), (middle, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    axis.add_patch(
        FancyArrowPatch(
            path=Path(vertices, codes),
            arrowstyle="-|>",
            mutation_scale=7,
            color=GREY,
            linewidth=0.8,
            shrinkA=0,
            shrinkB=0,
        )
    )
