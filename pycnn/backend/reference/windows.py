"""Sliding windows, tap by tap: for each place of the window, the pixels that all its positions see there."""

import numpy as np


def taps(output_size, window, strides, dilation=(1, 1)):
    """Yield ``r, s, rows, columns``: the slices of the padded image that meet tap (r, s)."""
    for r in range(window[0]):
        for s in range(window[1]):
            rows, columns = (
                slice(tap * d, tap * d + (count - 1) * stride + 1, stride)
                for tap, d, count, stride in zip((r, s), dilation, output_size, strides, strict=True)
            )
            yield r, s, rows, columns


def pad(x, padding, value):
    """Surround the images x (N, H, W, C) with ``value``: padding ((top, bottom), (left, right))."""
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def crop(x, padding):
    """Cut off what ``pad`` put on."""
    (top, bottom), (left, right) = padding
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]
