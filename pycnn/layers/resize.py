"""Layers that change the size or the range of images."""

import numpy as np

from pycnn import ops
from pycnn.backend.geometry import pair
from pycnn.layers.base import Layer
from pycnn.layers.conv import count
from pycnn.layers.image import ImageLayer
from pycnn.registration import register_serializable

_INTERPOLATIONS = ("bilinear", "nearest")


def read_interpolation(interpolation):
    """Return ``interpolation``, which must be known."""
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {', '.join(_INTERPOLATIONS)}. Received: interpolation={interpolation!r}"
        )
    return interpolation


def cut_to_aspect_ratio(images, height, width):
    """Return the largest middle part of images (batch, height, width, channels) with this aspect ratio."""
    _, rows, columns, _ = images.shape
    high = max(min(rows, columns * height // width), 1)
    wide = max(min(columns, rows * width // height), 1)
    top, left = (rows - high) // 2, (columns - wide) // 2
    return images[:, top : top + high, left : left + wide]


@register_serializable("layers")
class UpSampling2D(ImageLayer):
    """Images made larger by whole factors.

    Parameters
    ----------
    size : int or pair of ints
        Factors for height and width.
    data_format : {"channels_last", "channels_first"}, optional
    interpolation : {"nearest", "bilinear"}
        ``"nearest"`` repeats rows and columns.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.UpSampling2D((2, 3))(np.ones((1, 4, 4, 3))).shape
    (1, 8, 12, 3)
    """

    _arguments = ("size", "interpolation")

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(data_format, **kwargs)
        self.size = pair("size", size)
        self.interpolation = read_interpolation(interpolation)

    def call_nhwc(self, inputs):
        """Compute the output."""
        _, height, width, _ = inputs.data.shape
        return ops.resize(inputs, (height * self.size[0], width * self.size[1]), self.interpolation)

    def output_shape_nhwc(self, input_shape):
        """Return the larger shape."""
        batch, height, width, channels = input_shape
        return (batch, height * self.size[0], width * self.size[1], channels)


@register_serializable("layers")
class Resizing(ImageLayer):
    """Images brought to a fixed size; integer images become floats.

    Parameters
    ----------
    height, width : int
    interpolation : {"bilinear", "nearest"}
        Pixel centres lie at half-integers; there is no antialiasing.
    crop_to_aspect_ratio : bool
        First cut the middle out of the images, so that nothing is distorted.
    pad_to_aspect_ratio : bool
        First pad the images with ``fill_value``, as much on either of two sides, so that nothing is distorted; by an
        odd number the images are padded one row or column less, as in Keras.
    fill_mode : {"constant"}
    fill_value : float
    antialias : bool
        Keras's argument; only False.
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Resizing(28, 28)(np.zeros((1, 8, 8, 1), np.uint8)).shape
    (1, 28, 28, 1)
    """

    _arguments = (
        "height",
        "width",
        "interpolation",
        "crop_to_aspect_ratio",
        "pad_to_aspect_ratio",
        "fill_mode",
        "fill_value",
        "antialias",
    )

    def __init__(
        self,
        height,
        width,
        interpolation="bilinear",
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=False,
        fill_mode="constant",
        fill_value=0.0,
        antialias=False,
        data_format=None,
        **kwargs,
    ):
        super().__init__(data_format, **kwargs)
        self.height = count("height", height)
        self.width = count("width", width)
        self.interpolation = read_interpolation(interpolation)
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = bool(pad_to_aspect_ratio)
        self.fill_value = float(fill_value)
        if fill_mode != "constant":
            raise ValueError(f"fill_mode must be 'constant'. Received: fill_mode={fill_mode!r}")
        if antialias:
            raise ValueError(f"antialias must be False: there is no antialiasing. Received: antialias={antialias!r}")
        self.fill_mode = fill_mode
        self.antialias = False
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError(
                "Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be chosen. "
                "Received: crop_to_aspect_ratio=True, pad_to_aspect_ratio=True"
            )

    def call_nhwc(self, inputs):
        """Compute the output."""
        _, height, width, _ = inputs.data.shape
        if self.crop_to_aspect_ratio:
            inputs = cut_to_aspect_ratio(inputs, self.height, self.width)
        elif self.pad_to_aspect_ratio:
            high, wide = max(height, width * self.height // self.width), max(width, height * self.width // self.height)
            top, left = (high - height) // 2, (wide - width) // 2
            sides = ((0, 0), (top, top), (left, left), (0, 0))  # as Keras: the same on both, so one may be missing
            inputs = ops.pad(inputs, sides, constant_values=self.fill_value)
        return ops.resize(inputs, (self.height, self.width), self.interpolation)

    def output_shape_nhwc(self, input_shape):
        """Return the shape with the fixed size."""
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def _forget_unknown(self, shape, height, width):
        return shape


@register_serializable("layers")
class Rescaling(Layer):
    """``inputs * scale + offset``, in floats: ``Rescaling(1 / 255)`` takes images of bytes to [0, 1].

    Parameters
    ----------
    scale, offset : float, or list of one number a channel

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Rescaling(1 / 255)([[0, 51, 255]]).numpy().round(3)
    array([[0. , 0.2, 1. ]], dtype=float32)
    """

    supports_masking = True
    _arguments = ("scale", "offset")

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = _numbers(scale)
        self.offset = _numbers(offset)

    def call(self, inputs):
        """Compute the output."""
        scale, offset = (np.asarray(v, inputs.dtype) if isinstance(v, list) else v for v in (self.scale, self.offset))
        outputs = inputs * scale
        return outputs if isinstance(offset, float) and not offset else outputs + offset

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)


def _numbers(value):
    """A float, or a list of floats, that JSON can hold."""
    array = np.asarray(value, np.float64)
    return float(array) if array.ndim == 0 else array.tolist()
