"""Activations as layers, and how layers read the argument ``activation``."""

from pycnn import ops, registration
from pycnn.layers.base import Layer
from pycnn.ops.activation import ACTIVATIONS, get_activation
from pycnn.registration import register_serializable

_NAME_OF = {function: name for name, function in ACTIVATIONS.items()}


def read_activation(identifier):
    """Return the name of a known activation, a callable that has none, or None for linear.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if isinstance(identifier, dict):
        identifier = registration.deserialize(identifier)
    function = get_activation(identifier)
    name = _NAME_OF.get(function, function)
    return None if name == "linear" else name


@register_serializable("layers")
class Activation(Layer):
    """An activation, given by name or as a callable, as a layer of its own.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Activation("relu")([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    _arguments = ("activation",)

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = read_activation(activation)

    def call(self, inputs):
        """Compute the output."""
        return ops.activation(inputs, self.activation)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)


class _Elementwise(Layer):
    """A layer that gives each element its own output."""

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)


@register_serializable("layers")
class ReLU(_Elementwise):
    """Rectified linear unit: max(x, 0), or with arguments a bounded, leaky or shifted one.

    Parameters
    ----------
    max_value : float, optional
        Where the output is cut off.
    negative_slope : float
        Slope below the threshold.
    threshold : float
        Below it the output is ``negative_slope * (x - threshold)``.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.ReLU(max_value=6.0)([[-1.0, 9.0]]).numpy()
    array([[0., 6.]], dtype=float32)
    """

    _arguments = ("max_value", "negative_slope", "threshold")

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0:
            raise ValueError(f"max_value must not be negative. Received: max_value={max_value!r}")
        if negative_slope is None or negative_slope < 0:
            raise ValueError(f"negative_slope must not be negative. Received: negative_slope={negative_slope!r}")
        if threshold is None or threshold < 0:
            raise ValueError(f"threshold must not be negative. Received: threshold={threshold!r}")
        self.max_value = None if max_value is None else float(max_value)
        self.negative_slope = float(negative_slope)
        self.threshold = float(threshold)

    def call(self, inputs):
        """Compute the output."""
        return ops.relu(inputs, self.negative_slope, self.max_value, self.threshold)


@register_serializable("layers")
class LeakyReLU(_Elementwise):
    """x where it is positive, else ``negative_slope * x``.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.LeakyReLU(0.5)([[-1.0, 2.0]]).numpy()
    array([[-0.5,  2. ]], dtype=float32)
    """

    _arguments = ("negative_slope",)

    def __init__(self, negative_slope=0.3, **kwargs):
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(f"negative_slope must not be negative. Received: negative_slope={negative_slope!r}")
        self.negative_slope = float(negative_slope)

    def call(self, inputs):
        """Compute the output."""
        return ops.leaky_relu(inputs, self.negative_slope)


@register_serializable("layers")
class ELU(_Elementwise):
    """x where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2016)."""

    _arguments = ("alpha",)

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = float(alpha)

    def call(self, inputs):
        """Compute the output."""
        return ops.elu(inputs, self.alpha)


@register_serializable("layers")
class Softmax(_Elementwise):
    """exp(x) / sum(exp(x)) along ``axis``.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Softmax()([[0.0, 0.0]]).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    _arguments = ("axis",)

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        """Compute the output."""
        return ops.softmax(inputs, self.axis)
