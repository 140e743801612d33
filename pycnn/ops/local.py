"""Convolution without shared weights: each place of the output has a filter of its own."""

from pycnn.autograd import Function, as_tensor
from pycnn.ops.promotion import same_float


class _LocalConv2d(Function):
    """Windows become rows of a matrix for each place of the output: (places, batch, rows * columns * channels)."""

    def forward(self, x, kernel, *, size, strides):
        x, kernel = same_float(x, kernel)
        self.shape, self.kernel = x.shape, kernel
        batch, height, width, channels = x.shape
        high, wide = (height - size[0]) // strides[0] + 1, (width - size[1]) // strides[1] + 1
        self.windows = [
            (
                i,
                j,
                slice(i, i + (high - 1) * strides[0] + 1, strides[0]),
                slice(j, j + (wide - 1) * strides[1] + 1, strides[1]),
            )
            for i in range(size[0])
            for j in range(size[1])
        ]
        rows = self.backend.xp.empty((high, wide, batch, *size, channels), x.dtype)
        for i, j, down, right in self.windows:
            rows[:, :, :, i, j] = x[:, down, right].transpose(1, 2, 0, 3)
        self.window_shape = rows.shape
        self.rows = rows.reshape(high * wide, batch, size[0] * size[1] * channels)
        y = self.backend.xp.matmul(self.rows, kernel)
        return y.transpose(1, 0, 2).reshape(batch, high, wide, kernel.shape[-1])

    def backward(self, gy):
        xp = self.backend.xp
        need_x, need_kernel = self.needs_grad
        places, batch, _ = self.rows.shape
        gy = gy.reshape(batch, places, -1).transpose(1, 0, 2)
        gkernel = xp.matmul(self.rows.transpose(0, 2, 1), gy) if need_kernel else None
        if not need_x:
            return None, gkernel
        rows = xp.matmul(gy, self.kernel.transpose(0, 2, 1)).reshape(self.window_shape)
        gx = xp.zeros(self.shape, gy.dtype)
        for i, j, down, right in self.windows:
            gx[:, down, right] += rows[:, :, :, i, j].transpose(2, 0, 1, 3)
        return gx, gkernel


def local_conv2d(x, kernel, size, strides=(1, 1)):
    """Cross-correlation in which each place of the output has its own filter.

    Parameters
    ----------
    x : (batch, height, width, channels)
    kernel : (out_height * out_width, rows * columns * channels, filters)
    size : pair of ints
        Rows and columns of the window.
    strides : pair of ints

    Returns
    -------
    Tensor (batch, out_height, out_width, filters)

    Examples
    --------
    >>> from pycnn.ops.local import local_conv2d
    >>> local_conv2d([[[[1.0], [2.0]]]], [[[10.0]], [[100.0]]], (1, 1)).tolist()
    [[[[10.0], [200.0]]]]
    """
    return _LocalConv2d.apply(as_tensor(x), as_tensor(kernel), size=tuple(size), strides=tuple(strides))
