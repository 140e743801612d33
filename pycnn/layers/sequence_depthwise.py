"""Convolutions along sequences that filter each channel by itself: DepthwiseConv1D, SeparableConv1D."""

from pycnn import ops
from pycnn.layers.conv import count
from pycnn.layers.sequence import as_rows, as_sequences
from pycnn.layers.sequence_conv import SequenceConv
from pycnn.registration import register_serializable


class _Depthwise1D(SequenceConv):
    """A kernel (kernel_size, channels, depth_multiplier), Keras's layout, used as grouped."""

    _arguments = ("depth_multiplier", "depthwise_initializer", "depthwise_regularizer", "depthwise_constraint")

    def _filter(self, rows, kernel, bias=None, activation=None):
        channels = rows.data.shape[-1]
        kernel = ops.reshape(kernel, (self.kernel_size, 1, channels * self.depth_multiplier))
        return self._convolve(rows, kernel, bias, channels, activation)


@register_serializable("layers")
class DepthwiseConv1D(_Depthwise1D):
    """Convolution along sequences of each channel by itself, with ``depth_multiplier`` filters a channel.

    Parameters are those of Conv1D but filters, groups and ``"causal"``, with ``depthwise_`` for ``kernel_``.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((2, 10, 4))).shape
    (2, 8, 8)
    """

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
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
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            {
                "depthwise_initializer": depthwise_initializer,
                "bias_initializer": bias_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "bias_regularizer": bias_regularizer,
                "depthwise_constraint": depthwise_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.depth_multiplier = count("depth_multiplier", depth_multiplier)
        self.kernel = None

    def build_nsc(self, channels):
        """Make the kernel and the bias."""
        channels = self._known(channels)
        self.kernel = self._add("kernel", (self.kernel_size, channels, self.depth_multiplier), "depthwise")
        if self.use_bias:
            self.bias = self._add("bias", (channels * self.depth_multiplier,))

    def call_nsc(self, inputs):
        """Compute the output."""
        return as_sequences(self._filter(as_rows(inputs), self.kernel, self.bias, self.activation))

    def steps_out(self, steps, channels):
        """Return the number of windows, and channels * depth_multiplier."""
        return self._windows(steps), channels * self.depth_multiplier


@register_serializable("layers")
class SeparableConv1D(_Depthwise1D):
    """A depthwise convolution along sequences, then a dense layer at each step that mixes the channels.

    Parameters are those of Conv1D but groups and ``"causal"``, with ``depthwise_`` and ``pointwise_`` for ``kernel_``,
    and ``depth_multiplier``.
    """

    _arguments = ("filters", "pointwise_initializer", "pointwise_regularizer", "pointwise_constraint")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
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
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            {
                "depthwise_initializer": depthwise_initializer,
                "pointwise_initializer": pointwise_initializer,
                "bias_initializer": bias_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "pointwise_regularizer": pointwise_regularizer,
                "bias_regularizer": bias_regularizer,
                "depthwise_constraint": depthwise_constraint,
                "pointwise_constraint": pointwise_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.filters = count("filters", filters)
        self.depth_multiplier = count("depth_multiplier", depth_multiplier)
        self.depthwise_kernel = self.pointwise_kernel = None

    def build_nsc(self, channels):
        """Make both kernels and the bias."""
        channels, many = self._known(channels), self.depth_multiplier
        self.depthwise_kernel = self._add("depthwise_kernel", (self.kernel_size, channels, many), "depthwise")
        self.pointwise_kernel = self._add("pointwise_kernel", (1, channels * many, self.filters), "pointwise")
        if self.use_bias:
            self.bias = self._add("bias", (self.filters,))

    def call_nsc(self, inputs):
        """Compute the output."""
        filtered = as_sequences(self._filter(as_rows(inputs), self.depthwise_kernel))
        kernel = ops.reshape(self.pointwise_kernel, self.pointwise_kernel.data.shape[1:])
        return ops.dense(filtered, kernel, self.bias, self.activation)

    def steps_out(self, steps, channels):
        """Return the number of windows, and the filters."""
        return self._windows(steps), self.filters
