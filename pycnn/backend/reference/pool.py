"""Largest, smallest and mean value of sliding windows, tap by tap."""

import numpy as np

from pycnn.backend.reference.result import deliver
from pycnn.backend.reference.windows import crop, pad, taps


def max_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
    return _extreme(x, geometry, np.greater, out, index, with_index)


def min_pool2d_forward(x, geometry, out=None, index=None, with_index=True):
    return _extreme(x, geometry, np.less, out, index, with_index)


def _extreme(x, geometry, beats, out, index, with_index):
    reach = _reach(geometry)
    padded, is_data = pad(x, reach, 0), pad(np.ones_like(x, bool), reach, False)
    shape = geometry.output_shape(len(x), x.shape[3])
    best, winner = np.zeros(shape, x.dtype), np.full(shape, -1)
    for r, s, rows, columns in _taps(geometry):
        value = padded[:, rows, columns]
        first = winner < 0
        nan = np.isnan(value) & ~np.isnan(best)
        wins = is_data[:, rows, columns] & (first | nan | beats(value, best))
        best[wins] = value[wins]
        winner[wins] = r * geometry.pool_size[1] + s
    if not with_index:
        return deliver(best, out, x.dtype), None
    places = geometry.pool_size[0] * geometry.pool_size[1]
    return deliver(best, out, x.dtype), deliver(winner, index, np.uint8 if places <= 255 else np.int32)


def extreme_pool2d_input_grad(gy, index, geometry, out=None):
    reach = _reach(geometry)
    padded = pad(np.zeros(geometry.input_shape(len(gy), gy.shape[3]), gy.dtype), reach, 0)
    for r, s, rows, columns in _taps(geometry):
        padded[:, rows, columns] += np.where(index == r * geometry.pool_size[1] + s, gy, 0)
    return deliver(crop(padded, reach), out, gy.dtype)


def avg_pool2d_forward(x, geometry, count_include_pad=False, out=None):
    total = np.zeros(geometry.output_shape(len(x), x.shape[3]), x.dtype)
    padded = pad(x, _reach(geometry), 0)
    for _, _, rows, columns in _taps(geometry):
        total += padded[:, rows, columns]
    return deliver(total / _divisors(geometry, count_include_pad).astype(x.dtype), out, x.dtype)


def avg_pool2d_input_grad(gy, geometry, count_include_pad=False, out=None):
    reach = _reach(geometry)
    padded = pad(np.zeros(geometry.input_shape(len(gy), gy.shape[3]), gy.dtype), reach, 0)
    share = gy / _divisors(geometry, count_include_pad).astype(gy.dtype)
    for _, _, rows, columns in _taps(geometry):
        padded[:, rows, columns] += share
    return deliver(crop(padded, reach), out, gy.dtype)


def _divisors(geometry, count_include_pad):
    """Number of places that count in each window, (1, P, Q, 1)."""
    padding, reach = geometry.padding, _reach(geometry)
    beyond = tuple((0, r - p) for (_, p), (_, r) in zip(padding, reach, strict=True))
    counts = pad(np.ones((1, *geometry.input_size, 1), int), padding, int(count_include_pad))
    counts = pad(counts, beyond, 0)
    return sum(counts[:, rows, columns] for _, _, rows, columns in _taps(geometry))


def _taps(geometry):
    return taps(geometry.output_size, geometry.pool_size, geometry.strides)


def _reach(geometry):
    """The padding asked for, and after it what the last window of ceil mode needs besides."""
    return tuple(
        (before, max(after, (count - 1) * stride + window - size - before))
        for size, count, window, stride, (before, after) in zip(
            geometry.input_size,
            geometry.output_size,
            geometry.pool_size,
            geometry.strides,
            geometry.padding,
            strict=True,
        )
    )
