"""Sizes and padding: worked by hand, drawn by hypothesis, and against PyTorch."""

import re

import numpy as np
import pytest
from helpers import peer
from hypothesis import assume, given
from hypothesis import strategies as st

from pycnn.backend.geometry import (
    TotalPadding,
    check_nhwc,
    conv_geometry,
    conv_transpose_geometry,
    is_integer,
    output_size,
    pair,
    pool_geometry,
    resolve_padding,
    window_extent,
)

sizes, windows, steps = st.integers(1, 20), st.integers(1, 6), st.integers(1, 4)


def starts(size, window, stride, dilation, before, after):
    """Where a window may start, counted one by one: the definition that the formula abbreviates."""
    extent = dilation * (window - 1) + 1
    return [i for i in range(-before, size + after, stride) if i + extent <= size + after]


@given(sizes, windows, steps, steps, st.integers(0, 6), st.integers(0, 6))
def test_output_size_counts_window_positions(size, window, stride, dilation, before, after):
    assume(window_extent(window, dilation) <= size + before + after)
    counted = len(starts(size, window, stride, dilation, before, after))
    assert output_size(size, window, stride, dilation, before, after) == counted


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((32, 5, 1, 1, 0, 0), 28),  # LeNet-5: C1
        ((28, 2, 2, 1, 0, 0), 14),  # S2
        ((5, 5, 1, 1, 0, 0), 1),
        ((224, 7, 2, 1, 3, 3), 112),  # GoogLeNet's stem
        ((7, 3, 2, 2, 0, 0), 2),  # extent 5: starts 0, 2
        ((10, 2, 5, 1, 0, 0), 2),  # stride > window
        ((6, 3, 2, 1, 0, 0), 2),
        ((6, 3, 2, 1, 0, 0, True), 3),
        ((112, 3, 2, 1, 0, 0, True), 56),  # GoogLeNet's pooling
        ((2, 2, 4, 1, 1, 1, True), 1),  # starts -1; 3 would lie beyond the image
    ],
)
def test_output_size_by_hand(arguments, expected):
    assert output_size(*arguments) == expected


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("valid", ((0, 0), (0, 0))),
        (0, ((0, 0), (0, 0))),
        (2, ((2, 2), (2, 2))),
        (np.int64(2), ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        ([1, 2], ((1, 1), (2, 2))),
        (((1, 2), (3, 0)), ((1, 2), (3, 0))),
        ([[1, 2], [3, 0]], ((1, 2), (3, 0))),
        (TotalPadding(3, 4), ((2, 1), (2, 2))),  # an odd total: ceil before, floor after
        (TotalPadding(1, 0), ((1, 0), (0, 0))),
        ("full", ((3, 3), (1, 1))),
        ("same", ((1, 2), (0, 1))),  # window 4x2: totals 3 and 1
        ("same_lower", ((2, 1), (1, 0))),
    ],
)
def test_padding_in_every_form(padding, expected):
    assert resolve_padding(padding, (9, 8), (4, 2), (1, 1), (1, 1)) == expected
    geometry = conv_geometry((1, 9, 8, 1), (4, 2, 1, 1), padding=padding)
    assert geometry.padding == expected
    assert all(type(p) is int for side in geometry.padding for p in side)


@pytest.mark.parametrize(
    ("size", "window", "stride", "dilation", "same", "same_lower"),
    [
        (5, 3, 1, 1, (1, 1), (1, 1)),
        (5, 2, 1, 1, (0, 1), (1, 0)),
        (6, 3, 2, 1, (0, 1), (1, 0)),  # TensorFlow's well-known asymmetry: 3 outputs need 7 rows
        (7, 3, 2, 1, (1, 1), (1, 1)),
        (5, 3, 1, 2, (2, 2), (2, 2)),
        (6, 2, 1, 3, (1, 2), (2, 1)),
        (7, 1, 3, 1, (0, 0), (0, 0)),
        (8, 2, 5, 1, (0, 0), (0, 0)),  # 2 outputs need 7 rows of 8
        (224, 7, 2, 1, (2, 3), (3, 2)),
    ],
)
def test_same_padding_by_hand(size, window, stride, dilation, same, same_lower):
    for name, expected in (("same", same), ("same_lower", same_lower)):
        padding = resolve_padding(name, (size, 1), (window, 1), (stride, 1), (dilation, 1))
        assert padding == (expected, (0, 0))


