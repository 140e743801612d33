"""Images at other sizes and places."""

import numpy as np

from pycnn.backend.reference.result import deliver


def resize2d_forward(x, size, method, out=None):
    y = x
    for axis, count in zip((1, 2), size, strict=True):
        y = sum(
            np.take(y, source, axis) * _along(axis, weight).astype(x.dtype)
            for source, weight in _taps(x.shape[axis], count, method)
        )
    return deliver(y, out, x.dtype)


def resize2d_input_grad(gy, input_size, method, out=None):
    gx = gy
    for axis, count in zip((1, 2), input_size, strict=True):
        g, gx = gx, np.zeros((*gx.shape[:axis], count, *gx.shape[axis + 1 :]), gy.dtype)
        for source, weight in _taps(count, gy.shape[axis], method):
            where = (slice(None),) * axis + (source,)
            np.add.at(gx, where, g * _along(axis, weight).astype(gy.dtype))
    return deliver(gx, out, gy.dtype)


def _taps(size, count, method):
    """For each tap of the method: the source index and the weight of each of ``count`` output places."""
    i = np.arange(count)
    if method == "nearest":
        return [((2 * i + 1) * size // (2 * count), np.ones(count))]
    place = np.clip((i + 0.5) * size / count - 0.5, 0, size - 1)
    low = np.floor(place).astype(int)
    return [(low, 1 - (place - low)), (np.minimum(low + 1, size - 1), place - low)]


def _along(axis, values):
    """Values as an array (1, H, 1, 1) or (1, 1, W, 1)."""
    return values.reshape([-1 if a == axis else 1 for a in range(4)])


def affine2d_forward(x, matrices, interpolation="bilinear", fill_mode="constant", fill_value=0.0, out=None):
    _, height, width, _ = x.shape
    v, u = np.mgrid[:height, :width]
    y = np.empty_like(x, order="C")
    for image, (a, b, c, d, e, f), result in zip(x, matrices, y, strict=True):
        column, row = a * u + b * v + c, d * u + e * v + f

        def pixel(r, s, image=image):
            inside = (r >= 0) & (r < height) & (s >= 0) & (s < width)
            value = image[_FOLD[fill_mode](r, height), _FOLD[fill_mode](s, width)]
            return np.where(inside[..., None], value, fill_value) if fill_mode == "constant" else value

        if interpolation == "nearest":
            result[...] = pixel(*(np.floor(place + 0.5).astype(int) for place in (row, column)))
            continue
        top, left = np.floor(row).astype(int), np.floor(column).astype(int)
        down, right = (row - top)[..., None], (column - left)[..., None]
        above = (1 - right) * pixel(top, left) + right * pixel(top, left + 1)
        below = (1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1)
        result[...] = (1 - down) * above + down * below
    return deliver(y, out, x.dtype)


def _reflect(i, size):
    i = i % (2 * size)
    return np.minimum(i, 2 * size - 1 - i)


_FOLD = {
    "constant": lambda i, size: np.clip(i, 0, size - 1),
    "nearest": lambda i, size: np.clip(i, 0, size - 1),
    "reflect": _reflect,
    "wrap": lambda i, size: i % size,
}
