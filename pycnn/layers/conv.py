"""Convolution layers: Conv2D and its transpose."""

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.geometry import conv_geometry, conv_transpose_geometry, is_integer, pair
from pycnn.layers.activation import read_activation
from pycnn.layers.image import ImageLayer, read_padding, write_padding
from pycnn.registration import register_serializable


class ConvLayer(ImageLayer):
    """What convolution layers share: their windows, and a bias."""

    _arguments = (
        "kernel_size",
        "strides",
        "dilation_rate",
        "activation",
        "use_bias",
        "bias_initializer",
        "bias_regularizer",
        "bias_constraint",
    )

    def __init__(
        self,
        kernel_size,
        strides,
        padding,
        data_format,
        dilation_rate,
        activation,
        use_bias,
        bias_initializer,
        bias_regularizer,
        activity_regularizer,
        bias_constraint,
        **kwargs,
    ):
        super().__init__(data_format, activity_regularizer=activity_regularizer, **kwargs)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = read_padding(padding)
        self.dilation_rate = pair("dilation_rate", dilation_rate)
        self.activation = read_activation(activation)
        self.use_bias = bool(use_bias)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias = None

    def _add_bias(self, filters):
        if self.use_bias:
            self.bias = self.add_weight(
                (filters,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def get_config(self):
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "padding": write_padding(self.padding)}


def count(argument, value):
    """Return ``value``, which must be an integer >= 1."""
    if not is_integer(value) or value < 1:
        raise ValueError(f"{argument} must be an integer >= 1. Received: {argument}={value!r}")
    return int(value)


class _FullConvLayer(ConvLayer):
    """A convolution with one kernel over all channels of a group: forwards or transposed."""

    _arguments = ("filters", "groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")

    def __init__(self, filters, groups, kernel_initializer, kernel_regularizer, kernel_constraint, **kwargs):
        super().__init__(**kwargs)
        self.filters = count("filters", filters)
        self.groups = count("groups", groups)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.kernel = None

    def _add_kernel(self, shape):
        self.kernel = self.add_weight(
            shape,
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )


@register_serializable("layers")
class Conv2D(_FullConvLayer):
    """2-D convolution (cross-correlation, as in all networks), plus bias, then an activation.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or pair of ints
    strides : int or pair of ints
    padding : str, int, pair, pair of pairs or TotalPadding
        ``"valid"``, ``"same"``, and what else ``pycnn.backend.geometry`` lists.
    data_format : {"channels_last", "channels_first"}, optional
    dilation_rate : int or pair of ints
        Other than in Keras, it may be combined with strides.
    groups : int
        Input and output channels fall into this many blocks that do not see each other.
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : callable, optional

    Notes
    -----
    Input (batch, height, width, channels), output (batch, out_height, out_width, filters).
    The kernel is (kernel_height, kernel_width, channels // groups, filters), the bias (filters,).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.Conv2D(6, 5, activation="tanh")
    >>> layer(np.zeros((1, 32, 32, 1))).shape, layer.count_params()
    ((1, 28, 28, 6), 156)
    """

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        groups=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            filters=filters,
            groups=groups,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
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
        if self.filters % self.groups:
            raise ValueError(f"groups must divide the number of filters. Received: groups={groups}, filters={filters}")

    def build_nhwc(self, input_shape):
        """Make the kernel and the bias."""
        channels = self._known_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                "groups must divide the input channels. "
                f"Received: groups={self.groups}, input channels={channels} of input_shape={tuple(input_shape)}"
            )
        self._add_kernel((*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias(self.filters)
        self._expect_channels(channels)

    def call_nhwc(self, inputs):
        """Compute the output."""
        return self.convolve(inputs, self.kernel, self.bias, self.activation)

    def convolve(self, inputs, kernel, bias, activation, residual=None):
        """Compute the output with another kernel and bias, and with what may follow in the same pass over memory."""
        return ops.conv2d(
            inputs,
            kernel,
            bias,
            self.strides,
            self.padding,
            self.dilation_rate,
            self.groups,
            activation,
            residual=residual,
        )

    def scale_shape(self):
        """The shape in which one number a channel of the output multiplies the kernel."""
        return (self.filters,)

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape, or raise if the window does not fit."""
        kernel_shape = (*self.kernel_size, input_shape[-1] // self.groups, self.filters)
        return conv_geometry(
            input_shape, kernel_shape, self.strides, self.padding, self.dilation_rate, self.groups
        ).output_shape(None)


@register_serializable("layers")
class Conv2DTranspose(_FullConvLayer):
    """Transposed 2-D convolution, the adjoint of Conv2D in its input, plus bias, then an activation.

    Parameters are those of Conv2D, and

    output_padding : int or pair of ints, optional
        Rows and columns added at the end; must be smaller than the strides.
    padding : str, int, pair or pair of pairs
        ``"valid"`` and ``"same"`` give Keras's sizes, numbers give PyTorch's.
    groups : int
        Keras has none here; the kernel is (kernel_height, kernel_width, filters // groups, channels).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Conv2DTranspose(3, 2, strides=2)(np.zeros((1, 4, 4, 8))).shape
    (1, 8, 8, 3)
    """

    _arguments = ("output_padding",)

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        groups=1,
        **kwargs,
    ):
        super().__init__(
            filters=filters,
            groups=groups,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
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
        self.output_padding = None if output_padding is None else pair("output_padding", output_padding, 0)
        if self.filters % self.groups:
            raise ValueError(f"groups must divide the number of filters. Received: groups={groups}, filters={filters}")

    def build_nhwc(self, input_shape):
        """Make the kernel and the bias."""
        channels = self._known_channels(input_shape)
        self._add_kernel((*self.kernel_size, self.filters // self.groups, channels))
        self._add_bias(self.filters)
        self._expect_channels(channels)

    def call_nhwc(self, inputs):
        """Compute the output."""
        outputs = ops.conv2d_transpose(
            inputs,
            self.kernel,
            self.bias,
            self.strides,
            self.padding,
            self.output_padding,
            self.dilation_rate,
            self.groups,
        )
        return outputs if self.activation is None else ops.activation(outputs, self.activation)

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape."""
        kernel_shape = (*self.kernel_size, self.filters // self.groups, input_shape[-1])
        return conv_transpose_geometry(
            input_shape, kernel_shape, self.strides, self.padding, self.output_padding, self.dilation_rate, self.groups
        ).input_shape(None)
