"""Keras's ops of windows: convolutions and pools of one or two spatial axes, in either layout."""

from pycnn import config
from pycnn.autograd import as_tensor
from pycnn.ops.conv import conv2d, conv2d_transpose
from pycnn.ops.pool import avg_pool2d, max_pool2d
from pycnn.ops.shaping import expand_dims, moveaxis, reshape, squeeze


def _pair(value):
    """One number for the one spatial axis as (1, number)."""
    return (1, value if hasattr(value, "__index__") else value[0])


def _windowed(function, inputs, data_format):
    """Call ``function(x, flat)`` on an NHWC tensor; ``flat`` says that its height of 1 stands for nothing."""
    x = as_tensor(inputs)
    if x.ndim not in (3, 4):
        raise ValueError(f"inputs must have one or two spatial axes. Received: inputs.shape={x.shape}")
    data_format = config.image_data_format() if data_format is None else data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"data_format must be 'channels_last' or 'channels_first'. Received: data_format={data_format!r}"
        )
    first = data_format == "channels_first"
    x = moveaxis(x, 1, -1) if first else x
    flat = x.ndim == 3
    y = function(expand_dims(x, 1) if flat else x, flat)
    y = squeeze(y, 1) if flat else y
    return moveaxis(y, -1, 1) if first else y


def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution of one or two spatial axes (cross-correlation, as in every network).

    Parameters
    ----------
    inputs : (batch, [height,] width, channels), or channels first
    kernel : ([height,] width, channels // groups, filters)
        The number of groups follows from the sizes.
    strides, dilation_rate : int or tuple of ints
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.conv(pycnn.ops.ones((1, 8, 8, 3)), pycnn.ops.ones((3, 3, 3, 5)), padding="same").shape
    (1, 8, 8, 5)
    """
    kernel = as_tensor(kernel)

    def apply(x, flat):
        groups = max(x.shape[-1] // kernel.shape[-2], 1)
        if flat:
            return conv2d(x, expand_dims(kernel, 0), None, _pair(strides), padding, _pair(dilation_rate), groups)
        return conv2d(x, kernel, None, strides, padding, dilation_rate, groups)

    return _windowed(apply, inputs, data_format)


def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Convolution of each channel by itself, with a kernel ([height,] width, channels, multiplier)."""
    kernel = as_tensor(kernel)
    channels, multiplier = kernel.shape[-2:]

    def apply(x, flat):
        window = reshape(kernel, (*((1,) if flat else ()), *kernel.shape[:-2], 1, channels * multiplier))
        both = (_pair(strides), _pair(dilation_rate)) if flat else (strides, dilation_rate)
        return conv2d(x, window, None, both[0], padding, both[1], channels)

    return _windowed(apply, inputs, data_format)


def separable_conv(
    inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None, dilation_rate=1
):
    """``depthwise_conv``, then ``conv`` with a kernel ([1,] 1, channels * multiplier, filters)."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, 1, "valid", data_format)


def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    """Transposed convolution of one or two spatial axes, with a kernel ([height,] width, filters, channels)."""
    kernel = as_tensor(kernel)

    def apply(x, flat):
        if not flat:
            return conv2d_transpose(x, kernel, None, strides, padding, output_padding, dilation_rate)
        more = output_padding if output_padding is None else (0, _pair(output_padding)[1])
        window = expand_dims(kernel, 0)
        return conv2d_transpose(x, window, None, _pair(strides), padding, more, _pair(dilation_rate))

    return _windowed(apply, inputs, data_format)


def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Largest value of each window of one or two spatial axes; ``strides`` is ``pool_size`` unless given."""
    return _pool(max_pool2d, inputs, pool_size, strides, padding, data_format)


def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """Mean of each window of one or two spatial axes, of the data alone; ``strides`` is ``pool_size`` unless given."""
    return _pool(avg_pool2d, inputs, pool_size, strides, padding, data_format)


def _pool(function, inputs, pool_size, strides, padding, data_format):
    def apply(x, flat):
        if flat:
            return function(x, _pair(pool_size), None if strides is None else _pair(strides), padding)
        return function(x, pool_size, strides, padding)

    return _windowed(apply, inputs, data_format)
