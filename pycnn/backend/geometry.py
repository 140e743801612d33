"""Integer geometry of sliding windows: sizes, padding, stride, dilation, groups. Decided here, once, for all.

Every size that pycnn computes comes from one formula, for input size ``i``, window ``f``, stride ``s``,
dilation ``d`` and padding ``p_before``, ``p_after``::

    o = floor((i - d*(f-1) - 1 + p_before + p_after) / s) + 1

Padding may be given as

==========================  ==================================================================================
``"valid"``                 none
``"same"``                  ``o = ceil(i/s)``; an odd row goes after (Keras, TensorFlow; ONNX SAME_UPPER)
``"same_lower"``            ``o = ceil(i/s)``; an odd row goes before (ONNX SAME_LOWER)
``"full"``                  ``f-1`` (dilated) rows on both sides: every overlap of window and input
``p``                       ``p`` rows on each of the four sides
``(ph, pw)``                ``ph`` above and below, ``pw`` left and right
``((t, b), (l, r))``        each side by itself
``TotalPadding(ph, pw)``    total rows and columns; an odd total puts ceil(p/2) before and floor(p/2) after
==========================  ==================================================================================
"""

import numbers
from functools import lru_cache
from typing import NamedTuple


class TotalPadding:  # not a tuple: it must never equal the pair (height, width), which means something else
    """Padding given as the total number of rows and columns, split ceil(p/2) before, floor(p/2) after.

    Examples
    --------
    >>> resolve_padding(TotalPadding(3, 0), (9, 9), (4, 1), (1, 1), (1, 1))
    ((2, 1), (0, 0))
    """

    __slots__ = ("height", "width")

    def __init__(self, height, width):
        self.height, self.width = height, width

    def __eq__(self, other):
        return isinstance(other, TotalPadding) and (self.height, self.width) == (other.height, other.width)

    def __hash__(self):
        return hash((TotalPadding, self.height, self.width))

    def __repr__(self):
        return f"TotalPadding(height={self.height!r}, width={self.width!r})"


