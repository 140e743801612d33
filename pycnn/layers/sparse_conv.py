"""SparseConv2D: convolution in which each filter sees some of the channels only, by a table."""

import numpy as np

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.geometry import conv_geometry, is_integer
from pycnn.initializers import Initializer
from pycnn.layers.conv import ConvLayer
from pycnn.registration import register_serializable


class _Connected(Initializer):
    """What another initializer gives for the kernel with all connections, where there are connections."""

    def __init__(self, initializer, channels, connections):
        self.initializer, self.channels, self.connections = initializer, channels, connections

    def values(self, shape, generator):
        """Return the values of the kernel (height, width, connections)."""
        dense = (*shape[:2], self.channels, len(self.connections))
        dense = np.asarray(self.initializer(dense, "float64").numpy())
        return np.concatenate([dense[:, :, seen, i] for i, seen in enumerate(self.connections)], axis=-1)


@register_serializable("layers")
class SparseConv2D(ConvLayer):
    """2-D convolution in which each filter has a table of the input channels that it sees.

    It is what C3 of LeNet-5 is. Keras has no such layer; ``groups`` of Conv2D is the case of equal, separate blocks.

    Parameters
    ----------
    connections : list of lists of ints
        For each filter the channels it sees, counted from 0.
    kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias
        As of Conv2D.
    kernel_initializer, bias_initializer : str or Initializer
        The first is asked for the kernel of a Conv2D, of which the connected parts are taken.
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : callable, optional

    Notes
    -----
    The kernel is (kernel_height, kernel_width, number of connections), those of the first filter first, and is spread
    out to that of a Conv2D, with zeros elsewhere, at each call. LeCun, Bottou, Bengio and Haffner, Gradient-based
    learning applied to document recognition, Proceedings of the IEEE 86 (1998), section II.B and table I.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.SparseConv2D([[0, 1], [1, 2], [0, 1, 2]], 5)
    >>> layer(np.zeros((1, 14, 14, 3))).shape, layer.count_params()
    ((1, 10, 10, 3), 178)
    """

    _arguments = ("connections", "kernel_initializer", "kernel_regularizer", "kernel_constraint")

    def __init__(
        self,
        connections,
        kernel_size,
        strides=(1, 1),
        padding="valid",
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
        **kwargs,
    ):
        super().__init__(
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
        self.connections = _read_connections(connections)
        self.filters = len(self.connections)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.kernel = None

    def build_nhwc(self, input_shape):
        """Make the kernel and the bias."""
        channels = self._known_channels(input_shape)
        last = max(map(max, self.connections))
        if last >= channels:
            raise ValueError(
                f"connections must name channels below {channels}, the input's. Received: connections with {last}"
            )
        count = sum(map(len, self.connections))
        self.kernel = self.add_weight(
            (*self.kernel_size, count),
            _Connected(self.kernel_initializer, channels, self.connections),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)
        self._expect_channels(channels)
        self._places = np.full((channels, self.filters), count)  # beyond the last connection there is a zero
        start = 0
        for i, seen in enumerate(self.connections):
            self._places[seen, i] = np.arange(start, start := start + len(seen))

    def dense_kernel(self):
        """Return the kernel (kernel_height, kernel_width, channels, filters) of a Conv2D that does the same."""
        return ops.take(ops.pad(self.kernel, ((0, 0), (0, 0), (0, 1))), self._places, axis=2)

    def call_nhwc(self, inputs):
        """Compute the output."""
        kernel = self.dense_kernel()
        return ops.conv2d(
            inputs, kernel, self.bias, self.strides, self.padding, self.dilation_rate, activation=self.activation
        )

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape, or raise if the window does not fit."""
        kernel_shape = (*self.kernel_size, input_shape[-1], self.filters)
        return conv_geometry(input_shape, kernel_shape, self.strides, self.padding, self.dilation_rate, 1).output_shape(
            None
        )


def _read_connections(connections):
    table = [list(seen) for seen in connections] if all(map(np.iterable, connections)) else []
    if not table or not all(
        seen and all(is_integer(c) and c >= 0 for c in seen) and len(set(seen)) == len(seen) for seen in table
    ):
        raise ValueError(
            "connections must hold for each filter the channels that it sees: at least one, each once, counted from 0. "
            f"Received: connections={connections!r}"
        )
    return [[int(c) for c in seen] for seen in table]
