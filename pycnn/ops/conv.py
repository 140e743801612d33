"""Convolution and transposed convolution. One kernel each way; every gradient is another of the three."""

from pycnn import config
from pycnn.autograd import Function, as_tensor
from pycnn.backend.geometry import check_algorithm, conv_geometry, conv_transpose_geometry
from pycnn.ops.activation import activation as apply_activation
from pycnn.ops.activation import fusable
from pycnn.ops.promotion import same_float
from pycnn.ops.shaping import flip as flip_axes


class _Conv2D(Function):
    half_wide, half_weights = (0, 1, 2, 3), (1, 2)

    def forward(self, x, w, bias, residual, *, geometry, activation, algorithm):
        if not self.halves:
            x, w, bias, residual = same_float(x, w, bias, residual)
        self.geometry, self.activation, self.algorithm = geometry, activation, algorithm
        y = self.backend.conv2d_forward(x, w, geometry, bias, residual, activation, algorithm)
        self.x, self.w, self.y = x, w, y if activation else None
        return y

    def backward(self, gy):
        need_x, need_w, need_bias, need_residual = self.needs_grad
        if self.activation:
            gy = self.backend.activation_grad(gy, None, self.y, self.activation)
        gx = self.backend.conv2d_input_grad(gy, self.w, self.geometry, self.algorithm) if need_x else None
        gw = self.backend.conv2d_filter_grad(self.x, gy, self.geometry, self.algorithm) if need_w else None
        return gx, gw, self.backend.sum_rows(gy) if need_bias else None, gy if need_residual else None


class _Conv2DTranspose(Function):
    half_wide, half_weights = (0, 1, 2), (1, 2)

    def forward(self, x, w, bias, *, geometry):
        if not self.halves:
            x, w, bias = same_float(x, w, bias)
        self.x, self.w, self.geometry, self.algorithm = x, w, geometry, config.conv_algorithm()
        y = self.backend.conv2d_input_grad(x, w, geometry, self.algorithm)
        if bias is not None:
            y += bias
        return y

    def backward(self, gy):
        need_x, need_w, need_bias = self.needs_grad
        gx = self.backend.conv2d_forward(gy, self.w, self.geometry, algorithm=self.algorithm) if need_x else None
        gw = self.backend.conv2d_filter_grad(gy, self.x, self.geometry, self.algorithm) if need_w else None
        return gx, gw, self.backend.sum_rows(gy) if need_bias else None


def _check_bias(bias, filters):
    if bias is not None and bias.shape != (filters,):
        raise ValueError(
            f"bias must have the shape ({filters},), one number a filter. Received: bias.shape={bias.shape}"
        )


def conv2d(
    x,
    kernel,
    bias=None,
    strides=1,
    padding="valid",
    dilation_rate=1,
    groups=1,
    activation=None,
    flip=False,
    algorithm=None,
    residual=None,
):
    """2-D convolution as networks mean it: cross-correlation, plus bias and residual, then an activation.

    Parameters
    ----------
    x : (batch, height, width, in_channels)
    kernel : (kernel_height, kernel_width, in_channels // groups, filters)
    bias : (filters,), optional
    strides, dilation_rate : int or pair of ints
        Any combination is allowed.
    padding : str, int, pair, pair of pairs or TotalPadding
        See ``pycnn.backend.geometry``: ``"valid"``, ``"same"``, ``"same_lower"``, ``"full"``, or numbers.
    groups : int
        Input and output channels fall into this many blocks that do not see each other.
    activation : str or callable, optional
    flip : bool
        Turn the kernel by 180 degrees: the convolution of mathematics and signal processing.
    algorithm : {"auto", "direct", "winograd"}, optional
        ``pycnn.config.conv_algorithm()`` unless given; see ``pycnn.config.set_conv_algorithm`` for what they mean.
        ``"winograd"`` takes square kernels of 3 or 5, stride 1, one group.
    residual : (batch, out_height, out_width, filters), optional
        Is added before the activation, while the result is still in registers.

    Returns
    -------
    Tensor (batch, out_height, out_width, filters)

    Raises
    ------
    ValueError
        If shapes disagree, the window does not fit the input, or the algorithm the window; the message has the sizes.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> pycnn.ops.conv2d(x, np.ones((2, 2, 1, 1))).numpy()[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    x, kernel, bias = as_tensor(x), as_tensor(kernel), None if bias is None else as_tensor(bias)
    geometry = conv_geometry(x.shape, kernel.shape, strides, padding, dilation_rate, groups)
    _check_bias(bias, geometry.out_channels)
    if residual is not None:
        residual = as_tensor(residual)
        if residual.shape != geometry.output_shape(x.shape[0]):
            raise ValueError(
                f"residual must have the shape of the result, {geometry.output_shape(x.shape[0])}. "
                f"Received: residual.shape={residual.shape}"
            )
    if flip:
        kernel = flip_axes(kernel, axis=(0, 1))
    if algorithm is None:
        algorithm = config.conv_algorithm()
    else:
        check_algorithm(geometry, algorithm)
    if fusable(activation):
        return _Conv2D.apply(x, kernel, bias, residual, geometry=geometry, activation=activation, algorithm=algorithm)
    y = _Conv2D.apply(x, kernel, bias, residual, geometry=geometry, activation=None, algorithm=algorithm)
    return y if activation is None else apply_activation(y, activation)


def conv2d_transpose(x, kernel, bias=None, strides=1, padding="valid", output_padding=None, dilation_rate=1, groups=1):
    """Transposed 2-D convolution: the adjoint of ``conv2d`` with the same kernel, plus bias.

    Parameters
    ----------
    x : (batch, height, width, in_channels)
    kernel : (kernel_height, kernel_width, filters // groups, in_channels)
        Keras's layout: what ``conv2d`` would use to go from the output back to ``x``.
    bias : (filters,), optional
    strides, dilation_rate : int or pair of ints
    padding : str, int, pair or pair of pairs
        ``"valid"`` and ``"same"`` give Keras's sizes, numbers give PyTorch's; see ``pycnn.backend.geometry``.
    output_padding : int or pair of ints, optional
        Rows and columns added at the end, smaller than the stride.
    groups : int

    Returns
    -------
    Tensor (batch, out_height, out_width, filters)

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> pycnn.ops.conv2d_transpose(np.ones((1, 2, 2, 1)), np.ones((2, 2, 1, 1)), strides=2).shape
    (1, 4, 4, 1)
    """
    x, kernel, bias = as_tensor(x), as_tensor(kernel), None if bias is None else as_tensor(bias)
    geometry = conv_transpose_geometry(x.shape, kernel.shape, strides, padding, output_padding, dilation_rate, groups)
    _check_bias(bias, geometry.in_channels)
    return _Conv2DTranspose.apply(x, kernel, bias, geometry=geometry)
