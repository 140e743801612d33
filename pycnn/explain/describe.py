"""What is said about a layer: ``describe``, one function a kind. Those with windows are in windows.py."""

import math
from functools import singledispatch

from pycnn import layers
from pycnn.explain.wording import nhwc, product, sizes


@singledispatch
def describe(layer, input_shape, output_shape):
    """Return (parameters, multiply-adds, lines of text) of a layer, for shapes without the batch.

    Here: for a layer that nothing more is known of. Register others by ``@describe.register``.
    """
    parameters = _count(layer, input_shape)
    size = (
        "the size stays"
        if input_shape == output_shape
        else f"{product(output_shape)} = {math.prod(output_shape):,} numbers"
    )
    return parameters, 0, [size, f"parameters     {parameters:,}"] if parameters else [f"{size}, no parameters"]


def _count(layer, input_shape):
    """Parameters of any layer; one that was not built is left so, and a copy of it is counted."""
    if layer.built:
        return layer.count_params()
    copy = copy_of(layer)
    copy.build((None, *input_shape))
    return sum(weight.size for weight in copy.weights)


def copy_of(layer):
    """Return a layer like this one, without weights."""
    return type(layer).from_config(layer.get_config())


@describe.register
def _dense(layer: layers.Dense, input_shape, output_shape):
    *places, inputs = input_shape
    parameters = inputs * layer.units + layer.units * layer.use_bias
    multiply_adds = math.prod(input_shape) * layer.units
    bias = f" + {layer.units} biases" if layer.use_bias else ""
    each = f"{product(places)} places * {inputs}*{layer.units}" if places else f"{inputs}*{layer.units}"
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
    return 0, 0, [f"{product(input_shape)} = {output_shape[0]}, no parameters"]


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
            f"multiply-adds  {product(input_shape)}, one each in inference = {elements:,}",
        ],
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
