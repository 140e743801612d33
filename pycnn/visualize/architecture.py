"""A network as papers draw it: volumes of height, width and channels, with what is done above them."""

from pycnn.visualize.canvas import FRAME, GREY, INK, draw_arrow, draw_polygon, new_figure, text_width, title_height
from pycnn.visualize.model import box_colour
from pycnn.visualize.stages import find_stages

_WORDS, _LINE, _EDGE, _GAP = 7.5, 0.15, 0.25, 0.34  # points; inches of a line, of the border, of an arrow
_SLANT = 0.32  # how much of the width is seen along each axis
_FOLDED_AT = 12.0  # inches of a row
_TALLEST, _THICKEST = 1.15, 0.5  # inches of the largest height, and of the most channels
_LEAST = 0.16, 0.06


def plot_architecture(model, title=None, width=_FOLDED_AT):
    """Draw the stages of a network as volumes, height by width by channels, with what each does above it.

    Blocks with branches are one stage, written line by line: a residual block by its layers and "+ shortcut", an
    inception block by its branches. Stages that repeat are one, with a number. Long networks go over several rows.
    Lengths go with the square roots of the sizes. Activations, normalisation, dropout, padding and flattening are left
    out, and of several outputs only the way to the first is drawn; ``plot_model`` draws every layer.

    Parameters
    ----------
    model : Sequential or Model
        Built, and a graph of layers.
    title : str, optional
        Name and parameters of the model unless given.
    width : float
        Inches of a row.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the model is no graph, as a subclass of Model is none.

    Examples
    --------
    >>> import pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Conv2D(4, 3), layers.Flatten()])
    >>> [text.get_text() for text in plot_architecture(model).axes[0].texts]
    ['input', '8×8×1', '3×3 conv, 4', '6×6×4', '3×3 conv, 4', '4×4×4']
    """
    stages = find_stages(model)
    if title is None:
        title = f"{model.name}: {model.count_params():,} parameters"
        others = len(model.outputs) - 1
        if others > 0:
            title += f"; {others} more output{'s' * (others > 1)} not drawn"
    shapes = [stage.shape for stage in stages]
    most = {
        "side": max([max(side or 1 for side in shape[:-1]) for shape in shapes if len(shape) > 1], default=1),
        "maps": max([shape[-1] or 1 for shape in shapes if len(shape) > 1], default=1),
        "units": max([shape[-1] or 1 for shape in shapes if len(shape) == 1], default=1),
    }
    columns = [_Column(stage, most) for stage in stages]
    rows = _wrap(columns, width)
    breadth = max(sum(c.width for c in row) + _GAP * (len(row) - 1) for row in rows) + 2 * (_EDGE + _GAP)
    breadth = max(breadth, min(text_width(title, 11, bold=True) + 0.4, 5.0))
    head = title_height(title, breadth)
    heights = [_upper(row) + max(c.high for c in row) / 2 + 0.25 for row in rows]
    height = sum(heights) + 0.2 * (len(rows) - 1) + 0.1
    figure = new_figure(breadth, height + head, title, layout=None)
    axis = figure.add_axes((0, 0, 1, height / (height + head)))
    axis.set(xlim=(0, breadth), ylim=(height, 0))
    axis.axis("off")
    top = 0.0
    for i, (row, high) in enumerate(zip(rows, heights, strict=True)):
        _draw_row(axis, row, top, i > 0, i < len(rows) - 1)
        top += high + 0.2
    return figure


class _Column:
    """A stage, and the inches that its volume and its words take."""

    def __init__(self, stage, most):
        self.stage = stage
        *sides, channels = stage.shape or (1,)
        if sides:
            self.face = _length(sides[0], most["side"], _TALLEST, 0)
            across = sides[1] if len(sides) > 1 else 1
            self.depth = _SLANT * _length(across, most["side"], _TALLEST, 0)
            self.thick = _length(channels, most["maps"], _THICKEST, 1)
        else:  # a vector: its length is its height
            self.face, self.depth, self.thick = _length(channels, most["units"], _TALLEST, 0), 0.0, 0.1
        self.size = "×".join("?" if n is None else str(n) for n in stage.shape)
        self.lines = [(line, False) for line in stage.lines]
        if stage.times > 1:
            self.lines.append((f"× {stage.times}", True))
        words = [text_width(line, _WORDS, bold) for line, bold in self.lines]
        self.width = max(*words, text_width(self.size, _WORDS, bold=True), self.thick + self.depth)
        self.above = len(self.lines) * _LINE + 0.06
        self.high = self.face + self.depth


def _length(size, most, longest, kind):
    return max(_LEAST[kind], longest * ((size or 1) / most) ** 0.5)


def _wrap(columns, width):
    """As few rows of at most ``width`` as can be, and these about equally long."""
    inside = width - 2 * (_EDGE + _GAP)
    fewest, limit = len(_rows(columns, inside)), inside
    while limit > 0.5 and len(_rows(columns, limit - 0.1)) == fewest:
        limit -= 0.1
    return _rows(columns, limit)


def _rows(columns, limit):
    rows, taken = [[]], 0.0
    for column in columns:
        if rows[-1] and taken + column.width > limit:
            rows.append([])
            taken = 0.0
        rows[-1].append(column)
        taken += column.width + _GAP
    return rows


def _upper(row):
    """Inches from the top of a row to its middle."""
    return max(c.high / 2 + c.above for c in row) + 0.05


def _draw_row(axis, row, top, goes_on, will_go_on):
    """Volumes on a common middle, their words above them, sizes beneath, arrows between."""
    middle = top + _upper(row)
    x, before = _EDGE + _GAP, None
    if goes_on:
        before = _EDGE
    for column in row:
        centre = x + column.width / 2
        left = centre - (column.thick + column.depth) / 2
        if before is not None:
            _arrow(axis, before, left, middle)
        _draw_volume(axis, column, left, middle)
        base = middle - column.high / 2 - 0.06
        for i, (line, bold) in enumerate(reversed(column.lines)):
            _write(axis, centre, base - i * _LINE, line, "bottom", bold, INK if bold else GREY)
        _write(axis, centre, middle + column.high / 2 + 0.05, column.size, "top", True, INK)
        before = left + column.thick + column.depth
        x += column.width + _GAP
    if will_go_on:
        _arrow(axis, before, max(x - _GAP, before) + _GAP, middle)


def _arrow(axis, start, end, y):
    draw_arrow(axis, [(start + 0.05, y), (end - 0.04, y)], downwards=False)


def _write(axis, x, y, text, vertical, bold, colour):
    weight = "bold" if bold else "normal"
    axis.text(x, y, text, fontsize=_WORDS, ha="center", va=vertical, fontweight=weight, color=colour)


def _draw_volume(axis, column, left, middle):
    """A cuboid seen from the left above: height, width going back, and channels across."""
    colour, edge = box_colour(column.stage.kind), FRAME
    bottom, thick, face, depth = middle + column.high / 2, column.thick, column.face, column.depth
    top, right = bottom - face, left + thick
    front = [(left, bottom), (right, bottom), (right, top), (left, top)]
    roof = [(left, top), (right, top), (right + depth, top - depth), (left + depth, top - depth)]
    side = [(right, bottom), (right + depth, bottom - depth), (right + depth, top - depth), (right, top)]
    for corners, shade in ((front, 1.0), (roof, 0.96), (side, 0.88)):
        if depth or corners is front:
            draw_polygon(axis, corners, colour, shade, edge)