@given(sizes, windows, steps, steps)
def test_same_gives_ceil_of_size_over_stride(size, window, stride, dilation):
    for name, extra in (("same", 1), ("same_lower", -1)):
        geometry = conv_geometry((1, size, 9, 1), (window, 1, 1, 1), (stride, 1), name, (dilation, 1))
        assert geometry.output_size == (-(-size // stride), 9)
        before, after = geometry.padding[0]
        assert after - before in (0, extra)


@given(sizes, windows)
def test_window_minus_one_rows_keep_the_size(size, window):
    geometry = conv_geometry((1, size, size, 1), (window, window, 1, 1), padding=TotalPadding(window - 1, window - 1))
    assert geometry.output_size == (size, size)
    before, after = geometry.padding[0]
    assert (before, after) == (window // 2, (window - 1) // 2)


@given(sizes, windows, steps)
def test_full_padding_meets_every_overlap(size, window, dilation):
    geometry = conv_geometry((1, size, 1, 1), (window, 1, 1, 1), 1, "full", dilation)
    assert geometry.output_size[0] == size + window_extent(window, dilation) - 1


def test_fields_of_a_conv_geometry():
    geometry = conv_geometry((7, 12, 10, 6), (3, 2, 3, 8), (2, 3), ((1, 0), (2, 1)), (2, 1), 2)
    assert geometry.input_size == (12, 10)
    assert geometry.output_size == (5, 4)  # (12 - 5 + 1)//2 + 1, (10 - 2 + 3)//3 + 1
    assert geometry.kernel_size == (3, 2)
    assert geometry.strides == (2, 3)
    assert geometry.dilation == (2, 1)
    assert (geometry.in_channels, geometry.out_channels, geometry.groups) == (6, 8, 2)
    assert geometry.kernel_shape == (3, 2, 3, 8)
    assert geometry.input_shape(7) == (7, 12, 10, 6)
    assert geometry.output_shape(7) == (7, 5, 4, 8)
    assert geometry.multiply_adds == 5 * 4 * 3 * 2 * 3 * 8


def test_geometry_is_one_object_for_lists_tuples_and_numpy_integers():
    wanted = conv_geometry((1, 8, 8, 2), (3, 3, 2, 4), (2, 2), ((1, 1), (1, 1)))
    assert conv_geometry([1, 8, 8, 2], [3, 3, 2, 4], [2, 2], [[1, 1], [1, 1]]) is wanted
    assert conv_geometry((1, 8, 8, 2), (3, 3, 2, 4), (np.int64(2), 2), [(1, 1), (1, 1)]) is wanted
    assert pool_geometry([1, 8, 8, 2], [2, 2]) is pool_geometry((1, 8, 8, 2), (2, 2))
    # an explicit total is not the same thing as the pair (height, width)
    assert conv_geometry((1, 8, 8, 2), (3, 3, 2, 4), 1, TotalPadding(2, 2)).output_size == (8, 8)
    assert conv_geometry((1, 8, 8, 2), (3, 3, 2, 4), 1, (2, 2)).output_size == (10, 10)


def test_batch_zero_has_a_geometry():
    assert conv_geometry((0, 8, 8, 2), (3, 3, 2, 4)).output_shape(0) == (0, 6, 6, 4)
    assert pool_geometry((0, 8, 8, 2), 2).output_shape(0, 2) == (0, 4, 4, 2)


def test_pair_and_is_integer():
    assert pair("strides", 3) == (3, 3)
    assert pair("strides", [1, np.int32(2)]) == (1, 2)
    assert is_integer(np.int8(3))
    assert not is_integer(True)
    assert not is_integer(2.0)
    for bad in (0, -1, 1.5, "2", (1, 2, 3), (1, 0), None, True):
        with pytest.raises(ValueError, match=re.escape(f"Received: strides={bad!r}")):
            pair("strides", bad)


def test_pool_geometry_takes_the_window_as_stride():
    geometry = pool_geometry((1, 7, 9, 3), (2, 3))
    assert geometry.strides == (2, 3)
    assert geometry.output_size == (3, 3)
    assert geometry.output_shape(5, 3) == (5, 3, 3, 3)
    assert geometry.input_shape(5, 3) == (5, 7, 9, 3)
    assert pool_geometry((1, 7, 9, 3), (2, 3), ceil_mode=True).output_size == (4, 3)
    assert pool_geometry((1, 7, 9, 3), 2, 1).output_size == (6, 8)


@given(st.integers(1, 12), windows, steps, st.data())
def test_ceil_mode_covers_the_input_and_no_window_is_empty(size, window, stride, data):
    before, after = (data.draw(st.integers(0, window - 1)) for _ in range(2))
    assume(window <= size + before + after)
    floor, ceil = (
        pool_geometry((1, size, 9, 1), (window, 1), (stride, 1), ((before, after), (0, 0)), mode).output_size[0]
        for mode in (False, True)
    )
    assert floor <= ceil <= floor + 1
    first = [p * stride - before for p in range(ceil)]
    assert all(start < size and start + window > 0 for start in first)


@given(st.integers(1, 12), windows, steps, st.data())
def test_ceil_mode_has_the_sizes_of_pytorch(size, window, stride, data):
    torch = peer("torch")
    padding = data.draw(st.integers(0, window // 2))
    assume(window <= size + 2 * padding)
    for mode in (False, True):
        expected = torch.nn.functional.max_pool1d(torch.zeros(1, 1, size), window, stride, padding, ceil_mode=mode)
        geometry = pool_geometry((1, size, 1, 1), (window, 1), (stride, 1), (padding, 0), mode)
        assert geometry.output_size[0] == expected.shape[-1]


@given(st.integers(1, 8), windows, steps, steps, st.integers(0, 3), st.data())
def test_transposed_sizes_of_pytorch(size, window, stride, dilation, padding, data):
    torch = peer("torch")
    extra = data.draw(st.integers(0, max(stride, dilation) - 1))
    assume((size - 1) * stride - 2 * padding + window_extent(window, dilation) + extra > 0)
    expected = torch.nn.functional.conv_transpose1d(
        torch.zeros(1, 1, size), torch.zeros(1, 1, window), None, stride, padding, extra, 1, dilation
    )
    geometry = conv_transpose_geometry(
        (1, size, 1, 1), (window, 1, 1, 1), (stride, 1), (padding, 0), (extra, 0), (dilation, 1)
    )
    assert geometry.input_size[0] == expected.shape[-1]
    assert geometry.output_size == (size, 1)


@given(st.integers(1, 8), windows, steps)
def test_transposed_sizes_of_keras(size, window, stride):
    arguments = (1, size, 1, 2), (window, 1, 3, 2), (stride, 1)
    valid = conv_transpose_geometry(*arguments, "valid")
    assert valid.input_size[0] == size * stride + max(window - stride, 0)
    assert (valid.in_channels, valid.out_channels) == (3, 2)
    for name in ("same", "same_lower"):
        assert conv_transpose_geometry(*arguments, name).input_size[0] == size * stride


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: conv_geometry((8, 8, 3), (3, 3, 3, 4)), r"x must have 4 axes .*Received: x\.shape=\(8, 8, 3\)"),
        (lambda: conv_geometry((1, 8, 8, 3), (3, 3, 4)), r"kernel must have 4 axes .*kernel\.shape=\(3, 3, 4\)"),
        (lambda: conv_geometry((1, 8, 8, 3), (0, 3, 3, 4)), r"kernel must have 4 axes .*none empty"),
        (lambda: conv_geometry((1, 8, 9, 4), (3, 3, 3, 4)), r"x has 4 channels, but the kernel expects 3 .*x\.shape="),
        (lambda: conv_geometry((1, 3, 32, 32), (3, 3, 3, 4)), r"channels_first \(NCHW\).*Received: x\.shape="),
        (lambda: conv_geometry((1, 8, 8, 4), (3, 3, 2, 3), groups=2), r"groups must divide .*groups=2.*filters=3"),
        (lambda: conv_geometry((1, 8, 8, 5), (3, 3, 2, 4), groups=2), r"groups must divide .*input channels=5"),
        (lambda: conv_geometry((1, 8, 8, 4), (3, 3, 4, 4), groups=0), r"groups must be an integer >= 1.*groups=0"),
        (
            lambda: conv_geometry((1, 4, 8, 1), (5, 3, 1, 1)),
            r"size would be zero or negative.*floor\(\(i - d\*\(f-1\).*i=\(4, 8\), window f=\(5, 3\).*gives \(0, 6\)",
        ),
        (lambda: conv_geometry((1, 4, 8, 1), (3, 3, 1, 1), dilation=2), r"does not fit.*dilation d=\(2, 2\)"),
        (lambda: conv_geometry((1, 8, 8, 1), (3, 3, 1, 1), strides=2.0), r"strides must be .*Received: strides=2.0"),
        (lambda: conv_geometry((1, 8, 8, 1), (3, 3, 1, 1), groups=True), r"groups must be .*Received: groups=True"),
        (lambda: conv_geometry((1, 8, 8, 1), (3, 3, 1, 1), strides=0), r"strides must be .*Received: strides=0"),
        (lambda: conv_geometry((1, 8, 8, 1), (3, 3, 1, 1), dilation=(1, 0)), r"dilation_rate must be .*\(1, 0\)"),
        (lambda: conv_geometry((1, 8, 8, 1), (3, 3, 1, 1), padding="SAME"), r"padding must be 'valid', 'same'.*'SAME'"),
        (lambda: conv_geometry((1, 8, 8, 1), (3, 3, 1, 1), padding=-1), r"padding must be .*Received: padding=-1"),
        (lambda: conv_geometry((1, 8, 8, 1), (3, 3, 1, 1), padding=((1, 1), (1, -2))), r"padding=\(1, -2\)"),
        (lambda: pool_geometry((1, 8, 8), 2), r"x must have 4 axes"),
        (lambda: pool_geometry((1, 8, 8, 1), 9), r"the pooling window does not fit"),
        (lambda: pool_geometry((1, 8, 8, 1), 2, padding=2), r"padding must be smaller than pool_size.*padding=2"),
        (lambda: pool_geometry((1, 8, 8, 1), (2, 0)), r"pool_size must be .*Received: pool_size=\(2, 0\)"),
        (lambda: pool_geometry((1, 0, 8, 1), 2, padding=1), r"does not fit.*Received: input size i=\(0, 8\)"),
        (lambda: conv_transpose_geometry((1, 4, 4, 3), (3, 3, 2, 4)), r"x has 3 channels, but the kernel expects 4"),
        (
            lambda: conv_transpose_geometry((1, 4, 4, 3), (3, 3, 2, 3), 2, 0, output_padding=2),
            r"output_padding must be smaller than the stride.*output_padding=2",
        ),
        (lambda: conv_transpose_geometry((1, 1, 4, 3), (3, 3, 2, 3), 1, 2), r"zero or negative.*gives \(-1, 2\)"),
        (lambda: conv_transpose_geometry((1, 4, 4, 3), (3, 3, 2, 3), groups=2), r"groups must divide"),
        (lambda: conv_transpose_geometry((1, 4, 4, 3), (3, 3, 2, 3), groups="a"), r"groups must be an integer"),
        (lambda: check_nhwc("images", (2, 3)), r"images must have 4 axes.*Received: images\.shape=\(2, 3\)"),
    ],
)
def test_errors_name_the_argument_and_what_was_received(make, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make()
