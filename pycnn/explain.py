"""The arithmetic of a network, written out: every size by its formula, every parameter, every multiply-add.

``explain`` asks ``backend.geometry`` for each size, so what it prints is what the kernels do. To teach it a layer of
another kind, register a function with ``describe``.
"""

import math
from functools import singledispatch
from typing import NamedTuple

from pycnn import layers
from pycnn.backend.geometry import TotalPadding, conv_geometry, conv_transpose_geometry, pool_geometry, window_extent
from pycnn.layers import Layer
from pycnn.models import Sequential

CONV_FORMULA = "floor((i - d*(f-1) - 1 + p_before + p_after)/s) + 1"
POOL_FORMULA = "floor((i - f + p_before + p_after)/s) + 1"
CEIL_FORMULA = "ceil((i - f + p_before + p_after)/s) + 1"
TRANSPOSE_FORMULA = "(i - 1)*s - p_before - p_after + d*(f-1) + 1 + output_padding"


class Step(NamedTuple):
    """One layer: shapes without the batch, and lines of text about it."""

    name: str
    kind: str
    input_shape: tuple
    output_shape: tuple
    parameters: int
    multiply_adds: int
    lines: tuple

    @property
    def head(self):
        """Name and class."""
        return f"{self.name} ({self.kind})"

    def text(self, width):
        """All that is printed about the layer, its head filled up to ``width``."""
        first = f"{self.head:<{width}}  {_by(self.input_shape)}  ->  {_by(self.output_shape)}"
        return "\n".join([first, *_indented(self.lines)])

    def __str__(self):
        return self.text(len(self.head))


class Explanation:
    """What ``explain`` returns: ``str()`` is what it printed.

    Attributes
    ----------
    steps : list of Step
    parameters : int
        Of all layers, a shared one counted once.
    multiply_adds : int
        For one input.
    """

    def __init__(self, steps, parameters):
        self.steps = steps
        self.parameters = parameters
        self.multiply_adds = sum(step.multiply_adds for step in steps)

    def __str__(self):
        width = max([24, *(len(step.head) for step in self.steps)])
        blocks = [step.text(width) for step in self.steps]
        if len(self.steps) > 1:
            first, last = self.steps[0].input_shape, self.steps[-1].output_shape
            blocks.append(
                f"{'in all':<{width}}  {_by(first)}  ->  {_by(last)}\n"
                f"    parameters     {self.parameters:,}\n    multiply-adds  {self.multiply_adds:,}"
            )
        return "\n\n".join(blocks)

    def __repr__(self):
        return (
            f"<Explanation of {len(self.steps)} layer{'s' * (len(self.steps) != 1)}: "
            f"{self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds>"
        )


