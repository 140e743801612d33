"""Subsampling2D: LeNet-5's pooling, with two weights a channel."""

from pycnn import initializers, ops
from pycnn.backend.geometry import pair, pool_geometry
from pycnn.layers.activation import read_activation
from pycnn.layers.image import ImageLayer
from pycnn.registration import register_serializable


@register_serializable("layers")
class Subsampling2D(ImageLayer):
    """Sum of each window, times a coefficient, plus a bias, both learned for each channel; then an activation.

    Keras has no such layer. With the coefficient 1 / (number of places in a window) it is average pooling.

    Parameters
    ----------
    pool_size : int or pair of ints
        Rows and columns of the windows, which do not overlap; what is left over at the end is dropped.
    activation : str or callable, optional
    data_format : {"channels_last", "channels_first"}, optional
    coefficient_initializer : str or Initializer, optional
        Unless given, coefficients start as those of average pooling.
    bias_initializer : str or Initializer

    Notes
    -----
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proceedings of the
    IEEE 86 (1998), section II.B: layers S2 and S4 of LeNet-5.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.Subsampling2D()
    >>> layer(np.arange(16.0).reshape(1, 4, 4, 1)).numpy()[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    >>> layer.count_params()
    2
    """

    _arguments = ("pool_size", "activation", "coefficient_initializer", "bias_initializer")

    def __init__(
        self,
        pool_size=(2, 2),
        activation=None,
        data_format=None,
        coefficient_initializer=None,
        bias_initializer="zeros",
        **kwargs,
    ):
        super().__init__(data_format, **kwargs)
        self.pool_size = pair("pool_size", pool_size)
        self.activation = read_activation(activation)
        self.coefficient_initializer = initializers.get(coefficient_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.coefficient = self.bias = None

    def build_nhwc(self, input_shape):
        """Make the coefficients and biases."""
        channels = self._known_channels(input_shape)
        start = self.coefficient_initializer or initializers.Constant(1 / self._places)
        self.coefficient = self.add_weight((channels,), start, name="coefficient")
        self.bias = self.add_weight((channels,), self.bias_initializer, name="bias")
        self._expect_channels(channels)

    @property
    def _places(self):
        return self.pool_size[0] * self.pool_size[1]

    def call_nhwc(self, inputs):
        """Compute the output."""
        outputs = ops.avg_pool2d(inputs, self.pool_size) * (self.coefficient * self._places) + self.bias
        return outputs if self.activation is None else ops.activation(outputs, self.activation)

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape, or raise if the window does not fit."""
        return pool_geometry(input_shape, self.pool_size).output_shape(None, input_shape[-1])
