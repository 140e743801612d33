"""Images in other colour spaces, all channels in 0..1, and smoothed: what selective search looks at.

Host arrays, float32. References: Foley et al., Computer Graphics (hue, saturation, value); CIE 15 (L*a*b*).
"""

import numpy as np

from pycnn_ext import selective_search as ext

_LINEAR_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]], np.float32
)
_WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)  # D65


def to_hsv(rgb):
    """Hue, saturation and value."""
    value, low = rgb.max(axis=-1), rgb.min(axis=-1)
    span = value - low
    safe = np.where(span > 0, span, 1)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    sector = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = np.where(span > 0, sector / 6 % 1, 0)
    return np.stack([hue, span / np.where(value > 0, value, 1), value], axis=-1)


def to_lab(rgb):
    """L*a*b* of sRGB: L / 100, (a + 128) / 255 and (b + 128) / 255."""
    linear = np.where(rgb > 0.04045, ((rgb + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4), rgb / 12.92)
    xyz = sum(linear[..., i, None] * _LINEAR_TO_XYZ[:, i] for i in range(3)) / _WHITE
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + np.float32(16 / 116)), -1, 0)
    return np.stack([1.16 * y - 0.16, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255], axis=-1)


def to_intensity(rgb):
    """The mean of red, green and blue, as one channel."""
    return rgb.mean(axis=-1, keepdims=True)


def to_rgi(rgb):
    """The shares of red and green, which shadows leave as they are, and the intensity."""
    total = rgb.sum(axis=-1, keepdims=True)
    shares = np.where(total > 0, rgb[..., :2] / np.where(total > 0, total, 1), np.float32(1 / 3))
    return np.concatenate([shares, total / 3], axis=-1)


def to_hue(rgb):
    """Hue alone, as one channel."""
    return np.ascontiguousarray(to_hsv(rgb)[..., :1])


SPACES = {"hsv": to_hsv, "lab": to_lab, "rgi": to_rgi, "hue": to_hue, "intensity": to_intensity}
"""Name -> function of an (height, width, 3) float32 image in 0..1."""


def blur(image, sigma):
    """Smooth an (height, width, channels) image by a Gaussian; beyond an edge the image is mirrored."""
    bell, _ = _taps(sigma)
    return _along(_along(image, bell, 0), bell, 1)


def slopes(image, sigma=1.0):
    """Return derivatives by Gaussian filters, (2, height, width, channels): downwards, and to the right."""
    bell, steps = _taps(sigma)
    return np.stack([_along(_along(image, steps, 0), bell, 1), _along(_along(image, bell, 0), steps, 1)])


def _taps(sigma):
    """A Gaussian that sums to 1, and its derivative, by which a ramp has its slope."""
    if sigma == 0:
        return np.ones(1, np.float32), np.zeros(1, np.float32)
    offsets = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    bell = np.exp(-0.5 * (offsets / sigma) ** 2)
    bell /= bell.sum()
    return bell.astype(np.float32), (bell * offsets / sigma**2).astype(np.float32)


def _along(image, taps, axis):
    out = np.empty(image.shape, np.float32)
    ext.correlate(image, taps, axis == 0, out)
    return out
