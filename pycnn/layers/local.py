"""LocallyConnected2D: convolution without shared weights."""

import math

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.geometry import conv_geometry, pair
from pycnn.layers.activation import read_activation
from pycnn.layers.conv import count
from pycnn.layers.image import ImageLayer
from pycnn.ops.local import local_conv2d
from pycnn.registration import register_serializable


@register_serializable("layers")
class LocallyConnected2D(ImageLayer):
    """Like Conv2D, but each place of the output has a filter and a bias of its own.

    Keras 3 has no such layer; the arguments are those of Keras 2's, whose ``implementation=1`` has the same weights.

    Parameters
    ----------
    filters : int
    kernel_size, strides : int or pair of ints
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : callable, optional

    Notes
    -----
    The kernel is (out_height * out_width, kernel_height * kernel_width * channels, filters), the bias
    (out_height, out_width, filters), so height and width of the input must be known and always the same.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.LocallyConnected2D(2, 3)
    >>> layer(np.zeros((1, 5, 5, 1))).shape, layer.count_params()
    ((1, 3, 3, 2), 180)
    """

    _arguments = (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "activation",
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "bias_constraint",
    )

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
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
        super().__init__(data_format, activity_regularizer=activity_regularizer, **kwargs)
        if padding not in ("valid", "same"):
            raise ValueError(f"padding must be 'valid' or 'same'. Received: padding={padding!r}")
        self.filters = count("filters", filters)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding
        self.activation = read_activation(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel = self.bias = None

    def build_nhwc(self, input_shape):
        """Make the kernel and the bias."""
        if None in input_shape[1:]:
            raise ValueError(f"Height, width and channels must be known. Received: input_shape={tuple(input_shape)}")
        geometry = self._geometry(input_shape)
        _, high, wide, _ = geometry.output_shape(1)
        self.kernel = self.add_weight(
            (high * wide, math.prod(self.kernel_size) * input_shape[-1], self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (high, wide, self.filters),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self._padding = ((0, 0), *geometry.padding, (0, 0)) if any(map(any, geometry.padding)) else None
        sizes = input_shape[1:]
        self.input_spec.axes.update(enumerate((sizes[2], *sizes[:2]) if self._first else sizes, 1))

    def _geometry(self, shape):
        kernel_shape = (*self.kernel_size, shape[-1], self.filters)
        return conv_geometry((1, *shape[1:]), kernel_shape, self.strides, self.padding, (1, 1), 1)

    def call_nhwc(self, inputs):
        """Compute the output."""
        if self._padding is not None:
            inputs = ops.pad(inputs, self._padding)
        outputs = local_conv2d(inputs, self.kernel, self.kernel_size, self.strides)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs if self.activation is None else ops.activation(outputs, self.activation)

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape, or raise if the window does not fit."""
        return (input_shape[0], *self._geometry(input_shape).output_shape(1)[1:])
