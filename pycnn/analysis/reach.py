"""What the outputs of each kind of layer see of its inputs: ``reach``, one function a kind."""

import math
from functools import singledispatch
from typing import NamedTuple

from pycnn import layers
from pycnn.backend.geometry import conv_transpose_geometry, resolve_padding
from pycnn.layers.augment import RandomAffine
from pycnn.ops.axes import normalize_axes


class Field(NamedTuple):
    """What the places of a tensor see: one AxisField for each axis of places, and whether it is the whole input.

    ``axes`` is None where places have no order that can be followed any more: behind Flatten, for instance.
    """

    axes: tuple | None
    whole: bool = False


WHOLE = Field(None, True)


class Places(NamedTuple):
    """A call of a layer, seen as places with channels."""

    call: object  # Call
    fields: list  # the Field of each input; None if it does not depend on the input that is followed
    channels_first: bool

    @property
    def field(self):
        """The only Field."""
        (field,) = self.fields
        return field

    @property
    def counts(self):
        """Number of places along each axis of the output."""
        return self.sizes(self.call.output_shape)

    def sizes(self, shape):
        """Sizes of the axes of places, all but that of the channels, of a shape without the batch."""
        return tuple(shape[1:] if self.channels_first else shape[:-1])

    def is_channels(self, axes):
        """Whether axes of the input, counted with the batch, are that of the channels alone."""
        rank = len(self.call.inputs[0].shape)
        return normalize_axes(axes, rank) == ((1,) if self.channels_first else (rank - 1,))

    def each(self, function, *arguments):
        """Return the Field whose axes are ``function(axis, count, *arguments of the axis)``."""
        if self.field.axes is None:
            return self.field
        return self.field._replace(
            axes=tuple(function(*values) for values in zip(self.field.axes, self.counts, *arguments, strict=True))
        )


@singledispatch
def reach(layer, places):
    """Return the Field of the output of a layer, for Places.

    Here: for a layer that nothing is known of. Register others by ``@reach.register``.
    """
    raise ValueError(
        "What a layer of this kind sees of its input is not known: a function under @pycnn.analysis.reach.register "
        f"can tell. Received: layer {layer.name!r} of type {type(layer).__name__}"
    )


def _register(*kinds):
    def add(function):
        for kind in kinds:
            reach.register(kind, function)
        return function

    return add


@_register(
    layers.Activation, layers.ActivityRegularization, layers.AlphaDropout, layers.BatchNormalization, layers.Dropout,
    layers.ELU, layers.GaussianDropout, layers.GaussianNoise, layers.Identity, layers.InputLayer, layers.LeakyReLU,
    layers.LocalResponseNormalization, layers.Normalization, layers.PReLU, layers.RandomBrightness,
    layers.RandomErasing, layers.RandomFlip, layers.RandomGrayscale, layers.RandomInvert, layers.ReLU,
    layers.Rescaling, RandomAffine,
)  # fmt: skip
def stays(layer, places):
    """Each place sees what it saw; noise and augmentation count as what they are in inference: nothing."""
    return places.field


@_register(
    layers.Flatten,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMinPooling2D,
    layers.RandomContrast,
)
def sees_all(layer, places):
    """Every number of the output sees all places."""
    same = len(places.counts) and places.sizes(places.call.input_shape) == places.counts
    return Field(places.field.axes if same else None, True)


@_register(layers.SqueezeExcite)
def _squeeze_excite(layer, places):
    return places.field._replace(whole=True)


@_register(layers.Dense, layers.RadialBasis)
def _dense(layer, places):
    if len(places.counts) and places.channels_first:
        return WHOLE  # it acts on the last axis, which is one of places
    return places.field


@_register(layers.LayerNormalization, layers.RMSNormalization, layers.Softmax, layers.UnitNormalization)
def _along_an_axis(layer, places):
    return places.field if places.is_channels(layer.axis) else places.field._replace(whole=True)


