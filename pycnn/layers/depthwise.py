"""Convolutions that filter each channel by itself: DepthwiseConv2D, and SeparableConv2D, which then mixes them."""

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.geometry import conv_geometry
from pycnn.layers.conv import ConvLayer, count
from pycnn.registration import register_serializable


class _DepthwiseLayer(ConvLayer):
    """A kernel (kernel_height, kernel_width, channels, depth_multiplier), Keras's layout, used as grouped HWIO."""

    _arguments = ("depth_multiplier", "depthwise_initializer", "depthwise_regularizer", "depthwise_constraint")

    def __init__(self, depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint, **kwargs):
        super().__init__(**kwargs)
        self.depth_multiplier = count("depth_multiplier", depth_multiplier)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def _add_depthwise_kernel(self, channels, name):
        return self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name=name,
        )

    def _filter(self, inputs, kernel, bias=None, activation=None, residual=None):
        channels = inputs.shape[-1]
        kernel = ops.reshape(kernel, (*self.kernel_size, 1, channels * self.depth_multiplier))
        options = (bias, self.strides, self.padding, self.dilation_rate, channels, activation)
        return ops.conv2d(inputs, kernel, *options, residual=residual)

    def _filtered_shape(self, input_shape):
        channels = self._known_channels(input_shape)
        kernel_shape = (*self.kernel_size, 1, channels * self.depth_multiplier)
        return conv_geometry(
            input_shape, kernel_shape, self.strides, self.padding, self.dilation_rate, channels
        ).output_shape(None)


@register_serializable("layers")
class DepthwiseConv2D(_DepthwiseLayer):
    """Convolution of each channel by itself, with ``depth_multiplier`` filters a channel.

    Parameters are those of Conv2D without ``filters`` and ``groups``, the kernel's are called
    ``depthwise_initializer``, ``depthwise_regularizer``, ``depthwise_constraint``, and

    depth_multiplier : int
        Output channels for each input channel.

    Notes
    -----
    The kernel is (kernel_height, kernel_width, channels, depth_multiplier); output channel ``c * depth_multiplier + m``
    is input channel ``c`` under filter ``m``.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")
    >>> layer(np.zeros((1, 8, 8, 5))).shape, layer.kernel.shape
    ((1, 8, 8, 10), (3, 3, 5, 2))
    """

    def __init__(
        self,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            depth_multiplier=depth_multiplier,
            depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.kernel = None

    def build_nhwc(self, input_shape):
        """Make the kernel and the bias."""
        channels = self._known_channels(input_shape)
        self.kernel = self._add_depthwise_kernel(channels, "kernel")
        self._add_bias(channels * self.depth_multiplier)
        self._expect_channels(channels)

    def call_nhwc(self, inputs):
        """Compute the output."""
        return self._filter(inputs, self.kernel, self.bias, self.activation)

    def convolve(self, inputs, kernel, bias, activation, residual=None):
        """Compute the output with another kernel and bias, and with what may follow in the same pass over memory."""
        return self._filter(inputs, kernel, bias, activation, residual)

    def scale_shape(self):
        """The shape in which one number a channel of the output multiplies the kernel."""
        return self.kernel.shape[2:]

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape, or raise if the window does not fit."""
        return self._filtered_shape(input_shape)


@register_serializable("layers")
class SeparableConv2D(_DepthwiseLayer):
    """A depthwise convolution, then a 1x1 convolution that mixes its channels, plus bias, then an activation.

    Parameters are those of Conv2D without ``groups``; the two kernels have their own arguments,
    ``depthwise_initializer``, ..., and ``pointwise_initializer``, ....

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.SeparableConv2D(16, 3)
    >>> layer(np.zeros((1, 8, 8, 4))).shape, layer.count_params()
    ((1, 6, 6, 16), 116)
    """

    _arguments = ("filters", "pointwise_initializer", "pointwise_regularizer", "pointwise_constraint")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            depth_multiplier=depth_multiplier,
            depthwise_initializer=depthwise_initializer,
            depthwise_regularizer=depthwise_regularizer,
            depthwise_constraint=depthwise_constraint,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        self.filters = count("filters", filters)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)
        self.depthwise_kernel = self.pointwise_kernel = None

    def build_nhwc(self, input_shape):
        """Make the two kernels and the bias."""
        channels = self._known_channels(input_shape)
        self.depthwise_kernel = self._add_depthwise_kernel(channels, "depthwise_kernel")
        self.pointwise_kernel = self.add_weight(
            (1, 1, channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            name="pointwise_kernel",
        )
        self._add_bias(self.filters)
        self._expect_channels(channels)

    def call_nhwc(self, inputs):
        """Compute the output."""
        filtered = self._filter(inputs, self.depthwise_kernel)
        return ops.conv2d(filtered, self.pointwise_kernel, self.bias, activation=self.activation)

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape, or raise if the window does not fit."""
        return (*self._filtered_shape(input_shape)[:-1], self.filters)
