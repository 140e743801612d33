"""The fully connected layer."""

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.geometry import is_integer
from pycnn.layers.activation import read_activation
from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec
from pycnn.registration import register_serializable


@register_serializable("layers")
class Dense(Layer):
    """Fully connected layer: ``activation(inputs @ kernel + bias)``.

    Parameters
    ----------
    units : int
        Size of the output's last axis.
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : callable, optional

    Notes
    -----
    Input (batch, ..., n), output (batch, ..., units). The kernel is (n, units), the bias (units,).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.Dense(4)
    >>> layer(np.ones((2, 3))).shape, layer.count_params()
    ((2, 4), 16)
    """

    supports_masking = True
    _arguments = (
        "units",
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
        units,
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
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if not is_integer(units) or units < 1:
            raise ValueError(f"units must be an integer >= 1. Received: units={units!r}")
        self.units = int(units)
        self.activation = read_activation(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.kernel = self.bias = None

    def build(self, input_shape):
        """Make the kernel and the bias."""
        size = input_shape[-1]
        if size is None:
            raise ValueError(f"The size of the last axis must be known. Received: input_shape={tuple(input_shape)}")
        self.kernel = self.add_weight(
            (size, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs):
        """Compute the output."""
        return ops.dense(inputs, self.kernel, self.bias, self.activation)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with ``units`` on the last axis."""
        return (*input_shape[:-1], self.units)
