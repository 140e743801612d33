"""Convolutions along sequences: Conv1D and its transpose."""

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.geometry import conv_geometry, conv_transpose_geometry
from pycnn.layers.activation import read_activation
from pycnn.layers.conv import count
from pycnn.layers.sequence import SequenceLayer, as_rows, as_sequences, single
from pycnn.registration import register_serializable


class SequenceConv(SequenceLayer):
    """What convolutions along sequences share: windows, a bias, and how weights are made.

    ``weights_arguments`` are further arguments of a subclass, such as ``kernel_initializer``.
    """

    _arguments = (
        "kernel_size",
        "strides",
        "padding",
        "dilation_rate",
        "activation",
        "use_bias",
        "bias_initializer",
        "bias_regularizer",
        "bias_constraint",
    )
    paddings = ("valid", "same")

    def __init__(
        self,
        kernel_size,
        strides,
        padding,
        data_format,
        dilation_rate,
        activation,
        use_bias,
        activity_regularizer,
        weights_arguments,
        **kwargs,
    ):
        super().__init__(data_format, activity_regularizer=activity_regularizer, **kwargs)
        if padding not in self.paddings:
            raise ValueError(f"padding must be one of {', '.join(self.paddings)}. Received: padding={padding!r}")
        self.kernel_size = single("kernel_size", kernel_size)
        self.strides = single("strides", strides)
        self.padding = padding
        self.dilation_rate = single("dilation_rate", dilation_rate)
        self.activation = read_activation(activation)
        self.use_bias = bool(use_bias)
        readers = {"initializer": initializers.get, "regularizer": regularizers.get, "constraint": constraints.get}
        for name, value in weights_arguments.items():
            setattr(self, name, readers[name.rpartition("_")[2]](value))
        self.bias = None

    def _add(self, name, shape, kind=None):
        """Make a weight by the arguments that begin with ``kind``."""
        kind = kind or name
        return self.add_weight(
            shape,
            getattr(self, f"{kind}_initializer"),
            regularizer=getattr(self, f"{kind}_regularizer"),
            constraint=getattr(self, f"{kind}_constraint"),
            name=name,
        )

    def _known(self, channels):
        if channels is None:
            raise ValueError("The number of channels must be known. Received: None")
        self._expect_channels(channels)
        return channels

    def _padding(self):
        """The padding of images of one row."""
        if self.padding == "causal":
            return ((0, 0), (self.dilation_rate * (self.kernel_size - 1), 0))
        return self.padding

    def _convolve(self, inputs, kernel, bias, groups, activation):
        """Convolve images of one row with a kernel (kernel_size, channels // groups, filters)."""
        kernel = ops.reshape(kernel, (1, *kernel.data.shape))
        strides, dilation = (1, self.strides), (1, self.dilation_rate)
        return ops.conv2d(inputs, kernel, bias, strides, self._padding(), dilation, groups, activation)

    def _windows(self, steps):
        shape, kernel_shape = (1, 1, steps, 1), (1, self.kernel_size, 1, 1)
        strides, dilation = (1, self.strides), (1, self.dilation_rate)
        return conv_geometry(shape, kernel_shape, strides, self._padding(), dilation, 1).output_size[1]


@register_serializable("layers")
class Conv1D(SequenceConv):
    """Convolution (cross-correlation) along sequences, plus bias, then an activation.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size, strides : int
    padding : {"valid", "same", "causal"}
        ``"causal"`` puts all padding at the beginning, so that no output sees a later input.
    data_format : {"channels_last", "channels_first"}, optional
    dilation_rate : int
    groups : int
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : callable, optional

    Notes
    -----
    Input (batch, steps, channels), output (batch, out_steps, filters); the kernel is
    (kernel_size, channels // groups, filters).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Conv1D(4, 3)(np.zeros((2, 10, 8))).shape
    (2, 8, 4)
    """

    _arguments = ("filters", "groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")
    paddings = ("valid", "same", "causal")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
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
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            {
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.filters = count("filters", filters)
        self.groups = count("groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"groups must divide the number of filters. Received: groups={groups}, filters={filters}")
        self.kernel = None

    def build_nsc(self, channels):
        """Make the kernel and the bias."""
        channels = self._known(channels)
        if channels % self.groups:
            raise ValueError(
                f"groups must divide the input channels. Received: groups={self.groups}, input channels={channels}"
            )
        self.kernel = self._add("kernel", (self.kernel_size, channels // self.groups, self.filters))
        if self.use_bias:
            self.bias = self._add("bias", (self.filters,))

    def call_nsc(self, inputs):
        """Compute the output."""
        return as_sequences(self._convolve(as_rows(inputs), self.kernel, self.bias, self.groups, self.activation))

    def steps_out(self, steps, channels):
        """Return the number of windows, and the filters."""
        return self._windows(steps), self.filters


@register_serializable("layers")
class Conv1DTranspose(SequenceConv):
    """Transposed convolution along sequences, the adjoint of Conv1D in its input.

    Parameters are those of Conv1D but groups and ``"causal"``, and

    output_padding : int, optional
        Steps added at the end; must be smaller than the strides.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Conv1DTranspose(3, 2, strides=2)(np.zeros((1, 4, 8))).shape
    (1, 8, 3)
    """

    _arguments = ("filters", "output_padding", "kernel_initializer", "kernel_regularizer", "kernel_constraint")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=1,
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
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            {
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.filters = count("filters", filters)
        given = output_padding[0] if isinstance(output_padding, (tuple, list)) else output_padding
        self.output_padding = given
        self._end = None if given is None else (0, given)
        self.kernel = None

    def build_nsc(self, channels):
        """Make the kernel and the bias."""
        self.kernel = self._add("kernel", (self.kernel_size, self.filters, self._known(channels)))
        if self.use_bias:
            self.bias = self._add("bias", (self.filters,))

    def call_nsc(self, inputs):
        """Compute the output."""
        kernel = ops.reshape(self.kernel, (1, *self.kernel.data.shape))
        strides, dilation = (1, self.strides), (1, self.dilation_rate)
        outputs = as_sequences(
            ops.conv2d_transpose(as_rows(inputs), kernel, self.bias, strides, self.padding, self._end, dilation)
        )
        return outputs if self.activation is None else ops.activation(outputs, self.activation)

    def steps_out(self, steps, channels):
        """Return the larger number of steps, and the filters."""
        kernel_shape = (1, self.kernel_size, self.filters, channels)
        strides, dilation = (1, self.strides), (1, self.dilation_rate)
        shape = (1, 1, steps, channels)
        geometry = conv_transpose_geometry(shape, kernel_shape, strides, self.padding, self._end, dilation, 1)
        return geometry.input_size[1], self.filters