@_register(layers.GroupNormalization)
def _group_norm(layer, places):
    return places.field._replace(whole=True) if len(places.counts) else places.field


@_register(layers.RepeatVector, layers.Reshape)
def _reshape(layer, places):
    return places.field if places.call.input_shape == places.call.output_shape else WHOLE


@_register(layers.Permute)
def _permute(layer, places):
    rank = len(places.call.input_shape)
    channels = 1 if places.channels_first else rank
    order = [axis for axis in layer.dims if axis != channels]
    if places.field.axes is None or layer.dims.index(channels) != channels - 1:
        return WHOLE
    return places.field._replace(axes=tuple(places.field.axes[axis - 1 - places.channels_first] for axis in order))


# Windows


@_register(
    layers.Conv1D, layers.Conv2D, layers.DepthwiseConv1D, layers.DepthwiseConv2D, layers.SeparableConv1D,
    layers.SeparableConv2D, layers.SparseConv2D, layers.LocallyConnected2D,
)  # fmt: skip
def _conv(layer, places):
    return windows(places, layer.kernel_size, layer.strides, getattr(layer, "dilation_rate", 1), layer.padding)


@_register(
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MinPooling2D,
)
def _pool(layer, places):
    return windows(places, layer.pool_size, layer.strides, 1, layer.padding)


@_register(layers.Subsampling2D)
def _subsampling(layer, places):
    return places.each(lambda axis, count, size: axis.window(size, size, 1, 0, count), layer.pool_size)


def windows(places, size, strides, dilation, padding):
    """The places of the output see windows: those of a convolution or a pooling."""
    rank = len(places.counts)
    size, strides, dilation = (_of_axes(value, rank) for value in (size, strides, dilation))
    if padding == "causal":
        before = [dilation[0] * (size[0] - 1)]
    else:
        before = _before(padding, places.sizes(places.call.input_shape), size, strides, dilation)
    return places.each(lambda axis, count, f, s, d, p: axis.window(f, s, d, p, count), size, strides, dilation, before)


def _before(padding, sizes, window, strides, dilation):
    """Rows of padding before the first place of each axis."""
    if len(sizes) == 1:  # a sequence is an image of one row
        sizes, window, strides, dilation = ((1, *values) for values in (sizes, window, strides, dilation))
        return [resolve_padding(padding, sizes, window, strides, dilation)[1][0]]
    return [before for before, _ in resolve_padding(padding, sizes, window, strides, dilation)]


def _of_axes(value, rank):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


@_register(layers.Conv1DTranspose, layers.Conv2DTranspose)
def _conv_transpose(layer, places):
    sizes = places.sizes(places.call.input_shape)
    rank, missing = len(sizes), (1,) * (2 - len(sizes))
    size, strides, dilation = (_of_axes(v, rank) for v in (layer.kernel_size, layer.strides, layer.dilation_rate))
    extra = layer.output_padding
    if extra is not None:
        extra = (*(0 for _ in missing), *_of_axes(extra, rank))
    geometry = conv_transpose_geometry(
        (1, *missing, *sizes, 1), (*missing, *size, 1, 1), (*missing, *strides), layer.padding, extra,
        (*missing, *dilation),
    )  # fmt: skip
    before = [first for first, _ in geometry.padding[-rank:]]
    return places.each(
        lambda axis, count, f, s, d, p: axis.transposed(f, s, d, p, count), size, strides, dilation, before
    )


# Borders and sizes


@_register(layers.ZeroPadding1D, layers.ZeroPadding2D)
def _zero_padding(layer, places):
    return moved(places, [-before for before, _ in sides(layer.padding)])


@_register(layers.Cropping1D, layers.Cropping2D)
def _cropping(layer, places):
    return moved(places, [before for before, _ in sides(layer.cropping)])


def sides(value):
    """One pair for each axis; layers of sequences have one axis and hold its pair alone."""
    return value if isinstance(value[0], (tuple, list)) else (value,)


def moved(places, starts):
    """The places of the output are those of the input from a first one on."""
    return places.each(lambda axis, count, start: axis.window(1, 1, 1, -start, count), starts)