class ConvGeometry(NamedTuple):
    """Every integer of a 2-D convolution except the batch size. Pairs are (height, width)."""

    input_size: tuple
    output_size: tuple
    kernel_size: tuple
    strides: tuple
    dilation: tuple
    padding: tuple  # ((top, bottom), (left, right))
    in_channels: int
    out_channels: int
    groups: int

    @property
    def kernel_shape(self):
        """Shape of the filters, HWIO."""
        return (*self.kernel_size, self.in_channels // self.groups, self.out_channels)

    def input_shape(self, batch):
        """Shape of the input, NHWC."""
        return (batch, *self.input_size, self.in_channels)

    def output_shape(self, batch):
        """Shape of the output, NHWC."""
        return (batch, *self.output_size, self.out_channels)

    @property
    def multiply_adds(self):
        """Multiply-adds for one image, padding counted as if it were data."""
        kh, kw, group_channels, out = self.kernel_shape
        return self.output_size[0] * self.output_size[1] * kh * kw * group_channels * out

    def allows_winograd(self):
        """Whether Winograd's algorithm is there for it: a square kernel of 3 or 5, no stride or groups."""
        square = self.kernel_size in ((3, 3), (5, 5))
        return square and self.strides == (1, 1) and self.groups == 1


def check_algorithm(geometry, algorithm):
    """Require one of ``"auto"``, ``"direct"``, and, where ``geometry`` allows it, ``"winograd"``."""
    if algorithm not in ("auto", "direct", "winograd"):
        raise ValueError(f"algorithm must be 'auto', 'direct' or 'winograd'. Received: algorithm={algorithm!r}")
    if algorithm == "winograd" and not geometry.allows_winograd():
        raise ValueError(
            "algorithm='winograd' needs a square kernel of 3 or 5, strides 1, and one group. "
            f"Received: kernel_size={geometry.kernel_size}, strides={geometry.strides}, groups={geometry.groups}"
        )


class PoolGeometry(NamedTuple):
    """Every integer of a 2-D pooling except batch size and channels. Pairs are (height, width).

    ``padding`` is what was asked for. In ceil mode the last window may reach beyond it; those places hold
    no data and are never counted, not even with ``count_include_pad``.
    """

    input_size: tuple
    output_size: tuple
    pool_size: tuple
    strides: tuple
    padding: tuple  # ((top, bottom), (left, right))

    def input_shape(self, batch, channels):
        """Shape of the input, NHWC."""
        return (batch, *self.input_size, channels)

    def output_shape(self, batch, channels):
        """Shape of the output, NHWC."""
        return (batch, *self.output_size, channels)


def pair(argument, value, minimum=1):
    """Return ``value`` as a pair of ints, or raise an error that names ``argument``.

    Examples
    --------
    >>> pair("strides", 2)
    (2, 2)
    """
    if type(value) is tuple and len(value) == 2 and type(value[0]) is int is type(value[1]) and min(value) >= minimum:
        return value  # at each call of a layer: soon over
    pair_ = (value, value) if is_integer(value) else value
    if not (
        isinstance(pair_, (tuple, list)) and len(pair_) == 2 and all(is_integer(v) and v >= minimum for v in pair_)
    ):
        raise ValueError(
            f"{argument} must be an integer >= {minimum} or a pair of them. Received: {argument}={value!r}"
        )
    return (int(pair_[0]), int(pair_[1]))


def is_integer(value):
    """Whether ``value`` is an integer of Python or NumPy, and not a bool."""
    return not isinstance(value, bool) and hasattr(value, "__index__")


def is_real(value):
    """Whether ``value`` is a number of Python or NumPy, which a bool is not, nor NaN."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value


def window_extent(size, dilation):
    """Rows that a window of ``size`` taps spans: ``d*(f-1) + 1``."""
    return dilation * (size - 1) + 1


def output_size(size, window, stride, dilation, before, after, ceil_mode=False):
    """Number of window positions along one axis, by the formula at the head of this module.

    In ceil mode a last partial window counts if it starts inside the input or the padding before it
    (PyTorch's rule).

    Examples
    --------
    >>> output_size(32, 5, 1, 1, 0, 0)
    28
    >>> output_size(6, 3, 2, 1, 0, 0), output_size(6, 3, 2, 1, 0, 0, ceil_mode=True)
    (2, 3)
    """
    room = size - window_extent(window, dilation) + before + after
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + before else count


def resolve_padding(padding, size, window, strides, dilation):
    """Return ``padding`` in any accepted form as ``((top, bottom), (left, right))``."""
    if isinstance(padding, str):
        return tuple(
            _named_padding(padding, i, f, s, d) for i, f, s, d in zip(size, window, strides, dilation, strict=True)
        )
    if isinstance(padding, TotalPadding):
        totals = pair("padding", (padding.height, padding.width), 0)
        return tuple((p - p // 2, p // 2) for p in totals)
    if isinstance(padding, (tuple, list)) and len(padding) == 2 and all(isinstance(p, (tuple, list)) for p in padding):
        return (pair("padding", tuple(padding[0]), 0), pair("padding", tuple(padding[1]), 0))
    height, width = pair("padding", padding, 0)
    return ((height, height), (width, width))


def _named_padding(name, size, window, stride, dilation):
    extent = window_extent(window, dilation)
    if name == "valid":
        return (0, 0)
    if name == "full":
        return (extent - 1, extent - 1)
    if name in ("same", "same_lower"):
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
        less, more = total // 2, total - total // 2
        return (less, more) if name == "same" else (more, less)
    raise ValueError(
        "padding must be 'valid', 'same', 'same_lower', 'full', an integer, a pair (height, width), "
        f"((top, bottom), (left, right)) or TotalPadding. Received: padding={name!r}"
    )


def _hashable(value):
    """Lists to tuples: what lets geometries be cached whatever the user passed."""
    try:
        hash(value)
    except TypeError:
        return tuple(_hashable(v) for v in value) if isinstance(value, (tuple, list)) else value
    return value


def _output_sizes(kind, size, window, strides, dilation, padding, ceil_mode=False):
    sizes = tuple(
        output_size(i, f, s, d, before, after, ceil_mode)
        for i, f, s, d, (before, after) in zip(size, window, strides, dilation, padding, strict=True)
    )
    if min(sizes) < 1 or min(size) < 1:
        raise ValueError(
            f"Computed output size would be zero or negative: the {kind} window does not fit the input. "
            "Each size is floor((i - d*(f-1) - 1 + p_before + p_after)/s) + 1. "
            f"Received: input size i={size}, window f={window}, strides s={strides}, dilation d={dilation}, "
            f"padding p={padding}, which gives {sizes}"
        )
    return sizes


def check_nhwc(argument, shape):
    """Raise unless ``shape`` has the four axes (batch, height, width, channels)."""
    if len(shape) != 4:
        raise ValueError(
            f"{argument} must have 4 axes (batch, height, width, channels). Received: {argument}.shape={tuple(shape)}"
        )


def conv_geometry(x_shape, kernel_shape, strides=1, padding="valid", dilation=1, groups=1):
    """Geometry of the convolution of an NHWC input with HWIO filters.

    Parameters
    ----------
    x_shape : (batch, height, width, in_channels)
    kernel_shape : (kernel_height, kernel_width, in_channels // groups, out_channels)

    Raises
    ------
    ValueError
        If ranks or channels disagree, ``groups`` does not divide the channels, or the window does not fit.
    """
    return _conv_geometry(
        tuple(x_shape),
        tuple(kernel_shape),
        pair("strides", strides),
        _hashable(padding),
        pair("dilation_rate", dilation),
        groups,
    )


@lru_cache(maxsize=4096, typed=True)
def _conv_geometry(x_shape, kernel_shape, strides, padding, dilation, groups):
    check_nhwc("x", x_shape)
    if len(kernel_shape) != 4 or min(kernel_shape) < 1:
        raise ValueError(
            "kernel must have 4 axes (height, width, in_channels // groups, out_channels), none empty. "
            f"Received: kernel.shape={kernel_shape}"
        )
    if not is_integer(groups) or groups < 1:
        raise ValueError(f"groups must be an integer >= 1. Received: groups={groups!r}")
    _, height, width, channels = x_shape
    kh, kw, group_channels, out_channels = kernel_shape
    if channels % groups or out_channels % groups:
        raise ValueError(
            "groups must divide the input channels and the number of filters. "
            f"Received: groups={groups}, input channels={channels}, filters={out_channels}"
        )
    if channels != group_channels * groups:
        hint = ""
        if height == group_channels * groups:
            hint = " It looks like channels_first (NCHW): pycnn's operations take channels_last (NHWC)."
        raise ValueError(
            f"x has {channels} channels, but the kernel expects {group_channels * groups} "
            f"({group_channels} x {groups} groups).{hint} Received: x.shape={x_shape}, kernel.shape={kernel_shape}"
        )
    padding = resolve_padding(padding, (height, width), (kh, kw), strides, dilation)
    sizes = _output_sizes("convolution", (height, width), (kh, kw), strides, dilation, padding)
    return ConvGeometry(
        (height, width), sizes, (kh, kw), strides, dilation, padding, channels, out_channels, int(groups)
    )


def conv_transpose_geometry(
    x_shape, kernel_shape, strides=1, padding="valid", output_padding=None, dilation=1, groups=1
):
    """Geometry of the convolution whose adjoint is the transposed convolution asked for.

    The returned geometry maps the transposed convolution's *output* to its *input*: the transposed
    convolution is that convolution's input gradient. Sizes follow Keras for ``"valid"`` and ``"same"``
    (``i*s + max(extent - s, 0)`` and ``i*s``), and PyTorch for numbers
    (``(i-1)*s - p_before - p_after + extent + output_padding``).

    Parameters
    ----------
    x_shape : (batch, height, width, in_channels)
    kernel_shape : (kernel_height, kernel_width, out_channels // groups, in_channels)
    """
    return _conv_transpose_geometry(
        tuple(x_shape),
        tuple(kernel_shape),
        pair("strides", strides),
        _hashable(padding),
        _hashable(output_padding),
        pair("dilation_rate", dilation),
        groups,
    )


@lru_cache(maxsize=4096, typed=True)
def _conv_transpose_geometry(x_shape, kernel_shape, strides, padding, output_padding, dilation, groups):
    check_nhwc("x", x_shape)
    if len(kernel_shape) != 4 or min(kernel_shape) < 1:
        raise ValueError(
            "kernel must have 4 axes (height, width, out_channels // groups, in_channels), none empty. "
            f"Received: kernel.shape={kernel_shape}"
        )
    batch, *size, channels = x_shape
    *window, group_out, in_channels = kernel_shape
    if in_channels != channels:
        raise ValueError(
            f"x has {channels} channels, but the kernel expects {in_channels}. "
            f"Received: x.shape={x_shape}, kernel.shape={kernel_shape}"
        )
    extents = [window_extent(f, d) for f, d in zip(window, dilation, strict=True)]
    if padding == "valid":
        pads = ((0, 0), (0, 0))
        default = [max(s - e, 0) for s, e in zip(strides, extents, strict=True)]
    elif padding in ("same", "same_lower"):
        goal = [i * s for i, s in zip(size, strides, strict=True)]
        pads = resolve_padding(padding, goal, window, strides, dilation)
        default = [max(s - e, 0) for s, e in zip(strides, extents, strict=True)]
    else:
        pads = resolve_padding(padding, size, window, strides, dilation)
        default = (0, 0)
    extra = default if output_padding is None else pair("output_padding", output_padding, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, strides, dilation, strict=True)):
        raise ValueError(
            "output_padding must be smaller than the stride or the dilation. "
            f"Received: output_padding={output_padding}, strides={strides}, dilation_rate={dilation}"
        )
    sizes = [
        (i - 1) * s - before - after + e + x
        for i, s, e, x, (before, after) in zip(size, strides, extents, extra, pads, strict=True)
    ]
    if min(sizes) < 1:
        raise ValueError(
            "Computed output size would be zero or negative. Each size is "
            "(i-1)*s - p_before - p_after + d*(f-1) + 1 + output_padding. "
            f"Received: input size i={tuple(size)}, window f={tuple(window)}, strides s={strides}, "
            f"dilation d={dilation}, padding p={pads}, output_padding={tuple(extra)}, which gives {tuple(sizes)}"
        )
    forward = conv_geometry(
        (batch, *sizes, group_out * groups if is_integer(groups) else 0), kernel_shape, strides, pads, dilation, groups
    )
    return forward._replace(output_size=tuple(size))


def pool_geometry(x_shape, pool_size, strides=None, padding="valid", ceil_mode=False):
    """Geometry of a 2-D pooling of an NHWC input; ``strides=None`` means the pool size.

    Raises
    ------
    ValueError
        If the window does not fit, or padding is as large as the window (a window would hold no data).
    """
    window = pair("pool_size", pool_size)
    strides = window if strides is None else pair("strides", strides)
    return _pool_geometry(tuple(x_shape), window, strides, _hashable(padding), bool(ceil_mode))


@lru_cache(maxsize=4096, typed=True)
def _pool_geometry(x_shape, window, strides, padding, ceil_mode):
    check_nhwc("x", x_shape)
    _, *size, _ = x_shape
    pads = resolve_padding(padding, size, window, strides, (1, 1))
    if any(p >= f for f, both in zip(window, pads, strict=True) for p in both):
        raise ValueError(
            "padding must be smaller than pool_size, else a window would hold nothing but padding. "
            f"Received: padding={padding!r}, pool_size={window}"
        )
    sizes = _output_sizes("pooling", tuple(size), window, strides, (1, 1), pads, ceil_mode)
    return PoolGeometry(tuple(size), sizes, window, strides, pads)
