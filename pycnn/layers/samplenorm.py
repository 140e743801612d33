"""Normalisation of each sample by itself: over its axes, groups of channels, or neighbouring channels."""

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.geometry import is_integer
from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec
from pycnn.ops.axes import normalize_axes, normalize_axis
from pycnn.ops.standardize import local_response_norm, standardize
from pycnn.registration import register_serializable


class _SampleNorm(Layer):
    """What the layers of this file share: the output has the input's shape."""

    def normalize(self, inputs):
        """Compute the output for inputs of the weights' dtype."""
        raise NotImplementedError

    def call(self, inputs):
        """Compute the output, in the weights' dtype also where inputs and outputs are half as wide."""
        if self._dtype_policy.half is None:
            return self.normalize(inputs)
        return ops.cast(self.normalize(ops.cast(inputs, self.dtype)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)


class _ScaledNorm(_SampleNorm):
    """Normalisation, then scale by gamma and shift by beta."""

    _arguments = (
        "axis",
        "epsilon",
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "gamma_constraint",
    )

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis = _read_axis(axis)
        self.epsilon = float(epsilon)
        self.center = bool(center)
        self.scale = bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma = self.beta = None

    def _add_gamma_and_beta(self, input_shape):
        """One number for each place along the axes ``self.axis``."""
        rank = len(input_shape)
        axes = normalize_axes(self.axis, rank)
        shape = tuple(input_shape[a] for a in axes)
        if None in shape:
            raise ValueError(
                f"The sizes along axis must be known. Received: axis={self.axis}, input_shape={tuple(input_shape)}"
            )
        if self.scale:
            self.gamma = self.add_weight(
                shape,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                shape,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
                name="beta",
            )
        self.input_spec = InputSpec(ndim=rank, axes=dict(zip(axes, shape, strict=True)))
        # Weights of the last axes are broadcast as they are, others need axes of size 1 behind them.
        trailing = axes == tuple(range(rank - len(axes), rank))
        self._wide = None if trailing else tuple(input_shape[i] if i in axes else 1 for i in range(rank))

    def _scale_and_shift(self, x):
        if self.gamma is not None:
            x = x * (self.gamma if self._wide is None else ops.reshape(self.gamma, self._wide))
        if self.beta is not None:
            x = x + (self.beta if self._wide is None else ops.reshape(self.beta, self._wide))
        return x


def _read_axis(axis):
    if is_integer(axis):
        return int(axis)
    if not isinstance(axis, (list, tuple)) or not axis or not all(is_integer(a) for a in axis):
        raise TypeError(f"axis must be an integer or a tuple of integers. Received: axis={axis!r}")
    return [int(a) for a in axis]


@register_serializable("layers")
class LayerNormalization(_ScaledNorm):
    """Bring each sample to mean 0 and variance 1 over ``axis``, then scale by gamma and shift by beta.

    Parameters
    ----------
    axis : int or tuple of ints
        What mean and variance are taken over; gamma and beta have one number for each place along it.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether to have beta, and gamma.
    beta_initializer, gamma_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : callable, optional

    Notes
    -----
    Ba, Kiros and Hinton, Layer normalization, 2016.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.LayerNormalization(epsilon=0)([[1.0, 3.0], [2.0, 8.0]]).numpy()
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    supports_masking = True

    def build(self, input_shape):
        """Make gamma and beta."""
        self._add_gamma_and_beta(input_shape)

    def normalize(self, inputs):
        """Compute the output."""
        return self._scale_and_shift(standardize(inputs, self.axis, self.epsilon))


@register_serializable("layers")
class GroupNormalization(_ScaledNorm):
    """Bring groups of channels of each sample to mean 0 and variance 1, then scale by gamma and shift by beta.

    Parameters
    ----------
    groups : int
        How many blocks the channels fall into; -1 for as many as there are channels (instance normalisation).
    axis : int
        The axis of channels: -1, or 1 for channels_first.
    epsilon, center, scale, ...
        As in LayerNormalization; gamma and beta have one number a channel.

    Notes
    -----
    Wu and He, Group normalization, ECCV 2018.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.GroupNormalization(groups=2, epsilon=0)([[1.0, 3.0, 2.0, 8.0]]).numpy()
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    supports_masking = True
    _arguments = ("groups",)

    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        if not is_integer(groups) or (groups < 1 and groups != -1):
            raise ValueError(f"groups must be an integer >= 1, or -1. Received: groups={groups!r}")
        if not is_integer(axis):
            raise TypeError(f"axis must be an integer. Received: axis={axis!r}")
        self.groups = int(groups)

    def build(self, input_shape):
        """Make gamma and beta."""
        self._place = place = normalize_axis(self.axis, len(input_shape))
        if place == 0:
            raise ValueError(f"axis must not name the axis of the batch. Received: axis={self.axis}")
        self._add_gamma_and_beta(input_shape)
        channels = input_shape[place]
        self._blocks = channels if self.groups == -1 else self.groups
        if channels % self._blocks:
            raise ValueError(
                "groups must divide the number of channels. "
                f"Received: groups={self.groups}, channels={channels} of input_shape={tuple(input_shape)}"
            )
        self._axes = tuple(i for i in range(1, len(input_shape) + 1) if i != place)

    def normalize(self, inputs):
        """Compute the output."""
        shape, place = inputs.data.shape, self._place
        split = (*shape[:place], self._blocks, shape[place] // self._blocks, *shape[place + 1 :])
        normal = standardize(ops.reshape(inputs, split), self._axes, self.epsilon)
        return self._scale_and_shift(ops.reshape(normal, shape))


@register_serializable("layers")
class RMSNormalization(_SampleNorm):
    """Divide each sample by the root of its mean square over ``axis``, then scale.

    Parameters
    ----------
    axis : int or tuple of ints
    epsilon : float
        Added to the mean square.

    Notes
    -----
    Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019.
    """

    _arguments = ("axis", "epsilon")

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis = _read_axis(axis)
        self.epsilon = float(epsilon)
        self.scale = None

    def build(self, input_shape):
        """Make the scale."""
        rank = len(input_shape)
        axes = normalize_axes(self.axis, rank)
        shape = tuple(input_shape[a] for a in axes)
        self.scale = self.add_weight(shape, "ones", autocast=False, name="scale")
        self._wide = tuple(input_shape[i] if i in axes else 1 for i in range(rank))
        self.input_spec = InputSpec(ndim=rank, axes=dict(zip(axes, shape, strict=True)))

    def normalize(self, inputs):
        """Compute the output."""
        return standardize(inputs, self.axis, self.epsilon, centre=False) * ops.reshape(self.scale, self._wide)


@register_serializable("layers")
class UnitNormalization(_SampleNorm):
    """Divide each sample by its Euclidean norm over ``axis``, so that its length is 1.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.UnitNormalization()([[3.0, 4.0]]).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """

    supports_masking = True
    _arguments = ("axis",)

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = _read_axis(axis)

    def normalize(self, inputs):
        """Compute the output."""
        squares = ops.sum(ops.square(inputs), self.axis, keepdims=True)
        return inputs * ops.rsqrt(ops.maximum(squares, 1e-24))


@register_serializable("layers")
class LocalResponseNormalization(_SampleNorm):
    """Divide each value by a power of the squares of its neighbours in other channels: AlexNet's normalisation.

    ``y = x / (bias + alpha / size * s) ** beta``, where s is the sum of squares of ``size`` neighbouring channels at
    the same place, the value's own channel in the middle. Keras has no such layer; the formula is Caffe's and
    PyTorch's. TensorFlow's ``depth_radius=r, alpha=a`` is ``size=2 * r + 1, alpha=a * size`` here.

    Parameters
    ----------
    size : int
        Number of channels in the sum.
    alpha, beta : float
    bias : float
        Called k by others; AlexNet has 2, GoogLeNet 1.
    axis : int
        The axis of channels: -1, or 1 for channels_first.

    Notes
    -----
    Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, NeurIPS 2012,
    section 3.3 (whose alpha is not divided by the size).

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.LocalResponseNormalization(size=1, alpha=1.0, beta=0.5, bias=0.0)([[3.0, -4.0]]).numpy()
    array([[ 1., -1.]], dtype=float32)
    """

    _arguments = ("size", "alpha", "beta", "bias", "axis")

    def __init__(self, size=5, alpha=1e-4, beta=0.75, bias=1.0, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if not is_integer(size) or size < 1:
            raise ValueError(f"size must be an integer >= 1. Received: size={size!r}")
        if not is_integer(axis):
            raise TypeError(f"axis must be an integer. Received: axis={axis!r}")
        self.size = int(size)
        self.alpha = float(alpha)
        self.beta = float(beta)
        self.bias = float(bias)
        self.axis = int(axis)

    def normalize(self, inputs):
        """Compute the output."""
        return local_response_norm(inputs, self.size, self.alpha, self.beta, self.bias, self.axis)
