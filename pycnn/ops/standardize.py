"""Normalisation over axes of each sample: mean 0 and variance 1, and AlexNet's normalisation across channels."""

from pycnn.autograd import Function, as_tensor
from pycnn.ops.axes import normalize_axes, normalize_axis
from pycnn.ops.promotion import as_float


class _Standardize(Function):
    def forward(self, x, *, axes, epsilon, centre):
        x = as_float(x)
        self.axes, self.centre = axes, centre
        if centre:
            x = x - x.mean(axis=axes, keepdims=True)
        self.scale = 1 / self.backend.xp.sqrt((x * x).mean(axis=axes, keepdims=True) + x.dtype.type(epsilon))
        self.y = x * self.scale
        return self.y

    def backward(self, gy):
        gx = gy - self.y * (gy * self.y).mean(axis=self.axes, keepdims=True)
        if self.centre:
            gx -= gy.mean(axis=self.axes, keepdims=True)
        gx *= self.scale
        return gx


def standardize(x, axis=-1, epsilon=1e-3, centre=True):
    """(x - mean) / sqrt(variance + epsilon), with mean and biased variance over ``axis`` (int or tuple).

    Without ``centre`` nothing is subtracted: x / sqrt(mean(x**2) + epsilon).

    Examples
    --------
    >>> from pycnn.ops.standardize import standardize
    >>> standardize([[1.0, 3.0]], epsilon=0.0).numpy()
    array([[-1.,  1.]], dtype=float32)
    """
    x = as_tensor(x)
    return _Standardize.apply(x, axes=normalize_axes(axis, x.ndim), epsilon=epsilon, centre=centre)


class _LocalResponse(Function):
    def forward(self, x, *, size, alpha, beta, bias, axis):
        x = as_float(x)
        self.x, self.size, self.axis, self.factor, self.beta = x, size, axis, alpha / size, beta
        self.base = self.window(x * x, size // 2, (size - 1) // 2)
        self.base *= x.dtype.type(self.factor)
        self.base += x.dtype.type(bias)
        self.power = self.root() if beta == 0.75 else self.base ** x.dtype.type(-beta)
        return x * self.power

    def root(self):
        """base**-0.75 by square roots, which take a fraction of the time."""
        root = self.backend.xp.sqrt(self.base)
        return 1 / (root * self.backend.xp.sqrt(root))

    def window(self, x, before, after):
        """Sums of each element with ``before`` and ``after`` neighbours along the axis."""
        y = x.copy()
        count = x.shape[self.axis]
        for step in range(1, max(before, after) + 1):
            early, late = self.part(0, count - step), self.part(step, count)
            if step <= before:
                y[late] += x[early]
            if step <= after:
                y[early] += x[late]
        return y

    def part(self, start, stop):
        return (slice(None),) * self.axis + (slice(start, max(stop, start)),)

    def backward(self, gy):
        sums = self.window(gy * self.x * (self.power / self.base), (self.size - 1) // 2, self.size // 2)
        return gy * self.power - (2 * self.factor * self.beta) * self.x * sums


def local_response_norm(x, size=5, alpha=1e-4, beta=0.75, bias=1.0, axis=-1):
    """x / (bias + alpha / size * sum of squares of ``size`` neighbours along ``axis``) ** beta.

    Each element is in the middle of its window (for an even size one neighbour more lies before it than behind it);
    beyond the first and the last element there are zeros.

    Examples
    --------
    >>> from pycnn.ops.standardize import local_response_norm
    >>> local_response_norm([[3.0, 4.0]], size=3, alpha=3.0, beta=0.5, bias=0.0).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    return _LocalResponse.apply(x, size=size, alpha=alpha, beta=beta, bias=bias, axis=axis)
