"""What is said about a layer: ``describe``, one function a kind. Here any layer, and those that only move numbers."""

import math
from functools import singledispatch

from pycnn import layers
from pycnn.explain.calls import copy_of
from pycnn.explain.wording import each, nhwc, product, sizes
from pycnn.layers.operation import Operation
from pycnn.layers.structure import is_shape, map_structure

_PRODUCTS = {
    "batch_norm", "batch_normalization", "conv", "conv2d", "conv2d_transpose", "conv_transpose", "dense",
    "depthwise_conv", "dot", "einsum", "inner", "matmul", "outer", "separable_conv", "tensordot", "vdot",
}  # fmt: skip
"""Operations that are made of multiplications; of the others none are counted, as in layers."""


@singledispatch
def describe(layer, input_shape, output_shape):
    """Return (parameters, multiply-adds, lines of text) of a layer, for shapes without the batch.

    Multiply-adds are multiplications by weights, and of inputs with each other, each with its addition if it has one.
    Additions alone, comparisons, and functions such as tanh are not counted. Of a layer with several inputs or
    outputs the shape is a list of shapes.

    Here: for a layer that nothing more is known of; if it has weights, its multiply-adds are None. Register others by
    ``@describe.register``.
    """
    parameters = _count(layer, input_shape)
    lines = [_size(input_shape, output_shape)]
    if not parameters:
        return 0, 0, [f"{lines[0]}, no parameters"]
    unknown = "multiply-adds  not known of layers of this kind (@describe.register teaches them)"
    return parameters, None, [*lines, f"parameters     {parameters:,}", unknown]


def _size(input_shape, output_shape):
    if input_shape == output_shape:
        return "the size stays"
    shapes = [output_shape] if is_shape(output_shape) else output_shape
    return " and ".join(f"{product(shape)} = {math.prod(shape):,} numbers" for shape in shapes)


def _count(layer, input_shape):
    """Parameters of any layer; one that was not built is left so, and a copy of it is counted."""
    if layer.built:
        return layer.count_params()
    copy = copy_of(layer)
    copy.build(map_structure(lambda shape: (None, *shape), input_shape, is_shape))
    return sum(weight.size for weight in copy.weights)


@describe.register
def _operation(layer: Operation, input_shape, output_shape):
    size = _size(input_shape, output_shape)
    if layer.function in _PRODUCTS:
        return 0, None, [f"{size}, no parameters", "multiply-adds  not known of this operation"]
    if layer.function == "multiply" and not is_shape(input_shape):
        return 0, math.prod(output_shape), [*each(output_shape, "of two inputs"), "no parameters"]
    return 0, 0, [f"{size}, no parameters"]


@describe.register
def _dense(layer: layers.Dense, input_shape, output_shape):
    *places, inputs = input_shape
    parameters = inputs * layer.units + layer.units * layer.use_bias
    multiply_adds = math.prod(input_shape) * layer.units
    bias = f" + {layer.units} biases" if layer.use_bias else ""
    a_place = f"{product(places)} places * {inputs}*{layer.units}" if places else f"{inputs}*{layer.units}"
    return (
        parameters,
        multiply_adds,
        [
            f"every output sees all {inputs} inputs",
            f"parameters     {inputs}*{layer.units} weights{bias} = {parameters:,}",
            f"multiply-adds  {a_place} = {multiply_adds:,}",
        ],
    )


@describe.register
def _flatten(layer: layers.Flatten, input_shape, output_shape):
    return 0, 0, [f"{product(input_shape)} = {output_shape[0]}, no parameters"]


@describe.register
def _embedding(layer: layers.Embedding, input_shape, output_shape):
    parameters = layer.input_dim * layer.output_dim
    return (
        parameters,
        0,
        [f"looked up, not computed; parameters     {layer.input_dim}*{layer.output_dim} = {parameters:,}"],
    )


@describe.register
def _time_distributed(layer: layers.TimeDistributed, input_shape, output_shape):
    (steps, *shape), (_, *given) = input_shape, output_shape
    parameters, multiply_adds, lines = describe(layer.layer, tuple(shape), tuple(given))
    lines = [f"at each of {steps} steps {layer.layer.name} ({type(layer.layer).__name__}):", *lines]
    if multiply_adds:
        lines.append(f"multiply-adds  {steps} steps * {multiply_adds:,} = {steps * multiply_adds:,}")
    return parameters, multiply_adds and steps * multiply_adds, lines


@describe.register
def _multiply(layer: layers.Multiply, input_shape, output_shape):
    times = len(input_shape) - 1
    return 0, times * math.prod(output_shape), [*each(output_shape, "of two inputs", times), "no parameters"]


@describe.register
def _dot(layer: layers.Dot, input_shape, output_shape):
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    length = input_shape[0][axis - 1 if axis > 0 else axis]
    multiply_adds = math.prod(output_shape) * length
    normalized = [", not counting what brings the inputs to length 1"] if layer.normalize else [""]
    return (
        0,
        multiply_adds,
        [f"multiply-adds  {product(output_shape)} outputs * {length} each = {multiply_adds:,}{normalized[0]}"],
    )


@describe.register
def _zero_padding(layer: layers.ZeroPadding2D, input_shape, output_shape):
    return 0, 0, _framed(layer, layer.padding, "+", input_shape, output_shape)


@describe.register
def _cropping(layer: layers.Cropping2D, input_shape, output_shape):
    return 0, 0, _framed(layer, layer.cropping, "-", input_shape, output_shape)


def _framed(layer, sides, sign, input_shape, output_shape):
    before, after = nhwc(layer, input_shape)[1:3], nhwc(layer, output_shape)[1:3]
    rows = [f"{i} {sign} {a} {sign} {b} = {o}" for i, (a, b), o in zip(before, sides, after, strict=True)]
    return [*sizes(f"i {sign} before {sign} after", rows), "no parameters"]
