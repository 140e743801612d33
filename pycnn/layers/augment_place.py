"""Which part of an image is shown, and which way round: CenterCrop, RandomCrop, RandomFlip."""

import numpy as np

from pycnn import ops
from pycnn.layers.conv import count
from pycnn.layers.image import ImageLayer
from pycnn.layers.resize import cut_to_aspect_ratio
from pycnn.random import SeedGenerator
from pycnn.registration import register_serializable


class _Crop(ImageLayer):
    """Images cut to a fixed size; smaller ones are cut to its aspect ratio and enlarged."""

    _arguments = ("height", "width")

    def __init__(self, height, width, data_format, **kwargs):
        super().__init__(data_format, **kwargs)
        self.height = count("height", height)
        self.width = count("width", width)

    def cut(self, inputs, top, left):
        """Return the part of images (batch, height, width, channels) that begins at a row and a column."""
        return inputs[:, top : top + self.height, left : left + self.width]

    def enlarge(self, inputs):
        """Return the largest middle part of the right aspect ratio, resized."""
        return ops.resize(cut_to_aspect_ratio(inputs, self.height, self.width), (self.height, self.width), "bilinear")

    def output_shape_nhwc(self, input_shape):
        """Return the shape with the fixed size."""
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def _forget_unknown(self, shape, height, width):
        return shape


@register_serializable("layers")
class CenterCrop(_Crop):
    """The middle of images; images that are too small are first enlarged, as far as needed and undistorted.

    Parameters
    ----------
    height, width : int
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.CenterCrop(1, 2)(np.arange(12.0).reshape(1, 3, 4, 1)).numpy()[0, :, :, 0]
    array([[5., 6.]], dtype=float32)
    """

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(height, width, data_format, **kwargs)

    def call_nhwc(self, inputs):
        """Compute the output."""
        _, height, width, _ = inputs.data.shape
        if height < self.height or width < self.width:
            return self.enlarge(inputs)
        return self.cut(inputs, (height - self.height) // 2, (width - self.width) // 2)


@register_serializable("layers")
class RandomCrop(_Crop):
    """In training a random part of the images, the same of all in a batch; otherwise the middle.

    Images that are too small, and all images outside training, are cut to the aspect ratio of the target and resized
    to it, as Keras's documentation says. (Keras 3 itself leaves images as they are outside training, which its
    ``compute_output_shape`` denies.)

    Parameters
    ----------
    height, width : int
    seed : int, optional
        For a sequence of places of the layer's own.
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.RandomCrop(24, 24)(np.zeros((2, 32, 32, 3)), training=True).shape
    (2, 24, 24, 3)
    """

    _arguments = ("seed",)

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        super().__init__(height, width, data_format, name=name, **kwargs)
        self.seed = seed
        self._random = SeedGenerator(seed)

    def call(self, inputs, training=True):
        """Compute the output."""
        if self._first:
            return ops.transpose(self._crop(ops.transpose(inputs, (0, 2, 3, 1)), training), (0, 3, 1, 2))
        return self._crop(inputs, training)

    def _crop(self, inputs, training):
        _, height, width, _ = inputs.data.shape
        if not training or height < self.height or width < self.width:
            return self.enlarge(inputs)
        generator = self._random.generator()
        top = int(generator.integers(height - self.height + 1))
        left = int(generator.integers(width - self.width + 1))
        return self.cut(inputs, top, left)


@register_serializable("layers")
class RandomFlip(ImageLayer):
    """In training, mirror each image with probability 1/2.

    With ``"horizontal_and_vertical"`` both are drawn independently; Keras 3 does both or neither.

    Parameters
    ----------
    mode : {"horizontal_and_vertical", "horizontal", "vertical"}
        Horizontal exchanges left and right.
    seed : int, optional
        For a sequence of choices of the layer's own.
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.RandomFlip("horizontal", seed=0)(np.arange(4.0).reshape(2, 1, 2, 1), training=True).numpy()[..., 0]
    array([[[0., 1.]],
    <BLANKLINE>
           [[3., 2.]]], dtype=float32)
    """

    _arguments = ("mode", "seed")

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ValueError(
                f"mode must be 'horizontal', 'vertical' or 'horizontal_and_vertical'. Received: mode={mode!r}"
            )
        self.mode = mode
        self.seed = seed
        self._random = SeedGenerator(seed)

    def call(self, inputs, training=True):
        """Compute the output."""
        if not training:
            return inputs
        horizontally, vertically = (self._choices(direction, len(inputs)) for direction in ("horizontal", "vertical"))
        if not self._first:
            return ops.mirror2d(inputs, horizontally, vertically)
        _, channels, height, width = shape = inputs.data.shape
        planes = ops.reshape(inputs, (-1, height, width, 1))
        return ops.reshape(ops.mirror2d(planes, horizontally.repeat(channels), vertically.repeat(channels)), shape)

    def _choices(self, direction, count):
        return self._random.generator().random(count) < 0.5 if direction in self.mode else np.zeros(count, bool)
