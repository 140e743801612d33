"""Images beside and beneath each other, their titles, and the colour scales of grey ones."""

from typing import NamedTuple

import numpy as np

from pycnn.visualize.canvas import (
    FRAME,
    GREY,
    INK,
    colour_map,
    colour_scale,
    few_ticks,
    fit_text,
    new_figure,
    text_width,
    title_height,
)

CELL = 1.25
"""Inches of one image in a grid."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue: ITU-R BT.601
_GAP, _LINE, _TITLE = 0.08, 0.15, 8
_LONGEST = 6.0  # how much wider than high, or higher than wide, a cell may become
_NARROWEST = 0.8  # inches of a column with titles


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
    bar: bool = False  # draw the colour scale beside the heading
    legend: list = ()  # (words, colour) of each mark, in the place of a heading


def image_grid(blocks, title, columns=None, bar=None, cell=CELL):
    """Return a figure with a small picture for each image of ``blocks``, a list of Block.

    Titles are broken into lines that fit above their images, and end in an ellipsis if they are still too long.

    Parameters
    ----------
    blocks : list of Block
        One beneath the other.
    title : str
        Of the figure.
    columns : int, optional
        Pictures side by side; as many as look well unless given.
    bar : (dict, str), optional
        A colour scale to draw beside the grid, and what its numbers are.
    cell : float
        Inches of the side of a square image; others get the same area.
    """
    columns = columns or grid_shape(max(len(block.images) for block in blocks))[1]
    aspect = float(np.median([image.shape[0] / image.shape[1] for block in blocks for image in block.images]))
    aspect = min(max(aspect, 1 / _LONGEST), _LONGEST)
    wide, high = cell * aspect**-0.5, cell * aspect**0.5
    if any(block.titles for block in blocks):
        wide = max(wide, _NARROWEST)
    blocks = [
        block._replace(titles=[fit_text(t, wide + 0.5 * _GAP, _TITLE, most=2) for t in block.titles])
        for block in blocks
    ]
    width = max(
        columns * (wide + _GAP) + _GAP + (0.95 if bar else 0),
        *(heading_width(block) + 2 * _GAP for block in blocks),
        min(text_width(title, 11, bold=True) + 0.3, 5.0),
    )
    places, bottom = _places(blocks, columns, high, title_height(title, width))
    figure = new_figure(width, bottom, title, layout=None)
    for block, heading_top, tops in places:
        if block.heading or block.legend:
            draw_heading(figure, block, heading_top)
        for i, image in enumerate(block.images):
            left, top = _GAP + i % columns * (wide + _GAP), tops[i // columns]
            axis = figure.add_axes((left / width, 1 - (top + high) / bottom, wide / width, high / bottom))
            draw_image(axis, image, block.style)
            if block.titles:
                colour = block.colors[i] if block.colors else INK
                axis.set_title(block.titles[i], fontsize=_TITLE, pad=2.5, color=colour)
    if bar:
        style, words = bar
        top = places[0][2][0]
        left = columns * (wide + _GAP) + 0.15
        draw_bar(figure, colour_scale(style), left, top, min(bottom - _GAP, top + 4.0), words)
    return figure


def _places(blocks, columns, high, head):
    """From the top, in inches: each block with its heading's top and the tops of its rows; and the bottom of all."""
    places, y = [], head
    for block in blocks:
        heading_top, tops = y, []
        y += 0.2 if block.heading or block.legend else 0
        for first in range(0, len(block.images), columns):
            titles = block.titles[first : first + columns]
            y += _LINE * max((t.count("\n") + 1 for t in titles), default=0) + (0.02 if titles else 0)
            tops.append(y)
            y += high + _GAP
        y += 0.06 if block.heading or block.legend else 0
        places.append((block, heading_top, tops))
    return places, y


_BAR = 0.7  # inches of the colour bar beside a heading


