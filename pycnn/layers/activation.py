"""Activations as layers, and how layers read the argument ``activation``."""

from pycnn import constraints, initializers, ops, registration, regularizers
from pycnn.autograd import as_tensor
from pycnn.backend.geometry import is_integer
from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec
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

    supports_masking = True
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

    supports_masking = True

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

    Parameters
    ----------
    axis : int or tuple of ints
        Over several axes the output's sum is 1 over all of them together.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Softmax()([[0.0, 0.0]]).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    _arguments = ("axis",)

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis if is_integer(axis) else list(axis)
        if not is_integer(axis) and not (self.axis and all(map(is_integer, self.axis))):
            raise ValueError(f"axis must be an integer or a tuple of integers. Received: axis={axis!r}")

    def call(self, inputs, mask=None):
        """Compute the output; it is 0 where ``mask``, which is broadcast to the inputs, does not hold."""
        if mask is not None:
            mask = as_tensor(mask)
            sizes = zip(mask.shape[::-1], inputs.shape[::-1], strict=False)
            if mask.ndim > inputs.ndim or any(m not in (1, n) for m, n in sizes):
                raise ValueError(
                    "mask must have the size of the inputs, or 1, along each of their last axes. "
                    f"Received: mask.shape={mask.shape}, inputs.shape={inputs.shape}"
                )
            inputs = ops.where(mask, inputs, -1e9)
        if isinstance(self.axis, list):
            outputs = ops.exp(inputs - ops.logsumexp(inputs, self.axis, keepdims=True))
        else:
            outputs = ops.softmax(inputs, self.axis)
        return outputs if mask is None else ops.where(mask, outputs, 0.0)


@register_serializable("layers")
class PReLU(_Elementwise):
    """x where it is positive, else ``alpha * x``, with an alpha for each place that is learned.

    Parameters
    ----------
    alpha_initializer : str or Initializer
    alpha_regularizer : str or Regularizer, optional
    alpha_constraint : callable, optional
    shared_axes : int or list of ints, optional
        Axes, counted from 1 behind the batch, along which alpha is the same: ``[1, 2]`` gives one for each channel
        of images.

    Notes
    -----
    He et al., Delving deep into rectifiers, ICCV 2015.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.PReLU(alpha_initializer="ones")([[-1.0, 2.0]]).numpy()
    array([[-1.,  2.]], dtype=float32)
    """

    _arguments = ("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes")

    def __init__(
        self,
        alpha_initializer="Zeros",
        alpha_regularizer=None,
        alpha_constraint=None,
        shared_axes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = (
            [shared_axes] if is_integer(shared_axes) else None if shared_axes is None else list(shared_axes)
        )
        self.alpha = None

    def build(self, input_shape):
        """Make alpha."""
        rank, shared = len(input_shape), self.shared_axes or []
        if not all(is_integer(a) and 1 <= a < rank for a in shared):
            raise ValueError(
                f"shared_axes must hold axes from 1 to {rank - 1}. Received: shared_axes={self.shared_axes}"
            )
        shape = tuple(1 if i in shared else n for i, n in enumerate(input_shape))[1:]
        if None in shape:
            raise ValueError(
                f"Sizes must be known along axes that are not shared. Received: shared_axes={self.shared_axes}, "
                f"input_shape={tuple(input_shape)}"
            )
        self.alpha = self.add_weight(
            shape,
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        self.input_spec = InputSpec(ndim=rank, axes={i: n for i, n in enumerate(shape, 1) if i not in shared})

    def call(self, inputs):
        """Compute the output."""
        return ops.where(inputs > 0, inputs, inputs * self.alpha)