def explain(layer, input_shape=None):
    """Print the arithmetic of a layer, or of each layer of a model, with the formulas and the numbers put in.

    The letters are those of the textbooks: input size i, window f, padding p, stride s, dilation d, groups g, and
    output size o.

    Parameters
    ----------
    layer : Layer or model
        It is left as it is: nothing is built or computed.
    input_shape : tuple of ints, optional
        Shape of one input, without the batch; a model that knows its input needs none.

    Returns
    -------
    Explanation
        Its ``str()`` is what was printed; ``.parameters``, ``.multiply_adds`` and ``.steps`` hold the numbers.

    Examples
    --------
    >>> from pycnn import explain, layers
    >>> explanation = explain(layers.Conv2D(6, 5, name="c1"), (32, 32, 1))
    c1 (Conv2D)               32 x 32 x 1  ->  28 x 28 x 6
        i = 32 x 32, f = 5 x 5, p = 0, s = 1, d = 1, g = 1
        o = floor((i - d*(f-1) - 1 + p_before + p_after)/s) + 1
          = floor((32 - 1*(5-1) - 1 + 0 + 0)/1) + 1 = 28
        parameters     5*5*1 * 6 weights + 6 biases = 156
        multiply-adds  28*28*6 outputs * 5*5*1 each = 117,600
    >>> explanation
    <Explanation of 1 layer: 156 parameters, 117,600 multiply-adds>
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"layer must be a layer or a model. Received: layer={layer!r}")
    shape = _read_shape(layer, input_shape)
    calls = list(_calls(layer, shape))
    steps = [_step(*call) for call in calls]
    owners = {id(called): step.parameters for (called, _, _), step in zip(calls, steps, strict=True)}
    explanation = Explanation(steps, sum(owners.values()))
    print(explanation)
    return explanation


def _read_shape(layer, input_shape):
    if input_shape is None:
        input_shape = getattr(layer, "input_shape", None)
        if input_shape is None:
            raise ValueError("input_shape is needed: the layer does not know its input. Received: input_shape=None")
        return tuple(input_shape[1:])
    shape = tuple(input_shape)
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(
            "input_shape must be the sizes of one input, without the batch, such as (32, 32, 1). "
            f"Received: input_shape={input_shape!r}"
        )
    return shape


def _calls(layer, shape):
    """(layer, input shape, output shape) of each call of a layer inside, in order; shapes without the batch."""
    if isinstance(layer, Sequential):
        for inner in layer.layers:
            for call in _calls(inner, shape):
                yield call
                shape = call[2]
        return
    inferring = layer
    if not layer.built and type(layer).compute_output_shape is Layer.compute_output_shape:
        inferring = _copy(layer)  # it would run, and so build, the layer
    yield layer, shape, tuple(inferring.compute_output_shape((None, *shape))[1:])


def _copy(layer):
    return type(layer).from_config(layer.get_config())


def _step(layer, input_shape, output_shape):
    parameters, multiply_adds, lines = describe(layer, input_shape, output_shape)
    kind = type(layer).__name__
    return Step(layer.name, kind, input_shape, output_shape, parameters, multiply_adds, tuple(lines))


@singledispatch
def describe(layer, input_shape, output_shape):
    """Return (parameters, multiply-adds, lines of text) of a layer, for shapes without the batch.

    Here: for a layer that nothing more is known of. Register others by ``@describe.register``.
    """
    parameters = _count(layer, input_shape)
    size = (
        "the size stays"
        if input_shape == output_shape
        else f"{_product(output_shape)} = {math.prod(output_shape):,} numbers"
    )
    return parameters, 0, [size + (", no parameters" if not parameters else ""), *_total(parameters)]


def _count(layer, input_shape):
    """Parameters of any layer; one that was not built is left so, and a copy of it is counted."""
    if layer.built:
        return layer.count_params()
    copy = _copy(layer)
    copy.build((None, *input_shape))
    return sum(weight.size for weight in copy.weights)


@describe.register
def _conv(layer: layers.Conv2D, input_shape, output_shape):
    x_shape = _nhwc(layer, input_shape)
    kernel_shape = (*layer.kernel_size, x_shape[-1] // layer.groups, layer.filters)
    g = conv_geometry(x_shape, kernel_shape, layer.strides, layer.padding, layer.dilation_rate, layer.groups)
    return _conv_lines(layer, g, layer.use_bias)


@describe.register
def _depthwise(layer: layers.DepthwiseConv2D, input_shape, output_shape):
    return _conv_lines(layer, _depthwise_geometry(layer, _nhwc(layer, input_shape)), layer.use_bias)


@describe.register
def _separable(layer: layers.SeparableConv2D, input_shape, output_shape):
    depth = _depthwise_geometry(layer, _nhwc(layer, input_shape))
    point = conv_geometry(depth.output_shape(1), (1, 1, depth.out_channels, layer.filters))
    p1, m1, lines1 = _conv_lines(layer, depth, False)
    p2, m2, lines2 = _conv_lines(layer, point, layer.use_bias, padding="valid")
    lines = ["each channel by itself:", *_indented(lines1), "then 1 x 1 over all channels:", *_indented(lines2)]
    lines += [f"parameters     {p1:,} + {p2:,} = {p1 + p2:,}", f"multiply-adds  {m1:,} + {m2:,} = {m1 + m2:,}"]
    return p1 + p2, m1 + m2, lines


def _depthwise_geometry(layer, x_shape):
    channels = x_shape[-1]
    kernel_shape = (*layer.kernel_size, 1, channels * layer.depth_multiplier)
    return conv_geometry(x_shape, kernel_shape, layer.strides, layer.padding, layer.dilation_rate, channels)


def _conv_lines(layer, g, use_bias, padding=None):
    kh, kw, group_channels, filters = g.kernel_shape
    lines = [_letters(layer, g.input_size, g.kernel_size, g.padding, g.strides, g.dilation, g.groups, padding)]
    lines += _sizes(
        CONV_FORMULA,
        [
            f"floor(({i} - {d}*({f}-1) - 1 + {before} + {after})/{s}) + 1 = {o}"
            for i, f, d, s, (before, after), o in zip(
                g.input_size, g.kernel_size, g.dilation, g.strides, g.padding, g.output_size, strict=True
            )
        ],
    )
    window = f"{kh}*{kw}*{_divided(g.in_channels, g.groups)}"
    weights = kh * kw * group_channels * filters
    parameters = weights + filters * use_bias
    bias = f" + {filters} biases" if use_bias else ""
    lines.append(f"parameters     {window} * {filters} weights{bias} = {parameters:,}")
    lines.append(f"multiply-adds  {_product(g.output_shape(1)[1:])} outputs * {window} each = {g.multiply_adds:,}")
    return parameters, g.multiply_adds, lines


@describe.register
def _transposed(layer: layers.Conv2DTranspose, input_shape, output_shape):
    x_shape = _nhwc(layer, input_shape)
    kernel_shape = (*layer.kernel_size, layer.filters // layer.groups, x_shape[-1])
    g = conv_transpose_geometry(
        x_shape, kernel_shape, layer.strides, layer.padding, layer.output_padding, layer.dilation_rate, layer.groups
    )
    # g is the convolution that leads back: its output is what comes in here, its input what goes out.
    kh, kw, _, channels = g.kernel_shape
    letters = _letters(layer, g.output_size, g.kernel_size, g.padding, g.strides, g.dilation, g.groups)
    rows, extras = [], []
    for i, f, d, s, (before, after), o in zip(
        g.output_size, g.kernel_size, g.dilation, g.strides, g.padding, g.input_size, strict=True
    ):
        extra = o - ((i - 1) * s - before - after + window_extent(f, d))
        extras.append(extra)
        rows.append(f"({i} - 1)*{s} - {before} - {after} + {d}*({f}-1) + 1 + {extra} = {o}")
    if any(extras):
        letters += f", output_padding = {_by(extras)}"
    window = f"{kh}*{kw}*{_divided(layer.filters, g.groups)}"
    parameters = math.prod(g.kernel_shape) + layer.filters * layer.use_bias
    bias = f" + {layer.filters} biases" if layer.use_bias else ""
    lines = [letters, *_sizes(TRANSPOSE_FORMULA, rows)]
    lines.append(f"parameters     {window} * {channels} weights{bias} = {parameters:,}")
    lines.append(f"multiply-adds  {_product(x_shape[1:])} inputs * {window} each = {g.multiply_adds:,}")
    return parameters, g.multiply_adds, lines


@describe.register(layers.MaxPooling2D)
@describe.register(layers.MinPooling2D)
@describe.register(layers.AveragePooling2D)
def _pool(layer, input_shape, output_shape):
    g = pool_geometry(_nhwc(layer, input_shape), layer.pool_size, layer.strides, layer.padding, layer.ceil_mode)
    lines = [_letters(layer, g.input_size, g.pool_size, g.padding, g.strides)]
    rows = []
    for i, f, s, (before, after), o in zip(g.input_size, g.pool_size, g.strides, g.padding, g.output_size, strict=True):
        rounding = "ceil" if layer.ceil_mode else "floor"
        dropped = -(-(i - f + before + after) // s) + 1 - o if layer.ceil_mode else 0
        late = " - 1, as the last window would start beyond the input" if dropped else ""
        rows.append(f"{rounding}(({i} - {f} + {before} + {after})/{s}) + 1{late} = {o}")
    lines += _sizes(CEIL_FORMULA if layer.ceil_mode else POOL_FORMULA, rows)
    return 0, 0, [*lines, "no parameters"]


@describe.register(layers.GlobalMaxPooling2D)
@describe.register(layers.GlobalMinPooling2D)
@describe.register(layers.GlobalAveragePooling2D)
def _global_pool(layer, input_shape, output_shape):
    _, height, width, channels = _nhwc(layer, input_shape)
    return 0, 0, [f"one number for the {height}*{width} of each of the {channels} channels", "no parameters"]


@describe.register
def _dense(layer: layers.Dense, input_shape, output_shape):
    *places, inputs = input_shape
    parameters = inputs * layer.units + layer.units * layer.use_bias
    multiply_adds = math.prod(input_shape) * layer.units
    bias = f" + {layer.units} biases" if layer.use_bias else ""
    each = f"{_product(places)} places * {inputs}*{layer.units}" if places else f"{inputs}*{layer.units}"
    return (
        parameters,
        multiply_adds,
        [
            f"every output sees all {inputs} inputs",
            f"parameters     {inputs}*{layer.units} weights{bias} = {parameters:,}",
            f"multiply-adds  {each} = {multiply_adds:,}",
        ],
    )


@describe.register
def _flatten(layer: layers.Flatten, input_shape, output_shape):
    return 0, 0, [f"{_product(input_shape)} = {output_shape[0]}, no parameters"]


@describe.register
def _batch_norm(layer: layers.BatchNormalization, input_shape, output_shape):
    channels = input_shape[layer.axis - 1 if layer.axis > 0 else layer.axis]
    trained = [name for name, used in (("scale", layer.scale), ("shift", layer.center)) if used]
    parts = [*trained, "moving mean", "moving variance"]
    parameters, elements = len(parts) * channels, math.prod(input_shape)
    return (
        parameters,
        elements,
        [
            f"parameters     {channels} channels * {len(parts)} ({', '.join(parts)}) = {parameters:,}, "
            f"of them {len(trained) * channels:,} trained",
            f"multiply-adds  {_product(input_shape)}, one each in inference = {elements:,}",
        ],
    )


@describe.register
def _zero_padding(layer: layers.ZeroPadding2D, input_shape, output_shape):
    return 0, 0, _framed(layer, layer.padding, "+", input_shape, output_shape)


@describe.register
def _cropping(layer: layers.Cropping2D, input_shape, output_shape):
    return 0, 0, _framed(layer, layer.cropping, "-", input_shape, output_shape)


def _framed(layer, sides, sign, input_shape, output_shape):
    sizes, results = _nhwc(layer, input_shape)[1:3], _nhwc(layer, output_shape)[1:3]
    rows = [f"{i} {sign} {a} {sign} {b} = {o}" for i, (a, b), o in zip(sizes, sides, results, strict=True)]
    return [*_sizes(f"i {sign} before {sign} after", rows), "no parameters"]


def _nhwc(layer, shape):
    """Shape with a batch of one and the channels last."""
    if getattr(layer, "data_format", None) == "channels_first":
        channels, height, width = shape
        return (1, height, width, channels)
    return (1, *shape)


def _letters(layer, i, f, padding, s, d=None, groups=None, asked=None):
    """The line that gives every letter its number."""
    asked = layer.padding if asked is None else asked
    name = f' ("{asked}")' if isinstance(asked, str) and asked != "valid" else ""
    if isinstance(asked, TotalPadding):
        name = f" (in all {asked.height} and {asked.width})"
    text = f"i = {_by(i)}, f = {_by(f)}, p = {_pads(padding)}{name}, s = {_once(s)}"
    return text + (f", d = {_once(d)}, g = {groups}" if d is not None else "")


def _sizes(formula, rows):
    """The formula, and beneath it height and width; once where they are the same."""
    if rows[0] == rows[1]:
        return [f"o = {formula}", f"  = {rows[0]}"]
    return [f"o = {formula}", f"height: {rows[0]}", f"width:  {rows[1]}"]


def _pads(padding):
    (top, bottom), (left, right) = padding
    if top == bottom == left == right:
        return str(top)
    if top == bottom and left == right:
        return f"{top} above and below, {left} left and right"
    return f"{top} above, {bottom} below, {left} left, {right} right"


def _total(parameters):
    return [f"parameters     {parameters:,}"] if parameters else []


def _once(pair):
    return str(pair[0]) if pair[0] == pair[1] else _by(pair)


def _by(sizes):
    return " x ".join(map(str, sizes))


def _product(sizes):
    return "*".join(map(str, sizes))


def _divided(channels, groups):
    return str(channels) if groups == 1 else f"({channels}/{groups})"


def _indented(lines):
    return ["    " + line for line in lines]
