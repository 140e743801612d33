"""Random changes of the values of images, for training: contrast, brightness, erasing, inverting, grey."""

import numpy as np

from pycnn import ops
from pycnn.backend import get_backend
from pycnn.layers.image import ImageLayer
from pycnn.random import SeedGenerator
from pycnn.registration import register_serializable


class _RandomColour(ImageLayer):
    """What the layers of this file share. With ``training=False`` the images pass unchanged."""

    _arguments = ("seed",)

    def __init__(self, seed, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self._random = SeedGenerator(seed)
        self._height_axis, self._channel_axis = (2, 1) if self._first else (1, 3)

    def change(self, images, generator):
        """Return the changed images."""
        raise NotImplementedError(f"{type(self).__name__} must define change(self, images, generator)")

    def call(self, inputs, training=True):
        """Compute the output."""
        return self.change(inputs, self._random.generator()) if training else inputs

    def _one_an_image(self, numbers, like):
        """Random numbers of the host as an array that images can be combined with."""
        return get_backend().asarray(numbers.reshape(-1, 1, 1, 1).astype(like.dtype))


def _factor(value, argument="factor", smallest=0.0):
    """Return (lower, upper); one number means from the smallest allowed, or its negative, to itself."""
    pair = value if isinstance(value, (tuple, list)) else (max(-abs(value), smallest), value)
    if len(pair) != 2 or not all(smallest <= v <= 1 for v in pair):
        raise ValueError(
            f"{argument} must be a number, or a pair of numbers, in [{smallest:g}, 1]. Received: {argument}={value!r}"
        )
    return tuple(sorted(float(v) for v in pair))


def _value_range(value_range):
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(f"value_range must be a pair of numbers. Received: value_range={value_range!r}")
    return tuple(sorted(float(v) for v in value_range))


@register_serializable("layers")
class RandomContrast(_RandomColour):
    """In training, multiply how far the values of each image lie from their mean, channel by channel.

    Parameters
    ----------
    factor : float or pair of floats
        The multiplier lies between 1 - lower and 1 + upper; one number stands for both. (That is what Keras
        documents; Keras 3.15 takes one number for the upper and 0 for the lower.)
    value_range : pair of floats
        What results are cut off at: (0, 255), or (0, 1) for images of that range.
    seed : int, optional
        For a sequence of numbers of the layer's own.

    Examples
    --------
    >>> from pycnn import layers
    >>> import numpy as np
    >>> images = np.array([100.0, 200.0]).reshape(1, 1, 2, 1)
    >>> layers.RandomContrast((0.0, 0.0))(images, training=True).numpy().ravel()
    array([100., 200.], dtype=float32)
    """

    _arguments = ("factor", "value_range")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self._lower, self._upper = _factor(factor) if isinstance(factor, (tuple, list)) else _factor((factor, factor))
        self.factor = factor
        self.value_range = _value_range(value_range)

    def change(self, images, generator):
        """Return images of other contrast."""
        factors = generator.uniform(1 - self._lower, 1 + self._upper, len(images))
        mean = ops.mean(images, (self._height_axis, self._height_axis + 1), keepdims=True)
        scale, share = self._one_an_image(factors, images), self._one_an_image(1 - factors, images)
        return ops.add_clipped(images * scale, mean * share, *self.value_range)


@register_serializable("layers")
class RandomBrightness(_RandomColour):
    """In training, add a number to all values of each image.

    Parameters
    ----------
    factor : float or pair of floats
        What is added, as a share of ``value_range``, in [-1, 1]: 0.2 means from -0.2 to 0.2.
    value_range : pair of floats
        What results are cut off at: (0, 255), or (0, 1) for images of that range.
    seed : int, optional
        For a sequence of numbers of the layer's own.

    Examples
    --------
    >>> from pycnn import layers
    >>> import numpy as np
    >>> layers.RandomBrightness((0.2, 0.2))(np.full((1, 1, 1, 1), 100.0), training=True).item()
    151.0
    """

    _arguments = ("factor", "value_range")

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self._bounds = _factor(factor, smallest=-1.0)
        self.factor = factor
        self.value_range = _value_range(value_range)

    def change(self, images, generator):
        """Return brighter or darker images."""
        low, high = self.value_range
        shifts = generator.uniform(*self._bounds, len(images)) * (high - low)
        return ops.add_clipped(images, self._one_an_image(shifts, images), low, high)


class _SomeImages(_RandomColour):
    """A change of which each image is the object with a probability that is itself drawn between two bounds."""

    _arguments = ("factor", "value_range")

    def __init__(self, factor, value_range, seed, data_format, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self._bounds = _factor(factor)
        self.factor = factor
        self.value_range = _value_range(value_range)

    def _chosen(self, generator, count):
        return (generator.random(count) < generator.uniform(*self._bounds, count)).reshape(count, 1, 1, 1)


@register_serializable("layers")
class RandomInvert(_SomeImages):
    """In training, turn images into their negatives: ``value_range[1] - x``.

    Parameters
    ----------
    factor : float or pair of floats
        Bounds of the probability; one number means from 0 to itself.
    value_range : pair of floats
    seed : int, optional
        For a sequence of choices of the layer's own.
    data_format : {"channels_last", "channels_first"}, optional
    """

    def __init__(self, factor=1.0, value_range=(0, 255), seed=None, data_format=None, **kwargs):
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def change(self, images, generator):
        """Return images of which some are negatives."""
        return ops.where(self._chosen(generator, len(images)), self.value_range[1] - images, images)


@register_serializable("layers")
class RandomErasing(_SomeImages):
    """In training, fill a random rectangle of images (Zhong et al., Random erasing data augmentation, AAAI 2020).

    Parameters
    ----------
    factor : float or pair of floats
        Bounds of the probability; one number means from 0 to itself.
    scale : pair of floats
        Bounds of the squares of the rectangle's height and width, as shares of the image's.
    fill_value : float or list of one number a channel, optional
        Normally distributed noise unless given.
    value_range : pair of floats
        What the filling is cut off at.
    seed : int, optional
        For a sequence of rectangles of the layer's own.
    data_format : {"channels_last", "channels_first"}, optional
    """

    _arguments = ("scale", "fill_value")

    def __init__(
        self,
        factor=1.0,
        scale=(0.02, 0.33),
        fill_value=None,
        value_range=(0, 255),
        seed=None,
        data_format=None,
        **kwargs,
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)
        self._sizes = _factor(scale, "scale")
        self.scale = scale
        self.fill_value = fill_value

    def change(self, images, generator):
        """Return images of which some have a filled rectangle."""
        shape, count = images.shape, len(images)
        rectangle = self._chosen(generator, count)
        for axis in (self._height_axis, self._height_axis + 1):
            length = np.sqrt(generator.uniform(*self._sizes, count)) * shape[axis]
            start = generator.random(count) * (shape[axis] - length)
            along = [-1 if i == axis else 1 for i in range(4)]
            place = np.arange(shape[axis]).reshape(along)
            start, end = start.reshape(-1, 1, 1, 1), (start + length).reshape(-1, 1, 1, 1)
            rectangle = rectangle & (place >= start) & (place < end)
        return ops.where(rectangle, get_backend().asarray(self._filling(shape, generator, images.dtype)), images)

    def _filling(self, shape, generator, dtype):
        if self.fill_value is None:
            filling = generator.standard_normal(shape) * self.value_range[1]
        else:
            values = np.asarray(self.fill_value, np.float64)
            filling = (
                values.reshape([-1 if i == self._channel_axis else 1 for i in range(4)]) if values.ndim else values
            )
        return np.clip(filling, *self.value_range).astype(dtype)


@register_serializable("layers")
class RandomGrayscale(_RandomColour):
    """In training, take the colour from each image with probability ``factor``; three channels remain.

    Parameters
    ----------
    factor : float
        In [0, 1].
    data_format : {"channels_last", "channels_first"}, optional
    seed : int, optional
        For a sequence of choices of the layer's own.

    Notes
    -----
    Grey is 0.2989 R + 0.587 G + 0.114 B.
    """

    _arguments = ("factor",)

    def __init__(self, factor=0.5, data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"factor must lie in [0, 1]. Received: factor={factor!r}")
        self.factor = float(factor)

    def change(self, images, generator):
        """Return images of which some are grey."""
        if images.shape[self._channel_axis] != 3:
            raise ValueError(f"inputs must have 3 channels, red, green, blue. Received: inputs.shape={images.shape}")
        chosen = (generator.random(len(images)) < self.factor).reshape(-1, 1, 1, 1)
        shares = np.array([0.2989, 0.587, 0.114], images.dtype)
        shares = shares.reshape([3 if i == self._channel_axis else 1 for i in range(4)])
        grey = ops.sum(images * get_backend().asarray(shares), self._channel_axis, keepdims=True)
        return ops.where(chosen, grey, images)
