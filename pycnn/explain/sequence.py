"""Convolution and pooling along sequences: the formulas of images, for one axis."""

import math

from pycnn import layers
from pycnn.backend.geometry import conv_geometry, conv_transpose_geometry, pool_geometry
from pycnn.explain.describe import describe
from pycnn.explain.windows import CONV_FORMULA, POOL_FORMULA, TRANSPOSE_FORMULA
from pycnn.explain.wording import divided, indented


@describe.register
def _conv(layer: layers.Conv1D, input_shape, output_shape):
    steps, channels = _steps(layer, input_shape)
    return _conv_lines(layer, _geometry(layer, steps, channels, layer.filters, layer.groups), layer.use_bias)


@describe.register
def _depthwise(layer: layers.DepthwiseConv1D, input_shape, output_shape):
    return _conv_lines(layer, _depthwise_geometry(layer, input_shape), layer.use_bias)


@describe.register
def _separable(layer: layers.SeparableConv1D, input_shape, output_shape):
    depth = _depthwise_geometry(layer, input_shape)
    point = conv_geometry(depth.output_shape(1), (1, 1, depth.out_channels, layer.filters))
    p1, m1, lines1 = _conv_lines(layer, depth, False)
    p2, m2, lines2 = _conv_lines(layer, point, layer.use_bias)
    lines = ["each channel by itself:", *indented(lines1), "then 1 over all channels:", *indented(lines2)]
    lines += [f"parameters     {p1:,} + {p2:,} = {p1 + p2:,}", f"multiply-adds  {m1:,} + {m2:,} = {m1 + m2:,}"]
    return p1 + p2, m1 + m2, lines


@describe.register
def _transposed(layer: layers.Conv1DTranspose, input_shape, output_shape):
    steps, channels = _steps(layer, input_shape)
    shape, kernel_shape = (1, 1, steps, channels), (1, layer.kernel_size, layer.filters, channels)
    end = None if layer.output_padding is None else (0, layer.output_padding)
    strides, dilation = (1, layer.strides), (1, layer.dilation_rate)
    g = conv_transpose_geometry(shape, kernel_shape, strides, layer.padding, end, dilation)
    i, f, s, d, (before, after), o = (
        steps,
        layer.kernel_size,
        *g.strides[1:],
        *g.dilation[1:],
        g.padding[1],
        g.input_size[1],
    )
    extra = o - ((i - 1) * s - before - after + d * (f - 1) + 1)
    parameters = f * channels * layer.filters + layer.filters * layer.use_bias
    bias = f" + {layer.filters} biases" if layer.use_bias else ""
    lines = [
        f"i = {i}, f = {f}, p = {before} before, {after} after, s = {s}, d = {d}, output_padding = {extra}",
        f"o = {TRANSPOSE_FORMULA}",
        f"  = ({i} - 1)*{s} - {before} - {after} + {d}*({f}-1) + 1 + {extra} = {o}",
        f"parameters     {f}*{layer.filters} * {channels} weights{bias} = {parameters:,}",
        f"multiply-adds  {i}*{channels} inputs * {f}*{layer.filters} each = {g.multiply_adds:,}",
    ]
    return parameters, g.multiply_adds, lines


@describe.register(layers.MaxPooling1D)
@describe.register(layers.AveragePooling1D)
def _pool(layer, input_shape, output_shape):
    steps, channels = _steps(layer, input_shape)
    g = pool_geometry((1, 1, steps, channels), (1, layer.pool_size), (1, layer.strides), layer.padding)
    f, s, (before, after), o = layer.pool_size, layer.strides, g.padding[1], g.output_size[1]
    lines = [
        f"i = {steps}, f = {f}, p = {before} before, {after} after, s = {s}",
        f"o = {POOL_FORMULA}",
        f"  = floor(({steps} - {f} + {before} + {after})/{s}) + 1 = {o}",
        "no parameters",
    ]
    return 0, 0, lines


def _steps(layer, shape):
    """Steps and channels of a shape without the batch."""
    return shape[::-1] if layer.data_format == "channels_first" else shape


def _geometry(layer, steps, channels, filters, groups):
    """That of an image of one row, which is what the layer computes."""
    before = layer.dilation_rate * (layer.kernel_size - 1)
    padding = ((0, 0), (before, 0)) if layer.padding == "causal" else layer.padding
    kernel_shape = (1, layer.kernel_size, channels // groups, filters)
    return conv_geometry(
        (1, 1, steps, channels), kernel_shape, (1, layer.strides), padding, (1, layer.dilation_rate), groups
    )


def _depthwise_geometry(layer, input_shape):
    steps, channels = _steps(layer, input_shape)
    return _geometry(layer, steps, channels, channels * layer.depth_multiplier, channels)


def _conv_lines(layer, g, use_bias):
    (_, i), (_, f), (_, s), (_, d), (_, (before, after)), (_, o) = (
        g.input_size, g.kernel_size, g.strides, g.dilation, g.padding, g.output_size
    )  # fmt: skip
    window = f"{f}*{divided(g.in_channels, g.groups)}"
    filters = g.out_channels
    parameters = math.prod(g.kernel_shape) + filters * use_bias
    bias = f" + {filters} biases" if use_bias else ""
    lines = [
        f"i = {i}, f = {f}, p = {before} before, {after} after, s = {s}, d = {d}, g = {g.groups}",
        f"o = {CONV_FORMULA}",
        f"  = floor(({i} - {d}*({f}-1) - 1 + {before} + {after})/{s}) + 1 = {o}",
        f"parameters     {window} * {filters} weights{bias} = {parameters:,}",
        f"multiply-adds  {o}*{filters} outputs * {window} each = {g.multiply_adds:,}",
    ]
    return parameters, g.multiply_adds, lines
