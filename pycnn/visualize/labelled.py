"""Boxes over images, and labels that stay clear of each other."""

import numpy as np

from pycnn.visualize.canvas import draw_rectangle, fit_text, text_width
from pycnn.visualize.grid import Block, as_image, image_grid

PANEL = 2.6
"""Inches of the side of a square image with boxes."""
ALARM = "#ea580c"  # of what was found and is not there
_SIZE = 6.5  # points of labels
_HIGH = 0.125  # inches of a label
_HINTED = 1.05  # letters are so much wider where they are fitted to a screen's pixels
_MARGIN = 0.03


def panels(images, title, titles=(), legend=(), columns=None, cell=PANEL):
    """Return a figure with an axis for each image, large enough for boxes and labels on small images."""
    columns = columns or min(len(images), 4)
    images = [as_image("images", image) for image in images]
    return image_grid([Block(images, list(titles), legend=list(legend))], title, columns, cell=cell)


def image_list(images):
    """Return a list of images: of one image, of an array or sequence of them."""
    if isinstance(images, np.ndarray) and (images.ndim == 2 or (images.ndim == 3 and images.shape[-1] in (1, 3))):
        return [images]
    return list(images)


def equally_many(kinds, images, **records):
    """Return lists of images and of records, one for each image; one image and one record are lists of one."""
    images, lists = image_list(images), []
    for name, values in records.items():
        values = [values] if isinstance(values, kinds) else list(values)
        if len(values) != len(images) or not images:
            raise ValueError(
                f"images and {name} must be equally many, one or more. "
                f"Received: {len(images)} images, {len(values)} {name}"
            )
        lists.append(values)
    return images, *lists


def counted_title(words, total, shown):
    """Return a title that says how many images there are, if not all of them are shown."""
    return words if shown == total else f"{words} in {total} images, {shown} shown"


class Overlay:
    """What is drawn over the image on one axis; boxes are edges, so that (0, 0, 1, 1) is around the first pixel."""

    def __init__(self, axis, image, over=0.0):
        self.axis, (self.height, self.width) = axis, np.shape(image)[:2]
        place, (wide, high) = axis.get_position(), axis.figure.get_size_inches()
        axis.set(
            xlim=(-0.5 - over * self.width, self.width * (1 + over) - 0.5),
            ylim=(self.height * (1 + over) - 0.5, -0.5 - over * self.height),
        )
        (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
        self.bounds = left + 0.5, top + 0.5, right + 0.5, bottom + 0.5
        self.pixel = min(place.width * wide / (right - left), place.height * high / (bottom - top))  # inches
        self.labels = []

    def box(self, box, colour, width=1.3, style="-", fill=0.0):
        """Draw a box; white beneath its line keeps it apart from any image."""
        x1, y1, x2, y2 = (float(v) for v in box)
        corner = x1 - 0.5, y1 - 0.5
        draw_rectangle(self.axis, corner, x2 - x1, y2 - y1, colour, width, style, fill)

    def label(self, box, text, colour):
        """Write above a box, or where there is room beside or in it; nowhere if another label is at each place."""
        left, top, right, bottom = self.bounds
        space = (right - left) * self.pixel - 2 * _MARGIN
        text = fit_text(text, space / _HINTED, _SIZE, most=1)
        wide, high = (_HINTED * text_width(text, _SIZE) + 2 * _MARGIN) / self.pixel, _HIGH / self.pixel
        x1, y1, x2, y2 = (float(v) for v in box)
        middle = (y1 + y2 - high) / 2
        corners = [(x1, y1 - high), (x1, y2), (x2 - wide, y1 - high), (x2 - wide, y2), (x2, y1), (x2, y2 - high)]
        corners += [(x1 - wide, y1), (x1 - wide, y2 - high), (x2, middle), (x1 - wide, middle)]
        corners += [(x1, y1), (x1, y2 - high), (x2 - wide, y1), (x2 - wide, y2 - high), (x1, middle)]
        gap = 0.04 / self.pixel
        for x, y in corners:
            x, y = min(max(x, left), right - wide), min(max(y, top), bottom - high)
            mine = x - gap, y - gap, x + wide + gap, y + high + gap
            if not any(mine[0] < q[2] and q[0] < mine[2] and mine[1] < q[3] and q[1] < mine[3] for q in self.labels):
                self.labels.append((x, y, x + wide, y + high))
                draw_rectangle(self.axis, (x - 0.5, y - 0.5), wide, high, colour, 0, "-", 0.9, zorder=4)
                place = x + _MARGIN / self.pixel - 0.5, y + high / 2 - 0.5
                self.axis.text(*place, text, fontsize=_SIZE, color="white", va="center_baseline", zorder=5)
                return


def named(label, class_names):
    """Return the name of a class, or its number."""
    return str(label) if class_names is None else str(class_names[label])
