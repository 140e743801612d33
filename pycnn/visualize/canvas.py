"""What all pictures share: figures outside pyplot, text, colours, boxes and arrows. The only importer of matplotlib."""

import io
import itertools
from functools import cache

INK = "#222222"
GREY = "#6b7280"
BLUE, RED, GREEN = "#2563eb", "#dc2626", "#15803d"
CURVES = (BLUE, "#ea580c", GREEN, "#7c3aed", "#0891b2", "#be185d")
_CLASSES = (*CURVES, "#a16207", "#475569", "#4d7c0f", "#7f1d1d")

FRAME = "#c4c8ce"
BAD = "#84cc16"
"""Of pixels that are NaN: in no colour scale."""


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
    """Return an empty figure of ``width`` x ``height`` inches; without ``layout`` the caller places the axes.

    Its title is broken into lines that fit; ``title_height`` says how high it is.
    """
    figure = _picture_class()(figsize=(width, height), dpi=120, layout=layout, facecolor="white")
    title = fit_text(title, width - 0.2, 11, bold=True)
    place = {} if layout else {"y": 1 - 0.06 / height}
    if layout:
        figure.get_layout_engine().set(w_pad=0.09, h_pad=0.09)
    figure.suptitle(title, fontsize=11, color=INK, fontweight="bold", va="top", **place)
    return figure


def title_height(title, width):
    """Return how many inches ``new_figure`` needs for a title, space around it included."""
    return 0.18 * (fit_text(title, width - 0.2, 11, bold=True).count("\n") + 1) + 0.18 if title else 0.1


@cache
def text_width(text, size, bold=False):
    """Return how many inches a line of text is wide, in points of ``size``."""
    _picture_class()  # says what to install, if need be
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    path = TextPath((0, 0), text, size=size, prop=FontProperties(weight="bold" if bold else "normal"), usetex=False)
    return path.get_extents().x1 / 72


def fit_text(text, width, size, bold=False, most=None):
    """Return text in lines of at most ``width`` inches: between words where it can be, else within them.

    With ``most`` no more than so many lines remain of each line of the text, the last one with an ellipsis.
    """
    fitted = []
    for line in str(text).split("\n"):
        lines = [""]
        for word in line.split(" "):
            if lines[-1] and _fits(f"{lines[-1]} {word}", width, size, bold):
                lines[-1] += f" {word}"
                continue
            if lines[-1]:
                if not _fits(word, width, size, bold) and _fits(f"{lines[-1]} {word[:1]}", width, size, bold):
                    word = f"{lines.pop()} {word}"  # what is longer than a line goes on where the line ends
                lines.append("")
            while not _fits(word, width, size, bold) and len(word) > 1:
                cut = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or _fits(word[:n], width, size, bold))
                lines[-1:] = [word[:cut], ""]
                word = word[cut:]
            lines[-1] = word
        if most is not None and len(lines) > most:
            last = lines[most - 1]
            while last and not _fits(f"{last}…", width, size, bold):
                last = last[:-1]
            lines[most - 1 :] = [f"{last.rstrip()}…"]
        fitted += lines
    return "\n".join(fitted)


def _fits(text, width, size, bold):
    return text_width(text, size, bold) <= width


def colour_map(name, bad=BAD):
    """Return one of matplotlib's colour maps, with a colour for NaN that it does not have itself."""
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad=bad)


def colour_scale(style):
    """Return what a colour bar shows of a style: keyword arguments of ``imshow``."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    norm = style.get("norm") or Normalize(style["vmin"], style["vmax"])
    return ScalarMappable(norm, style["cmap"])


def root_scale(largest):
    """Return a scale of colours from 0 that goes with the square root: small numbers are seen beside large ones."""
    from matplotlib.colors import PowerNorm

    return PowerNorm(0.5, vmin=0.0, vmax=largest or 1.0)


def few_ticks(most):
    """Return what finds at most so many round numbers for an axis."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most)


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


def class_colour(number):
    """Return the colour of a class; that of one of ten comes again. White is legible on all of them."""
    return _CLASSES[int(number) % len(_CLASSES)]


def rgb(colour):
    """Return red, green and blue of a colour, in 0..1."""
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def draw_rectangle(axis, corner, width, height, colour, line, style="-", fill=0.0, zorder=2):
    """Draw a rectangle by its upper left corner, in the axis's units, filled with ``fill`` of its colour.

    White lies under its line of ``line`` points, beside a solid one and in the gaps of others: it is seen anywhere.
    """
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    if line:
        wider = line + (min(1.2, 0.7 * line) if style == "-" else 0)
        under = Rectangle(corner, width, height, fill=False, edgecolor=(1, 1, 1, 0.75), linewidth=wider)
        axis.add_patch(under)
    edge = colour if line else "none"
    face = to_rgba(colour, fill)
    axis.add_patch(
        Rectangle(corner, width, height, facecolor=face, edgecolor=edge, linewidth=line, linestyle=style, zorder=zorder)
    )


def draw_polygon(axis, corners, colour, shade, edge):
    """Draw a polygon, filled with a colour darkened to ``shade`` of it."""
    from matplotlib.patches import Polygon

    fill = [shade * part for part in rgb(colour)]
    axis.add_patch(Polygon(corners, closed=True, facecolor=fill, edgecolor=edge, linewidth=0.6, joinstyle="round"))


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