@_register(layers.CenterCrop)
def _center_crop(layer, places):
    sizes, wanted = places.sizes(places.call.input_shape), (layer.height, layer.width)
    if any(have < want for have, want in zip(sizes, wanted, strict=True)):
        return _enlarged(places, sizes, wanted)
    return moved(places, [(have - want) // 2 for have, want in zip(sizes, wanted, strict=True)])


@_register(layers.RandomCrop)
def _random_crop(layer, places):
    return _enlarged(places, places.sizes(places.call.input_shape), (layer.height, layer.width))


def _enlarged(places, sizes, wanted):
    """The largest middle part of the wanted aspect ratio, resized."""
    return resized(places, "bilinear", *_middle(sizes, wanted))


def _middle(sizes, wanted):
    (rows, columns), (height, width) = sizes, wanted
    kept = max(min(rows, columns * height // width), 1), max(min(columns, rows * width // height), 1)
    return [(have - keep) // 2 for have, keep in zip(sizes, kept, strict=True)], kept


@_register(layers.UpSampling1D, layers.UpSampling2D)
def _up_sampling(layer, places):
    return resized(places, getattr(layer, "interpolation", "nearest"))


@_register(layers.Resizing)
def _resizing(layer, places):
    sizes, wanted = places.sizes(places.call.input_shape), (layer.height, layer.width)
    if layer.crop_to_aspect_ratio:
        return resized(places, layer.interpolation, *_middle(sizes, wanted))
    if layer.pad_to_aspect_ratio:
        (rows, columns), (height, width) = sizes, wanted
        padded = max(rows, columns * height // width), max(columns, rows * width // height)
        ends = [(large - small) // 2 for large, small in zip(padded, sizes, strict=True)]
        kept = [small + 2 * end for small, end in zip(sizes, ends, strict=True)]
        return resized(places, layer.interpolation, [-end for end in ends], kept)
    return resized(places, layer.interpolation)


def resized(places, interpolation, starts=None, kept=None):
    """The input, or ``kept`` places of it from ``starts`` on, resized to the places of the output."""
    sizes = places.sizes(places.call.input_shape)
    starts, kept = starts or [0] * len(sizes), kept or sizes

    def resize(axis, count, start, size):
        return axis.window(1, 1, 1, -start, size).resized(count, interpolation)

    return places.each(resize, starts, kept)


# Several inputs


@_register(layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply, layers.Subtract)
def _merge(layer, places):
    return unite(places)


@_register(layers.Concatenate)
def _concatenate(layer, places):
    if not places.is_channels(layer.axis):
        raise ValueError(
            "Where tensors are joined along an axis of places there is no common field. "
            f"Received: layer {layer.name!r} with axis={layer.axis}"
        )
    return unite(places)


def unite(places):
    """The places of the output see what the same places of all inputs see: the union."""
    counts, axes, whole, open_order = places.counts, None, False, False
    for x, field in zip(places.call.inputs, places.fields, strict=True):
        if field is None:
            continue
        sizes = places.sizes(x.shape[1:])
        one_for_all = math.prod(counts) > 1 and sizes != counts  # of size 1 where the output is larger
        whole = whole or field.whole or one_for_all
        if one_for_all:
            continue
        if field.axes is None:
            open_order = True
        elif axes is None:
            axes = field.axes
        else:
            axes = _united(axes, field.axes, places.call.layer)
    return Field(None if open_order else axes, whole)


def _united(one, other, layer):
    if [axis.jump for axis in one] != [axis.jump for axis in other]:
        jumps = [" x ".join(str(axis.jump) for axis in axes) for axes in (one, other)]
        raise ValueError(
            "Branches that are joined must have the same stride, else their places do not belong together. "
            f"Received: jumps of {jumps[0]} and {jumps[1]} pixels at layer {layer.name!r}"
        )
    return tuple(a.united(b) for a, b in zip(one, other, strict=True))
