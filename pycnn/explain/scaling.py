"""Layers that multiply each number by a weight or a statistic: normalisation, learned slopes, channels weighed."""

import math

from pycnn import layers
from pycnn.explain.describe import describe
from pycnn.explain.wording import each, nhwc, product
from pycnn.ops.axes import normalize_axes


@describe.register
def _batch_norm(layer: layers.BatchNormalization, input_shape, output_shape):
    channels = _along(layer.axis, input_shape)
    trained = [name for name, used in (("scale", layer.scale), ("shift", layer.center)) if used]
    parts = [*trained, "moving mean", "moving variance"]
    parameters = len(parts) * channels
    return (
        parameters,
        math.prod(input_shape),
        [
            f"parameters     {channels} channels * {len(parts)} ({', '.join(parts)}) = {parameters:,}, "
            f"of them {len(trained) * channels:,} trained",
            *each(input_shape, "in inference"),
        ],
    )


@describe.register(layers.LayerNormalization)
@describe.register(layers.GroupNormalization)
def _sample_norm(layer, input_shape, output_shape):
    places = _along(layer.axis, input_shape)
    parts = [name for name, used in (("scale", layer.scale), ("shift", layer.center)) if used]
    return _scaled(places, parts, input_shape)


@describe.register
def _rms_norm(layer: layers.RMSNormalization, input_shape, output_shape):
    return _scaled(_along(layer.axis, input_shape), ["scale"], input_shape)


def _scaled(places, parts, shape):
    parameters = places * len(parts)
    return (
        parameters,
        math.prod(shape),
        [
            f"parameters     {places} places * {len(parts)} ({', '.join(parts) or 'none'}) = {parameters:,}",
            *each(shape, "not counting mean and variance"),
        ],
    )


@describe.register
def _normalization(layer: layers.Normalization, input_shape, output_shape):
    places = 1
    for axis in normalize_axes(layer.axis, len(input_shape) + 1) if layer.axis else ():
        places *= input_shape[axis - 1]
    parameters = 2 * places + 1 if layer.input_mean is None else 0
    told = f"{places} places * 2 (mean, variance) + 1 (count) = {parameters:,}" if parameters else "none"
    return parameters, math.prod(input_shape), [f"parameters     {told}, never trained", *each(input_shape)]


@describe.register
def _rescaling(layer: layers.Rescaling, input_shape, output_shape):
    return 0, math.prod(input_shape), [*each(input_shape), "no parameters"]


@describe.register
def _prelu(layer: layers.PReLU, input_shape, output_shape):
    shared = layer.shared_axes or []
    alphas = [1 if axis in shared else n for axis, n in enumerate(input_shape, 1)]
    parameters = math.prod(alphas)
    return (
        parameters,
        math.prod(input_shape),
        [f"parameters     {product(alphas)} = {parameters:,}", *each(input_shape)],
    )


@describe.register
def _squeeze_excite(layer: layers.SqueezeExcite, input_shape, output_shape):
    _, height, width, channels = nhwc(layer, input_shape)
    few = max(channels // layer.ratio, 1)
    weights = 2 * channels * few
    parameters, multiply_adds = weights + few + channels, weights + math.prod(input_shape)
    return (
        parameters,
        multiply_adds,
        [
            f"one number for the {height}*{width} of each channel: {channels} -> {few} -> {channels}, by which the "
            "channel is multiplied",
            f"parameters     {channels}*{few} + {few} + {few}*{channels} + {channels} = {parameters:,}",
            f"multiply-adds  2*{channels}*{few} + {product(input_shape)} = {multiply_adds:,}",
        ],
    )


def _along(axes, shape):
    """Number of places along an axis or several axes of a shape without the batch."""
    return math.prod(shape[axis - 1] for axis in normalize_axes(axes, len(shape) + 1))
