"""The receptive field of every layer: which pixels of the input a place of its output sees."""

from fractions import Fraction

from pycnn.analysis import operations  # noqa: F401 (it registers itself)
from pycnn.analysis.axis import AxisField
from pycnn.analysis.reach import Field, Places, reach
from pycnn.explain.calls import trace
from pycnn.explain.explanation import read_shapes
from pycnn.explain.wording import by, once
from pycnn.layers import Layer
from pycnn.layers.operation import type_name
from pycnn.layers.structure import flatten_structure, is_shape, map_structure
from pycnn.layers.symbolic import SymbolicTensor


class LayerField:
    """The receptive field of one call of a layer. Pairs are (height, width); of sequences they have one member.

    Attributes
    ----------
    name, kind : str
        The layer and its class. The second call of a layer that is used twice is called ``name[1]``.
    output_shape : tuple
        Without the batch.
    whole : bool
        Whether each number of the output sees the whole input.
    size : tuple of ints
        Pixels of the input that a place of the output sees; where that differs between places (behind a transposed
        convolution, or an enlargement) the largest number. Near borders a part of them lies outside of the input.
    jump : tuple of ints or Fractions, or None
        Pixels of the input between neighbouring places of the output: the product of the strides so far. None where
        the output has no places any more.
    centre : tuple of floats, or None
        The middle of what the first place sees, in pixels from the middle of the first pixel; padding makes it smaller.
    """

    def __init__(self, name, kind, output_shape, field, input_size):
        self.name, self.kind, self.output_shape = name, kind, output_shape
        self.axes, self.whole = field.axes, field.whole
        self.size = tuple(input_size) if field.whole else tuple(axis.size for axis in field.axes)
        self.jump = None if field.axes is None else tuple(axis.jump for axis in field.axes)
        self.centre = None if field.axes is None or field.whole else tuple(axis.centre for axis in field.axes)

    def box(self, row, column):
        """Return (x1, y1, x2, y2) around the pixels that a place of the output sees, from the upper left corner on.

        It may reach beyond the input, by what padding the place sees. Raises ValueError where a layer sees the whole
        input, and of sequences.
        """
        if self.whole or len(self.axes) != 2:
            raise ValueError(f"Only fields in images that are not whole have a box. Received: layer {self.name!r}")
        (top, bottom), (left, right) = (axis.at(i) for axis, i in zip(self.axes, (row, column), strict=True))
        return (float(left), float(top), float(right + 1), float(bottom + 1))

    def cells(self):
        """The texts of a row of the table."""
        whole = "whole input"
        return (
            f"{self.name} ({self.kind})",
            by(self.output_shape),
            whole if self.whole else once(self.size) if len(self.size) == 2 else by(self.size),
            "-" if self.jump is None else _pair(self.jump),
            "-" if self.centre is None else _pair(self.centre),
        )

    def __repr__(self):
        size = "the whole input" if self.whole else by(self.size)
        jump = "" if self.jump is None else f", jump {_pair(self.jump)}"
        return f"<LayerField of {self.name}: {size}{jump}>"


