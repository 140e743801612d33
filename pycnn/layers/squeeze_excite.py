"""SqueezeExcite: channels weighed by what the whole image shows."""

from pycnn import initializers, ops
from pycnn.layers.conv import count
from pycnn.layers.image import ImageLayer
from pycnn.registration import register_serializable


@register_serializable("layers")
class SqueezeExcite(ImageLayer):
    """Multiply each channel by a number in (0, 1) that two dense layers compute of the means of all channels.

    Keras has no such layer.

    Parameters
    ----------
    ratio : int
        The first dense layer has channels // ratio units, at least one, and ReLU; the second has a sigmoid.
    data_format : {"channels_last", "channels_first"}, optional
    kernel_initializer, bias_initializer : str or Initializer
        Of both dense layers.

    Notes
    -----
    Hu, Shen and Sun, Squeeze-and-excitation networks, CVPR 2018. In a residual network it stands on the residual
    branch, before the addition.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.SqueezeExcite(ratio=16)
    >>> layer(np.zeros((1, 7, 7, 64))).shape, layer.count_params()
    ((1, 7, 7, 64), 580)
    """

    _arguments = ("ratio", "kernel_initializer", "bias_initializer")

    def __init__(
        self, ratio=16, data_format=None, kernel_initializer="glorot_uniform", bias_initializer="zeros", **kwargs
    ):
        super().__init__(data_format, **kwargs)
        self.ratio = count("ratio", ratio)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build_nhwc(self, input_shape):
        """Make the kernels and biases."""
        channels = self._known_channels(input_shape)
        few = max(channels // self.ratio, 1)
        self.squeeze_kernel = self.add_weight((channels, few), self.kernel_initializer, name="squeeze_kernel")
        self.squeeze_bias = self.add_weight((few,), self.bias_initializer, name="squeeze_bias")
        self.excite_kernel = self.add_weight((few, channels), self.kernel_initializer, name="excite_kernel")
        self.excite_bias = self.add_weight((channels,), self.bias_initializer, name="excite_bias")
        self._expect_channels(channels)

    def call_nhwc(self, inputs):
        """Compute the output."""
        means = ops.global_avg_pool2d(inputs, False)
        hidden = ops.dense(means, self.squeeze_kernel, self.squeeze_bias, "relu")
        weights = ops.dense(hidden, self.excite_kernel, self.excite_bias, "sigmoid")
        batch, channels = weights.data.shape
        return inputs * ops.reshape(weights, (batch, 1, 1, channels))