def heading_width(block):
    """Return how many inches the heading or the legend of a block is wide."""
    if block.legend:
        return sum(text_width(words, 8.5) + 0.18 for words, _ in block.legend)
    if not block.heading:
        return 0.0
    width = text_width(block.heading, 8.5)
    if block.bar:
        width += 0.25 + _BAR + sum(text_width(end, 7) + 0.06 for end in _ends(block.style))
    return width


def _ends(style):
    return [f"{style[end]:.3g}" for end in ("vmin", "vmax")]


def draw_heading(figure, block, top):
    """Draw the words or the legend of a block, ``top`` inches from above, and the colour scale with its two ends."""
    width, height = figure.get_size_inches()
    left = _GAP
    for words, colour in block.legend or [(block.heading, GREY)]:
        figure.text(left / width, 1 - top / height, words, fontsize=8.5, color=colour, va="top")
        left += text_width(words, 8.5) + 0.18
    if not block.bar:
        return
    left = _GAP + text_width(block.heading, 8.5) + 0.25
    low, high = _ends(block.style)
    middle = 1 - (top + 0.07) / height
    style = {"fontsize": 7, "color": GREY, "va": "center"}
    figure.text(left / width, middle, low, **style)
    left += text_width(low, 7) + 0.06
    axis = figure.add_axes((left / width, middle - 0.04 / height, _BAR / width, 0.08 / height))
    figure.colorbar(colour_scale(block.style), cax=axis, orientation="horizontal", ticks=[]).outline.set_linewidth(0.4)
    figure.text((left + _BAR + 0.06) / width, middle, high, **style)


def draw_bar(figure, drawn, left, top, bottom, words=""):
    """Draw the colour scale of a picture, at a place in inches from the upper left, with words beside it."""
    width, height = figure.get_size_inches()
    place = (left / width, 1 - bottom / height, 0.1 / width, (bottom - top) / height)
    ticks = few_ticks(min(5, max(2, int(2.5 * (bottom - top)))))
    colorbar = figure.colorbar(drawn, cax=figure.add_axes(place), ticks=ticks)
    colorbar.ax.tick_params(labelsize=7)
    colorbar.outline.set_linewidth(0.5)
    if words:
        colorbar.set_label(words, fontsize=7.5, color=GREY)


def draw_image(axis, image, style=None):
    """Draw an image without ticks, in a thin frame: grey ones by ``style``, colour ones as they are."""
    colour = image.ndim == 3
    if colour and image.dtype != np.uint8:
        image = np.clip(image, 0.0, 1.0)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(color=FRAME, linewidth=0.6)
    return axis.imshow(image, interpolation="nearest", **({} if colour else style or {"cmap": colour_map("gray")}))


def value_style(images):
    """Common colour scale of grey images: black at 0 if none is negative, else white at 0 and blue to red."""
    finite = [image[np.isfinite(image)] for image in images]
    low = min((float(values.min()) for values in finite if values.size), default=0.0)
    high = max((float(values.max()) for values in finite if values.size), default=1.0)
    if low < 0:
        return signed_style(max(high, -low))
    return {"cmap": colour_map("gray"), "vmin": 0.0, "vmax": high or 1.0}


def signed_style(limit):
    """Blue for negative, white for 0, red for positive; full at ``limit``."""
    limit = limit if np.isfinite(limit) and limit else 1.0
    return {"cmap": colour_map("RdBu_r"), "vmin": -limit, "vmax": limit}


def largest(values):
    """Return the largest magnitude, of what is finite."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0.0))


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


def luminance(image):
    """Return the grey values of an image of floats, (height, width)."""
    return image @ _LUMA if image.ndim == 3 else image


def blend(image, colours, opacity, black=0.0):
    """Lay colours over the grey values of an image of floats in 0..1; ``opacity`` (height, width) is how much of them.

    The picture beneath is grey so that a colour comes from what is laid over it, and from nothing else. ``black`` is
    the grey value of its darkest pixels, of which more lets dark colours stand out.
    """
    opacity, grey = opacity[..., None], black + (1 - black) * np.clip(luminance(image), 0, 1)[..., None]
    return (1 - opacity) * grey + opacity * colours
