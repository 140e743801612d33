"""Batch normalisation (Ioffe and Szegedy 2015), in training and at inference."""

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend.dtypes import FLOAT32
from pycnn.ops.activation import activation as apply_activation
from pycnn.ops.activation import fusable
from pycnn.ops.promotion import same_float


class _BatchNorm(Function):
    """``statistics`` is a dict that the batch's own mean and variance are left in, or None if they are given."""

    half_wide = (0, 5)

    def forward(self, x, gamma, beta, mean, variance, residual, *, epsilon, activation, statistics):
        if self.halves:
            terms = gamma, beta, mean, variance
            gamma, beta, mean, variance = (None if a is None else a.astype(FLOAT32, copy=False) for a in terms)
        else:
            x, gamma, beta, mean, variance, residual = same_float(x, gamma, beta, mean, variance, residual)
        if statistics is not None:
            mean, variance = self.backend.batch_norm_statistics(x)
            statistics["mean"], statistics["variance"] = mean, variance
        self.x, self.gamma, self.beta, self.mean, self.variance = x, gamma, beta, mean, variance
        self.epsilon, self.activation, self.own = epsilon, activation, statistics is not None
        y = self.backend.batch_norm_forward(x, mean, variance, gamma, beta, epsilon, residual, activation)
        self.y = y if activation is not None and residual is not None else None
        return y

    def backward(self, gy):
        xp = self.backend.xp
        gresidual = gy
        if self.needs_grad[5] and self.activation is not None:
            gresidual = xp.empty(gy.shape, gy.dtype)
        gx, ggamma, gbeta = self.backend.batch_norm_grad(
            gy,
            self.x,
            self.mean,
            self.variance,
            self.gamma,
            self.epsilon,
            y=self.y,
            activation=self.activation,
            residual_grad=None if gresidual is gy else gresidual,
            beta=self.beta,
            own_statistics=self.own,
        )
        if self.own:
            return gx, ggamma, gbeta, None, None, gresidual
        scale = 1 / xp.sqrt(self.variance + self.epsilon)
        factor = scale if self.gamma is None else scale * self.gamma
        return gx, ggamma, gbeta, -gbeta * factor, -0.5 * ggamma * factor * scale, gresidual


def batch_norm(
    x,
    gamma=None,
    beta=None,
    mean=None,
    variance=None,
    epsilon=1e-3,
    return_statistics=False,
    residual=None,
    activation=None,
):
    """act(gamma * (x - mean) / sqrt(variance + epsilon) + beta + residual), for each channel (the last axis).

    Without ``mean`` and ``variance`` they are the batch's own, over all axes but the last, and the gradient
    flows through them: this is training. With them it is inference.

    Parameters
    ----------
    x : (..., channels)
    gamma, beta : (channels,), optional
        Scale and shift; None stands for 1 and 0.
    mean, variance : (channels,), optional
        Both or neither; the variance is the biased one.
    epsilon : float
    return_statistics : bool
        Return ``(y, mean, variance)``; the latter two carry no gradient.
    residual : (..., channels), optional
        Added to the normalised values, as at the end of a residual block; of the shape of ``x``.
    activation : str or callable, optional
        Applied last.

    Raises
    ------
    ValueError
        If a shape is wrong, or a batch without elements has no statistics.

    Examples
    --------
    >>> import pycnn
    >>> x = [[1.0], [3.0]]
    >>> pycnn.ops.batch_norm(x, epsilon=0.0).numpy()
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> pycnn.ops.batch_norm(x, epsilon=0.0, residual=[[0.5], [0.5]], activation="relu").numpy()
    array([[0. ],
           [1.5]], dtype=float32)
    """
    x = as_tensor(x)
    if (mean is None) != (variance is None):
        raise ValueError("mean and variance must be given together. Received: only one of them")
    channels = x.data.shape[-1:]
    gamma, beta = _by_channel("gamma", gamma, channels), _by_channel("beta", beta, channels)
    mean, variance = _by_channel("mean", mean, channels), _by_channel("variance", variance, channels)
    residual = None if residual is None else as_tensor(residual)
    if residual is not None and residual.data.shape != x.data.shape:
        raise ValueError(f"residual must have the shape of x, {x.shape}. Received: residual.shape={residual.shape}")
    statistics = None
    if mean is None:
        if not x.data.size and channels != (0,):
            raise ValueError(f"An empty batch has no mean and variance. Received: x.shape={x.shape}")
        statistics = {}
    fused = activation if fusable(activation) else None
    options = {"epsilon": epsilon, "activation": fused, "statistics": statistics}
    y = _BatchNorm.apply(x, gamma, beta, mean, variance, residual, **options)
    if activation is not None and fused is None:
        y = apply_activation(y, activation)
    if not return_statistics:
        return y
    if statistics is None:
        return y, mean, variance
    return y, Tensor.wrap(statistics["mean"]), Tensor.wrap(statistics["variance"])


def _by_channel(name, value, channels):
    if value is None:
        return None
    value = as_tensor(value)
    if value.data.shape != channels:
        raise ValueError(
            f"{name} must have the shape {channels}, one number a channel. Received: {name}.shape={value.shape}"
        )
    return value
