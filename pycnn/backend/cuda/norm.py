"""Sums over rows and batch normalisation on the GPU."""

from pycnn.backend.cuda import rows
from pycnn.backend.cuda.activation import ACTIVATION_NUMBERS
from pycnn.backend.cuda.arithmetic import join, sum_middle
from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import launch
from pycnn.backend.dtypes import widened


def _matrix(x):
    """Rows and channels of an array."""
    channels = x.shape[-1]
    return x.size // max(channels, 1), channels


def sum_rows(x, out=None):
    count, channels = _matrix(x)
    return sum_middle(contiguous(x), None, (1, count, channels), result((channels,), widened(x.dtype), out))


def batch_norm_statistics(x):
    x = contiguous(x)
    count, channels = _matrix(x)
    shape, grid = rows.sums(1, count, channels)
    parts = result((3, grid[1], channels), widened(x.dtype))
    launch("norm", "moments_of_rows", grid, x, parts, shape)
    mean, variance = result((channels,), parts.dtype), result((channels,), parts.dtype)
    shape, grid = rows.joined(1, grid[1], channels)
    launch("norm", "moments_of_slices", grid, parts, mean, variance, shape, max(count, 1))
    return mean, variance


def batch_norm_forward(x, mean, variance, gamma, beta, epsilon, residual=None, activation=None, out=None):
    x, residual = contiguous(x, residual)
    terms = contiguous(mean, variance, gamma, beta)
    out = result(x.shape, x.dtype, out)
    shape, grid = rows.elementwise(*_matrix(x))
    number = ACTIVATION_NUMBERS[activation]
    launch("norm", "batch_norm_forward", grid, x, *terms, residual, out, shape, epsilon, number)
    return out


def batch_norm_grad(
    gy,
    x,
    mean,
    variance,
    gamma,
    epsilon,
    y=None,
    activation=None,
    out=None,
    residual_grad=None,
    beta=None,
    own_statistics=True,
):
    gy, x, y = contiguous(gy, x, y)
    terms = contiguous(mean, variance, gamma, beta)
    out = result(x.shape, x.dtype, out)
    count, channels = _matrix(x)
    number = ACTIVATION_NUMBERS[activation]
    shape, grid = rows.sums(1, count, channels)
    sums = parts = result((2, grid[1], channels), widened(x.dtype))
    launch("norm", "batch_norm_sums", grid, gy, x, y, *terms, residual_grad, parts, shape, epsilon, number)
    if grid[1] > 1:
        sums = join(parts, result((2, channels), parts.dtype))
    gbeta, ggamma = sums.reshape(2, channels)
    if residual_grad is not None:  # which holds gy behind the activation
        gy, y, number = residual_grad, None, 0
    shape, grid = rows.elementwise(count, channels)
    flows = (gbeta, ggamma) if own_statistics else (None, None)
    launch("norm", "batch_norm_grad", grid, gy, x, y, *terms, *flows, out, shape, epsilon, number)
    return out, ggamma, gbeta
