"""Batch normalisation (Ioffe and Szegedy 2015), in training and at inference."""

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.ops.promotion import same_float


class _BatchNorm(Function):
    """``statistics`` is a dict that the batch's own mean and variance are left in, or None if they are given."""

    def forward(self, x, gamma, beta, mean, variance, *, epsilon, statistics):
        x, gamma, beta, mean, variance = same_float(x, gamma, beta, mean, variance)
        if statistics is not None:
            mean, variance = self.backend.batch_norm_statistics(x)
            statistics["mean"], statistics["variance"] = mean, variance
        self.x, self.gamma, self.mean, self.variance = x, gamma, mean, variance
        self.epsilon, self.own = epsilon, statistics is not None
        return self.backend.batch_norm_forward(x, mean, variance, gamma, beta, epsilon)

    def backward(self, gy):
        if self.own:
            gx, ggamma, gbeta = self.backend.batch_norm_grad(
                gy, self.x, self.mean, self.variance, self.gamma, self.epsilon
            )
            return gx, ggamma, gbeta, None, None
        axes = tuple(range(gy.ndim - 1))
        scale = 1 / self.backend.xp.sqrt(self.variance + self.epsilon)
        factor = scale if self.gamma is None else scale * self.gamma
        gx = gy * factor
        gbeta, ggamma = gy.sum(axis=axes), (gy * (self.x - self.mean)).sum(axis=axes) * scale
        return gx, ggamma, gbeta, -gbeta * factor, -0.5 * ggamma * factor * scale


def batch_norm(x, gamma=None, beta=None, mean=None, variance=None, epsilon=1e-3, return_statistics=False):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each channel (the last axis).

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

    Raises
    ------
    ValueError
        If a shape is wrong, or a batch without elements has no statistics.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.batch_norm([[1.0], [3.0]], epsilon=0.0).numpy()
    array([[-1.],
           [ 1.]], dtype=float32)
    """
    x = as_tensor(x)
    if (mean is None) != (variance is None):
        raise ValueError("mean and variance must be given together. Received: only one of them")
    channels = x.data.shape[-1:]
    gamma, beta = _by_channel("gamma", gamma, channels), _by_channel("beta", beta, channels)
    mean, variance = _by_channel("mean", mean, channels), _by_channel("variance", variance, channels)
    statistics = None
    if mean is None:
        if not x.data.size and channels != (0,):
            raise ValueError(f"An empty batch has no mean and variance. Received: x.shape={x.shape}")
        statistics = {}
    y = _BatchNorm.apply(x, gamma, beta, mean, variance, epsilon=epsilon, statistics=statistics)
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
