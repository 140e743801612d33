"""Layers that disturb their inputs at random, in training only."""

import math

from pycnn.backend import get_backend
from pycnn.layers.base import Layer
from pycnn.layers.dropout import Dropout
from pycnn.layers.image import read_data_format
from pycnn.layers.spec import InputSpec
from pycnn.random import SeedGenerator
from pycnn.registration import register_serializable

_ALPHA = -1.7580993408473766  # what SELU tends to on the left: -scale * alpha


class _Noise(Layer):
    """A layer with random numbers of its own whose output has the input's shape."""

    supports_masking = True
    _arguments = ("seed",)

    def __init__(self, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self._random = SeedGenerator(seed)

    def _normal(self, like, deviation):
        """Normally distributed numbers of mean 0, an array of the shape and dtype of ``like``."""
        numbers = get_backend().random_normal(self._random.generator(), like.shape, self.dtype)
        return (numbers * numbers.dtype.type(deviation)).astype(like.dtype, copy=False)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)


@register_serializable("layers")
class GaussianNoise(_Noise):
    """In training, add normally distributed noise of mean 0.

    Parameters
    ----------
    stddev : float
        Standard deviation, in [0, 1].
    seed : int, optional
        For a sequence of numbers of the layer's own.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.GaussianNoise(0.5)([[1.0, 2.0]], training=False).numpy()
    array([[1., 2.]], dtype=float32)
    """

    _arguments = ("stddev",)

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= stddev <= 1:
            raise ValueError(f"stddev must lie in [0, 1]. Received: stddev={stddev!r}")
        self.stddev = float(stddev)

    def call(self, inputs, training=False):
        """Compute the output."""
        return inputs + self._normal(inputs.data, self.stddev) if training and self.stddev else inputs


@register_serializable("layers")
class GaussianDropout(_Noise):
    """In training, multiply by normally distributed numbers of mean 1 and variance rate / (1 - rate).

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        For a sequence of numbers of the layer's own.

    Notes
    -----
    Srivastava et al., Dropout, JMLR 15, 2014, section 10.
    """

    _arguments = ("rate",)

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must lie in [0, 1). Received: rate={rate!r}")
        self.rate = float(rate)

    def call(self, inputs, training=False):
        """Compute the output."""
        if not training or not self.rate:
            return inputs
        return inputs * (self._normal(inputs.data, math.sqrt(self.rate / (1 - self.rate))) + 1)


@register_serializable("layers")
class AlphaDropout(_Noise):
    """Dropout that keeps mean 0 and variance 1, for networks with SELU: in training, values become SELU's lower limit
    with probability ``rate``, and all are then scaled and shifted.

    Parameters
    ----------
    rate : float
        In [0, 1).
    noise_shape : tuple, optional
        Shape of the choice, broadcast to the input's; None stands for the input's size.
    seed : int, optional
        For a sequence of choices of the layer's own.

    Notes
    -----
    Klambauer et al., Self-normalizing neural networks, NeurIPS 2017.
    """

    _arguments = ("rate", "noise_shape")

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must lie in [0, 1). Received: rate={rate!r}")
        self.rate = float(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def call(self, inputs, training=False):
        """Compute the output."""
        if not training or not self.rate:
            return inputs
        shape = inputs.data.shape
        if self.noise_shape is not None:
            shape = tuple(n if m is None else m for m, n in zip(self.noise_shape, shape, strict=True))
        dtype = inputs.data.dtype
        kept = get_backend().random_uniform(self._random.generator(), shape, self.dtype) >= self.rate
        scale = ((1 - self.rate) * (1 + self.rate * _ALPHA**2)) ** -0.5
        shift = -scale * _ALPHA * self.rate
        dropped = (scale * _ALPHA) * (1 - kept.astype(dtype)) + shift
        return inputs * (kept * dtype.type(scale)) + dropped.astype(dtype, copy=False)


class _SpatialDropout(Dropout):
    """Dropout of whole maps; a subclass says by ``noise_shape`` what a map is."""

    def __init__(self, rate, noise_shape, seed, name, dtype, **kwargs):
        super().__init__(rate, noise_shape, seed, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=len(noise_shape))

    def get_config(self):
        """Return the arguments that make the same layer."""
        config = super().get_config()
        del config["noise_shape"]
        return config


@register_serializable("layers")
class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences (batch, steps, channels), in training.

    Parameters
    ----------
    rate : float
        In [0, 1].
    seed : int, optional
        For a sequence of choices of the layer's own.
    """

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, (None, 1, None), seed, name, dtype, **kwargs)


@register_serializable("layers")
class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole maps of images (batch, height, width, channels), in training.

    Parameters
    ----------
    rate : float
        In [0, 1].
    data_format : {"channels_last", "channels_first"}, optional
    seed : int, optional
        For a sequence of choices of the layer's own.

    Notes
    -----
    Tompson et al., Efficient object localization using convolutional networks, CVPR 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> y = layers.SpatialDropout2D(0.5, seed=1)(np.ones((1, 8, 8, 4)), training=True).numpy()
    >>> bool((y == y[:, :1, :1]).all())
    True
    """

    _arguments = ("data_format",)

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        self.data_format = read_data_format(data_format)
        first = self.data_format == "channels_first"
        super().__init__(rate, (None, None, 1, 1) if first else (None, 1, 1, None), seed, name, dtype, **kwargs)
