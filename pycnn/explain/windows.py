"""Convolution and pooling: sizes by their formulas, from ``backend.geometry``."""

import math

from pycnn import layers
from pycnn.backend.geometry import conv_geometry, conv_transpose_geometry, pool_geometry, window_extent
from pycnn.explain.describe import describe
from pycnn.explain.wording import by, divided, indented, letters, nhwc, product, sizes

CONV_FORMULA = "floor((i - d*(f-1) - 1 + p_before + p_after)/s) + 1"
POOL_FORMULA = "floor((i - f + p_before + p_after)/s) + 1"
CEIL_FORMULA = "ceil((i - f + p_before + p_after)/s) + 1"
TRANSPOSE_FORMULA = "(i - 1)*s - p_before - p_after + d*(f-1) + 1 + output_padding"


@describe.register
def _conv(layer: layers.Conv2D, input_shape, output_shape):
    x_shape = nhwc(layer, input_shape)
    kernel_shape = (*layer.kernel_size, x_shape[-1] // layer.groups, layer.filters)
    g = conv_geometry(x_shape, kernel_shape, layer.strides, layer.padding, layer.dilation_rate, layer.groups)
    return _conv_lines(layer, g, layer.use_bias)


@describe.register
def _depthwise(layer: layers.DepthwiseConv2D, input_shape, output_shape):
    return _conv_lines(layer, _depthwise_geometry(layer, nhwc(layer, input_shape)), layer.use_bias)


@describe.register
def _separable(layer: layers.SeparableConv2D, input_shape, output_shape):
    depth = _depthwise_geometry(layer, nhwc(layer, input_shape))
    point = conv_geometry(depth.output_shape(1), (1, 1, depth.out_channels, layer.filters))
    p1, m1, lines1 = _conv_lines(layer, depth, False)
    p2, m2, lines2 = _conv_lines(layer, point, layer.use_bias, padding="valid")
    lines = ["each channel by itself:", *indented(lines1), "then 1 x 1 over all channels:", *indented(lines2)]
    lines += [f"parameters     {p1:,} + {p2:,} = {p1 + p2:,}", f"multiply-adds  {m1:,} + {m2:,} = {m1 + m2:,}"]
    return p1 + p2, m1 + m2, lines


def _depthwise_geometry(layer, x_shape):
    channels = x_shape[-1]
    kernel_shape = (*layer.kernel_size, 1, channels * layer.depth_multiplier)
    return conv_geometry(x_shape, kernel_shape, layer.strides, layer.padding, layer.dilation_rate, channels)


def _conv_lines(layer, g, use_bias, padding=None):
    kh, kw, group_channels, filters = g.kernel_shape
    lines = [letters(layer, g.input_size, g.kernel_size, g.padding, g.strides, g.dilation, g.groups, padding)]
    lines += sizes(
        CONV_FORMULA,
        [
            f"floor(({i} - {d}*({f}-1) - 1 + {before} + {after})/{s}) + 1 = {o}"
            for i, f, d, s, (before, after), o in zip(
                g.input_size, g.kernel_size, g.dilation, g.strides, g.padding, g.output_size, strict=True
            )
        ],
    )
    window = f"{kh}*{kw}*{divided(g.in_channels, g.groups)}"
    weights = kh * kw * group_channels * filters
    parameters = weights + filters * use_bias
    bias = f" + {filters} biases" if use_bias else ""
    lines.append(f"parameters     {window} * {filters} weights{bias} = {parameters:,}")
    lines.append(f"multiply-adds  {product(g.output_shape(1)[1:])} outputs * {window} each = {g.multiply_adds:,}")
    return parameters, g.multiply_adds, lines


@describe.register
def _local(layer: layers.LocallyConnected2D, input_shape, output_shape):
    x_shape = nhwc(layer, input_shape)
    g = conv_geometry(x_shape, (*layer.kernel_size, x_shape[-1], layer.filters), layer.strides, layer.padding)
    _, multiply_adds, (letters_, *size, _, products) = _conv_lines(layer, g, layer.use_bias)
    _, high, wide, filters = g.output_shape(1)
    window = f"{product(layer.kernel_size)}*{g.in_channels}"
    parameters = multiply_adds + high * wide * filters * layer.use_bias
    bias = f" + {high}*{wide}*{filters} biases" if layer.use_bias else ""
    weights = f"parameters     {high}*{wide} places * {window} * {filters} weights{bias} = {parameters:,}"
    return parameters, multiply_adds, [letters_, *size, weights, products]


@describe.register
def _transposed(layer: layers.Conv2DTranspose, input_shape, output_shape):
    x_shape = nhwc(layer, input_shape)
    kernel_shape = (*layer.kernel_size, layer.filters // layer.groups, x_shape[-1])
    g = conv_transpose_geometry(
        x_shape, kernel_shape, layer.strides, layer.padding, layer.output_padding, layer.dilation_rate, layer.groups
    )
    # g is the convolution that leads back: its output is what comes in here, its input what goes out.
    kh, kw, _, channels = g.kernel_shape
    first = letters(layer, g.output_size, g.kernel_size, g.padding, g.strides, g.dilation, g.groups)
    rows, extras = [], []
    for i, f, d, s, (before, after), o in zip(
        g.output_size, g.kernel_size, g.dilation, g.strides, g.padding, g.input_size, strict=True
    ):
        extra = o - ((i - 1) * s - before - after + window_extent(f, d))
        extras.append(extra)
        rows.append(f"({i} - 1)*{s} - {before} - {after} + {d}*({f}-1) + 1 + {extra} = {o}")
    if any(extras):
        first += f", output_padding = {by(extras)}"
    window = f"{kh}*{kw}*{divided(layer.filters, g.groups)}"
    parameters = math.prod(g.kernel_shape) + layer.filters * layer.use_bias
    bias = f" + {layer.filters} biases" if layer.use_bias else ""
    lines = [first, *sizes(TRANSPOSE_FORMULA, rows)]
    lines.append(f"parameters     {window} * {channels} weights{bias} = {parameters:,}")
    lines.append(f"multiply-adds  {product(x_shape[1:])} inputs * {window} each = {g.multiply_adds:,}")
    return parameters, g.multiply_adds, lines


@describe.register(layers.MaxPooling2D)
@describe.register(layers.MinPooling2D)
@describe.register(layers.AveragePooling2D)
def _pool(layer, input_shape, output_shape):
    g = pool_geometry(nhwc(layer, input_shape), layer.pool_size, layer.strides, layer.padding, layer.ceil_mode)
    lines = [letters(layer, g.input_size, g.pool_size, g.padding, g.strides)]
    rows = []
    for i, f, s, (before, after), o in zip(g.input_size, g.pool_size, g.strides, g.padding, g.output_size, strict=True):
        rounding = "ceil" if layer.ceil_mode else "floor"
        dropped = -(-(i - f + before + after) // s) + 1 - o if layer.ceil_mode else 0
        late = " - 1, as the last window would start beyond the input" if dropped else ""
        rows.append(f"{rounding}(({i} - {f} + {before} + {after})/{s}) + 1{late} = {o}")
    lines += sizes(CEIL_FORMULA if layer.ceil_mode else POOL_FORMULA, rows)
    return 0, 0, [*lines, "no parameters"]


@describe.register(layers.GlobalMaxPooling2D)
@describe.register(layers.GlobalMinPooling2D)
@describe.register(layers.GlobalAveragePooling2D)
def _global_pool(layer, input_shape, output_shape):
    _, height, width, channels = nhwc(layer, input_shape)
    return 0, 0, [f"one number for the {height}*{width} of each of the {channels} channels", "no parameters"]
