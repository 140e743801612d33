"""The layers of a model as boxes, and arrows between them."""

from typing import NamedTuple

from pycnn.layers.structure import flatten_structure
from pycnn.models.summary import type_name
from pycnn.visualize.calls import collect_calls
from pycnn.visualize.canvas import draw_arrow, draw_box, new_figure
from pycnn.visualize.layered import Layout

_LINE, _CHARACTER, _PADDING, _GAP, _RISE, _EDGE = 0.155, 0.068, 0.2, 0.28, 0.3, 0.25  # inches

_COLOURS = (  # of boxes, by a word in the name of the class
    (("Input",), "#e5e7eb"),
    (("Conv", "LocallyConnected"), "#dbeafe"),
    (("Pool", "UpSampling", "Resizing"), "#ffedd5"),
    (("Norm",), "#fef9c3"),
    (("Dense", "Embedding"), "#ede9fe"),
    (("Add", "Concat", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Dot"), "#dcfce7"),
    (("Dropout", "Random", "Noise"), "#fce7f3"),
)


class _Box(NamedTuple):
    lines: list  # of text
    kind: str  # the class of the layer
    groups: tuple  # names of the models around it that are drawn as frames


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
):
    """Draw the layers of a model, and what goes from which to which, with matplotlib alone.

    A layer that is called several times gets as many boxes. Of a subclass of Model, whose ``call`` may do anything
    with its layers, the layers stand one beneath the other without arrows.

    Parameters
    ----------
    model : Model
    to_file : str or path, optional
        Where the picture goes, if not None: a name ending in ``.png``, ``.pdf``, ``.svg``, ...
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        What stands in the boxes beside the class.
    rankdir : {"TB", "LR"}
        From top to bottom, or from left to right.
    expand_nested : bool
        Draw the layers inside of models inside of the model, in a frame.
    dpi : int
        Pixels an inch.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the model was not built yet.

    Examples
    --------
    >>> import pycnn
    >>> from pycnn import layers
    >>> x = pycnn.Input((8,))
    >>> model = pycnn.Model(x, layers.Add()([x, layers.Dense(8)(x)]))
    >>> figure = pycnn.utils.plot_model(model, to_file=None, show_shapes=True)
    >>> [text.get_text() for text in figure.axes[0].texts if "Dense" in text.get_text()]
    ['Dense']
    """
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"rankdir must be 'TB' or 'LR'. Received: rankdir={rankdir!r}")
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} was not built yet: call it on data, or build(input_shape), first. "
            f"Received: model={model!r}"
        )
    wanted = {
        "shapes": show_shapes,
        "dtype": show_dtype,
        "names": show_layer_names,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    calls, edges, _ = collect_calls(model, expand_nested)
    boxes = [_Box(_lines(c.layer, c.outputs, wanted), type_name(c.layer), c.groups) for c in calls]
    figure = _draw(model.name, boxes, edges, rankdir == "TB")
    if to_file is not None:
        figure.savefig(to_file, dpi=dpi)
    return figure


def _lines(layer, outputs, wanted):
    lines = [type_name(layer)]
    if wanted["names"]:
        lines.append(layer.name)
    activation = getattr(layer, "activation", None)
    if wanted["activations"] and activation is not None:
        lines.append(f"activation: {activation if isinstance(activation, str) else activation.__name__}")
    symbols = [] if outputs is None else flatten_structure(outputs)
    if wanted["shapes"]:
        lines.append(", ".join(str(y.shape) for y in symbols) or "?")
    if wanted["dtype"]:
        lines.append(", ".join(y.dtype for y in symbols) or layer.dtype)
    if wanted["trainable"] and layer.weights:
        lines.append("trainable" if layer.trainable else "frozen")
    return lines


def _draw(title, boxes, edges, downwards):
    sizes = [(max(map(len, box.lines)) * _CHARACTER + _PADDING, len(box.lines) * _LINE + 0.13) for box in boxes]
    along, across = (1, 0) if downwards else (0, 1)
    layout = Layout([size[across] for size in sizes], edges or [(i, i + 1) for i in range(len(boxes) - 1)], _GAP)
    rise = _RISE if downwards else 0.45
    depths = [max(size[along] for size, row in zip(sizes, layout.rows, strict=True) if row == r) for r in
              range(max(layout.rows, default=-1) + 1)]  # fmt: skip
    starts = [_EDGE + sum(depths[:r]) + rise * r for r in range(len(depths))]
    length, breadth = _EDGE * 2 + sum(depths) + rise * max(len(depths) - 1, 0), layout.width + 2 * _EDGE
    head = 0.3
    width, height = (breadth, length) if downwards else (length, breadth)
    width = max(width, 0.095 * len(title) + 0.4)
    shift = (width - breadth) / 2 if downwards else 0.0
    figure = new_figure(width, height + head, title, layout=None)
    axis = figure.add_axes((0, 0, 1, height / (height + head)))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.axis("off")

    def point(row_place, place):
        return (place + _EDGE + shift, row_place) if downwards else (row_place, place + _EDGE)

    centres = [point(starts[r] + depths[r] / 2, c) for r, c in zip(layout.rows, layout.centres, strict=True)]
    _frames(axis, boxes, centres, sizes)
    for (start, end), path in zip(edges, layout.paths, strict=False):
        first = starts[layout.rows[start]] + depths[layout.rows[start]] / 2 + sizes[start][along] / 2
        last = starts[layout.rows[end]] + depths[layout.rows[end]] / 2 - sizes[end][along] / 2
        points = [point(first, path[0][1])]
        for row, place in path[1:-1]:
            points += [point(starts[row], place), point(starts[row] + depths[row], place)]
        draw_arrow(axis, [*points, point(last, path[-1][1])], downwards)
    for box, centre, size in zip(boxes, centres, sizes, strict=True):
        draw_box(axis, centre, size, box.lines, box_colour(box.kind), _LINE)
    return figure


def _frames(axis, boxes, centres, sizes):
    """A frame around the boxes of each expanded model, outer ones first."""
    groups = dict.fromkeys(box.groups[: n + 1] for box in boxes for n in range(len(box.groups)))
    for group in sorted(groups, key=len):
        inside = [(c, s) for box, c, s in zip(boxes, centres, sizes, strict=True) if box.groups[: len(group)] == group]
        margin = 0.13 - 0.03 * min(len(group), 3)
        left, right = min(c[0] - s[0] / 2 for c, s in inside) - margin, max(c[0] + s[0] / 2 for c, s in inside) + margin
        top, bottom = min(c[1] - s[1] / 2 for c, s in inside) - margin, max(c[1] + s[1] / 2 for c, s in inside) + margin
        draw_box(axis, ((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top), [], "#f8fafc", _LINE)
        axis.text(left + 0.03, top - 0.02, group[-1], fontsize=6.5, color="#6b7280", va="bottom")


def box_colour(kind):
    """Return the colour of a layer's box by the name of its class."""
    return next((colour for words, colour in _COLOURS if any(word in kind for word in words)), "#f3f4f6")