class ReceptiveFields:
    """What ``receptive_field`` returns: a list of LayerField, which names find too; ``str()`` is a table."""

    _HEADERS = ("layer", "output", "field", "jump", "centre")

    def __init__(self, layers):
        self.layers = layers

    def __iter__(self):
        return iter(self.layers)

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, key):
        if not isinstance(key, str):
            return self.layers[key]
        for layer in self.layers:
            if layer.name == key:
                return layer
        raise KeyError(
            f"There is no such layer; there are: {', '.join(la.name for la in self.layers)}. Received: {key!r}"
        )

    def __str__(self):
        rows = [self._HEADERS, *(layer.cells() for layer in self.layers)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("   ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def __repr__(self):
        return f"<ReceptiveFields of {len(self.layers)} layers; the last: {self.layers[-1]!r}>"


def receptive_field(model, input_shape=None, input_name=None):
    """Return the receptive field of every layer of a model: how many pixels of the input each place sees, and where.

    It is exact: found from windows, strides, dilations and padding, in whole pixels. Where branches are joined it is
    the union of what they see. Nothing is built or run.

    Parameters
    ----------
    model : Layer or model
        A Sequential or functional model, with any other models inside; also a single layer.
    input_shape : tuple of ints, optional
        Shape of one input, without the batch; a model that knows its input needs none. For several inputs a list or
        dict of shapes.
    input_name : str, optional
        Which input to look at in a model with several; layers that do not depend on it are left out.

    Returns
    -------
    ReceptiveFields
        ``print`` shows a table; ``["name"]`` and numbers give a LayerField with ``size``, ``jump``, ``centre`` and
        ``whole``.

    Raises
    ------
    ValueError
        If branches of different strides are joined, or nothing is known about a layer (register a function with
        ``@pycnn.analysis.reach.register``).

    Notes
    -----
    Field and jump as in Dumoulin and Visin, A guide to convolution arithmetic, 2016, and Araujo, Norris and Sim,
    Computing receptive fields of convolutional neural networks, Distill 2019; but centres count from the middle of the
    first pixel, which lies at 0.

    Examples
    --------
    >>> import pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([
    ...     layers.Input((32, 32, 1)), layers.Conv2D(6, 5, name="c1"), layers.MaxPooling2D(2, name="s2"),
    ...     layers.Conv2D(16, 5, name="c3"), layers.MaxPooling2D(2, name="s4"), layers.Conv2D(120, 5, name="c5"),
    ...     layers.Flatten(name="flat")])
    >>> fields = pycnn.analysis.receptive_field(model)
    >>> print(fields)
    layer               output         field         jump   centre
    c1 (Conv2D)         28 x 28 x 6    5             1      2
    s2 (MaxPooling2D)   14 x 14 x 6    6             2      2.5
    c3 (Conv2D)         10 x 10 x 16   14            2      6.5
    s4 (MaxPooling2D)   5 x 5 x 16     16            4      7.5
    c5 (Conv2D)         1 x 1 x 120    32            4      15.5
    flat (Flatten)      120            whole input   -      -
    >>> fields["c3"].size, fields["c3"].jump, fields["c3"].box(0, 1)
    ((14, 14), (2, 2), (2.0, 0.0, 16.0, 14.0))
    """
    if not isinstance(model, Layer):
        raise TypeError(f"model must be a layer or a model. Received: model={model!r}")
    shapes = read_shapes(model, input_shape)
    inputs = map_structure(lambda shape: SymbolicTensor((None, *shape), model.dtype), shapes, is_shape)
    followed = _followed(model, flatten_structure(inputs), input_name)
    calls, _ = trace(model, inputs)
    channels_first = _layout(calls)
    size = followed.shape[2:] if channels_first else followed.shape[1:-1]
    if not size:
        raise ValueError(f"The input must be images or sequences. Received: input_shape={followed.shape[1:]}")
    fields = {id(followed): Field(tuple(AxisField.of_input(n) for n in size))}
    rows, times = [], {}
    for call in calls:
        places = Places(call, [fields.get(id(x)) for x in call.inputs], channels_first)
        if all(field is None for field in places.fields):
            continue
        field = reach(call.layer, places)
        outputs = flatten_structure(call.outputs)
        fields.update((id(y), field) for y in outputs)
        number = times[call.layer] = times.get(call.layer, -1) + 1
        name = f"{call.layer.name}[{number}]" if number else call.layer.name
        rows.append(LayerField(name, type_name(call.layer), call.output_shape, field, size))
    return ReceptiveFields(rows)


def _followed(model, inputs, name):
    """The input to look at."""
    if len(inputs) == 1 and name is None:
        return inputs[0]
    names = getattr(model, "input_names", None) or []
    if name not in names:
        raise ValueError(f"input_name must be one of {', '.join(names)}. Received: input_name={name!r}")
    return inputs[names.index(name)]


def _layout(calls):
    """Whether the layers are channels_first; raise if some are and some are not."""
    layouts = {}
    for call in calls:
        if hasattr(call.layer, "data_format"):
            layouts.setdefault(call.layer.data_format, call.layer)
    if len(layouts) > 1:
        first, second = layouts.values()
        raise ValueError(
            "All layers must have the same data_format. "
            f"Received: {first.data_format!r} at {first.name!r}, {second.data_format!r} at {second.name!r}"
        )
    return "channels_first" in layouts


def _pair(values):
    """Numbers as text, once where they are equal: 2.5, 1/2, 4 x 2."""
    texts = [str(v) if isinstance(v, (int, Fraction)) else f"{v:g}" for v in values]
    return texts[0] if len(set(texts)) == 1 else " x ".join(texts)
