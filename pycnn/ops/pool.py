"""Pooling: the largest, smallest or mean value of windows, and of whole maps."""

from pycnn.autograd import Function, as_tensor
from pycnn.backend.geometry import check_nhwc, pool_geometry
from pycnn.ops.promotion import as_float
from pycnn.ops.reduction import max as largest
from pycnn.ops.reduction import mean
from pycnn.ops.reduction import min as smallest


class _ExtremePool2D(Function):
    half_wide = (0,)

    def forward(self, x, *, geometry, largest):
        self.geometry = geometry
        kernel = self.backend.max_pool2d_forward if largest else self.backend.min_pool2d_forward
        y, self.index = kernel(x if self.halves else as_float(x), geometry, with_index=self.needs_grad[0])
        return y

    def backward(self, gy):
        return self.backend.extreme_pool2d_input_grad(gy, self.index, self.geometry)


class _AvgPool2D(Function):
    half_wide = (0,)

    def forward(self, x, *, geometry, count_include_pad):
        self.geometry, self.count_include_pad = geometry, count_include_pad
        x = x if self.halves else as_float(x)
        return self.backend.avg_pool2d_forward(x, geometry, count_include_pad)

    def backward(self, gy):
        return self.backend.avg_pool2d_input_grad(gy, self.geometry, self.count_include_pad)


def max_pool2d(x, pool_size, strides=None, padding="valid", ceil_mode=False):
    """Largest value of each window.

    Parameters
    ----------
    x : (batch, height, width, channels)
    pool_size : int or pair of ints
    strides : int or pair of ints, optional
        Defaults to ``pool_size``.
    padding : str, int, pair, pair of pairs or TotalPadding
        See ``pycnn.backend.geometry``. Padding never wins.
    ceil_mode : bool
        Keep a last window that only partly lies on the input.

    Returns
    -------
    Tensor (batch, out_height, out_width, channels)

    Raises
    ------
    ValueError
        If ``x`` has not four axes or the window does not fit.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> pycnn.ops.max_pool2d(x, 2).numpy()[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    x = as_tensor(x)
    geometry = pool_geometry(x.data.shape, pool_size, strides, padding, ceil_mode)
    return _ExtremePool2D.apply(x, geometry=geometry, largest=True)


def min_pool2d(x, pool_size, strides=None, padding="valid", ceil_mode=False):
    """Smallest value of each window; the arguments are those of ``max_pool2d``."""
    x = as_tensor(x)
    geometry = pool_geometry(x.data.shape, pool_size, strides, padding, ceil_mode)
    return _ExtremePool2D.apply(x, geometry=geometry, largest=False)


def avg_pool2d(x, pool_size, strides=None, padding="valid", ceil_mode=False, count_include_pad=False):
    """Mean of each window; the arguments are those of ``max_pool2d``.

    ``count_include_pad`` divides by the places of the padding, too (PyTorch's default); without it each mean
    is that of the data alone (Keras).
    """
    x = as_tensor(x)
    geometry = pool_geometry(x.data.shape, pool_size, strides, padding, ceil_mode)
    return _AvgPool2D.apply(x, geometry=geometry, count_include_pad=bool(count_include_pad))


def global_max_pool2d(x, keepdims=False):
    """Largest value of each map: (batch, height, width, channels) -> (batch, channels)."""
    return _global(largest, x, keepdims)


def global_min_pool2d(x, keepdims=False):
    """Smallest value of each map: (batch, height, width, channels) -> (batch, channels)."""
    return _global(smallest, x, keepdims)


def global_avg_pool2d(x, keepdims=False):
    """Mean of each map: (batch, height, width, channels) -> (batch, channels)."""
    return _global(mean, x, keepdims)


def _global(reduce, x, keepdims):
    x = as_tensor(x)
    check_nhwc("x", x.shape)
    return reduce(x, axis=(1, 2), keepdims=keepdims)
