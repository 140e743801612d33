"""Normalisation layers."""

from pycnn import config, constraints, initializers, ops, regularizers
from pycnn.layers.base import Layer
from pycnn.layers.connected import context_training
from pycnn.layers.spec import InputSpec
from pycnn.registration import register_serializable


@register_serializable("layers")
class BatchNormalization(Layer):
    """Bring each channel to mean 0 and variance 1 over the batch, then scale by gamma and shift by beta.

    In training the batch's own mean and variance are used, and moving averages of them are kept; otherwise,
    and in a layer whose ``trainable`` is False, the moving averages are used.

    Parameters
    ----------
    axis : int
        The axis of channels: -1, or 1 for channels_first.
    momentum : float
        Of the moving averages: ``moving = momentum * moving + (1 - momentum) * batch``.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether to have beta, and gamma.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : callable, optional

    Notes
    -----
    Ioffe and Szegedy, Batch normalization, ICML 2015. The moving variance averages biased variances, as in Keras.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.BatchNormalization()([[1.0], [3.0]], training=True).numpy().round(2)
    array([[-1.],
           [ 1.]], dtype=float32)
    """

    supports_masking = True
    _arguments = (
        "axis",
        "momentum",
        "epsilon",
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "moving_mean_initializer",
        "moving_variance_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "gamma_constraint",
    )

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise ValueError(f"axis must be an integer. Received: axis={axis!r}")
        self.axis = axis
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = bool(center)
        self.scale = bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.gamma = self.beta = self.moving_mean = self.moving_variance = None

    def build(self, input_shape):
        """Make gamma, beta, and the moving mean and variance."""
        rank = len(input_shape)
        if not -rank <= self.axis < rank or self.axis % rank == 0:
            raise ValueError(
                f"axis must name an axis of the inputs other than the batch. Received: axis={self.axis}, "
                f"input_shape={tuple(input_shape)}"
            )
        size = input_shape[self.axis]
        if size is None:
            raise ValueError(f"The number of channels must be known. Received: input_shape={tuple(input_shape)}")
        if self.scale:
            self.gamma = self.add_weight(
                (size,),
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                (size,),
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
                name="beta",
            )
        state = {"trainable": False, "autocast": False}
        self.moving_mean = self.add_weight((size,), self.moving_mean_initializer, name="moving_mean", **state)
        self.moving_variance = self.add_weight(
            (size,), self.moving_variance_initializer, name="moving_variance", **state
        )
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: size})

    def call(self, inputs, training=False, mask=None):
        """Compute the output, and in training move the averages; a mask of all axes but the last hides from both."""
        last = self.axis in (-1, inputs.ndim - 1)
        x = inputs if last else ops.moveaxis(inputs, self.axis, -1)
        own = training and self.trainable
        y = self._normalize_seen(x, mask, last) if own and mask is not None else self.normalize(x, own)
        return y if last else ops.moveaxis(y, -1, self.axis)

    def uses_batch(self):
        """Whether a call inside the model that runs now would take the batch's own mean and variance."""
        return bool(self.trainable and context_training())

    def normalize(self, x, own_statistics, residual=None, activation=None):
        """Compute the output for channels that come last, with what may follow in the same pass over memory."""
        options = {"epsilon": self.epsilon, "residual": residual, "activation": activation}
        if not own_statistics:
            return ops.batch_norm(x, self.gamma, self.beta, self.moving_mean, self.moving_variance, **options)
        y, mean, variance = ops.batch_norm(x, self.gamma, self.beta, return_statistics=True, **options)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return y

    def _normalize_seen(self, x, mask, last):
        """Compute the output with the mean and variance of what the mask shows."""
        seen = ops.cast(mask, "bool")
        if seen.ndim != x.ndim - 1:
            raise ValueError(
                f"mask must have one axis less than inputs. Received: mask.shape={seen.shape}, inputs.shape={x.shape}"
            )
        shape = x.shape if last else (*x.shape[: self.axis], x.shape[-1], *x.shape[self.axis : -1])
        seen = ops.broadcast_to(ops.expand_dims(seen, -1), shape)
        seen = seen if last else ops.moveaxis(seen, self.axis, -1)
        axes = tuple(range(x.ndim - 1))
        count = ops.sum(ops.cast(seen, x.dtype), axes) + config.epsilon()
        mean = ops.sum(ops.where(seen, x, 0.0), axes) / count
        variance = ops.sum(ops.square(ops.where(seen, x - mean, 0.0)), axes) / count
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return ops.batch_norm(x, self.gamma, self.beta, mean, variance, epsilon=self.epsilon)

    def _move(self, moving, batch):
        moving.assign_add((batch.data - moving.data) * (1 - self.momentum))

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)
