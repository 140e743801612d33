"""The layers of the first LeNet-5."""

import math

from pycnn import layers
from pycnn.backend.geometry import conv_geometry, pool_geometry
from pycnn.explain.describe import describe
from pycnn.explain.windows import CONV_FORMULA, POOL_FORMULA
from pycnn.explain.wording import letters, nhwc, product, sizes


@describe.register
def _sparse_conv(layer: layers.SparseConv2D, input_shape, output_shape):
    x_shape = nhwc(layer, input_shape)
    kernel_shape = (*layer.kernel_size, x_shape[-1], layer.filters)
    g = conv_geometry(x_shape, kernel_shape, layer.strides, layer.padding, layer.dilation_rate)
    rows = [
        f"floor(({i} - {d}*({f}-1) - 1 + {before} + {after})/{s}) + 1 = {o}"
        for i, f, d, s, (before, after), o in zip(
            g.input_size, g.kernel_size, g.dilation, g.strides, g.padding, g.output_size, strict=True
        )
    ]
    connections, filters = sum(map(len, layer.connections)), layer.filters
    window = f"{product(layer.kernel_size)} * {connections} connections"
    weights = math.prod(layer.kernel_size) * connections
    parameters, multiply_adds = weights + filters * layer.use_bias, math.prod(g.output_size) * weights
    bias = f" + {filters} biases" if layer.use_bias else ""
    return (
        parameters,
        multiply_adds,
        [
            letters(layer, g.input_size, g.kernel_size, g.padding, g.strides, g.dilation),
            *sizes(CONV_FORMULA, rows),
            f"the {filters} filters see {connections} of {filters}*{g.in_channels} channels",
            f"parameters     {window}{bias} = {parameters:,}",
            f"multiply-adds  {product(g.output_size)} places * {window} = {multiply_adds:,}",
        ],
    )


@describe.register
def _subsampling(layer: layers.Subsampling2D, input_shape, output_shape):
    g = pool_geometry(nhwc(layer, input_shape), layer.pool_size)
    rows = [
        f"floor(({i} - {f} + 0 + 0)/{f}) + 1 = {o}"
        for i, f, o in zip(g.input_size, g.pool_size, g.output_size, strict=True)
    ]
    *_, channels = nhwc(layer, output_shape)
    multiply_adds = math.prod(output_shape)
    i, f = (" x ".join(map(str, n)) for n in (g.input_size, g.pool_size))
    return (
        2 * channels,
        multiply_adds,
        [
            f"i = {i}, f = {f}, p = 0, s = f",
            *sizes(POOL_FORMULA, rows),
            f"parameters     {channels} channels * 2 (coefficient, bias) = {2 * channels}",
            f"multiply-adds  {product(output_shape)}, the sum of each window by a coefficient = {multiply_adds:,}",
        ],
    )


@describe.register
def _radial_basis(layer: layers.RadialBasis, input_shape, output_shape):
    *places, inputs = input_shape
    multiply_adds = math.prod(places) * inputs * len(layer.centres)
    each = f"{product(places)} places * " if places else ""
    return (
        0,
        multiply_adds,
        [
            f"every output compares all {inputs} inputs with fixed numbers, no parameters",
            f"multiply-adds  {each}{inputs}*{len(layer.centres)} squares = {multiply_adds:,}",
        ],
    )
