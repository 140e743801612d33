"""Pooling of regions: the largest value of each bin, and means of samples as products with the weights of pixels."""

from math import ceil, floor

import numpy as np

from pycnn.backend.reference.result import deliver


def roi_pool_forward(x, rois, geometry, out=None, index=None, with_index=True):
    shape = geometry.output_shape(len(rois), x.shape[3])
    y, winner = np.zeros(shape, x.dtype), np.full(shape, -1)
    for r, roi in enumerate(rois):
        image = _image(roi, geometry)
        if image is None:
            y[r] = np.nan
            continue
        columns, rows = (_bins(roi[1], roi[3], geometry, 1), _bins(roi[2], roi[4], geometry, 0))
        for p, (top, bottom) in enumerate(rows):
            for q, (left, right) in enumerate(columns):
                if top < bottom and left < right:
                    places = x[image, top:bottom, left:right].reshape(-1, x.shape[3])
                    best = places.argmax(axis=0)  # the first of equals, and of NaNs
                    y[r, p, q] = np.take_along_axis(places, best[None], 0)[0]
                    row, column = np.divmod(best, right - left)
                    winner[r, p, q] = (top + row) * x.shape[2] + left + column
    y = deliver(y, out, x.dtype)
    return y, deliver(winner, index, np.int32) if with_index else None


def roi_pool_input_grad(gy, rois, index, geometry, out=None):
    channels = gy.shape[3]
    gx = np.zeros(geometry.input_shape(channels), gy.dtype)
    for roi, g, places in zip(rois, gy, index, strict=True):
        image = _image(roi, geometry)
        if image is not None:
            p, q, c = np.nonzero(places >= 0)
            np.add.at(gx[image].reshape(-1, channels), (places[p, q, c], c), g[p, q, c])
    return deliver(gx, out, gy.dtype)


def roi_align_forward(x, rois, geometry, out=None):
    return _forward(_align, x, rois, geometry, out)


def roi_align_input_grad(gy, rois, geometry, out=None):
    return _input_grad(_align, gy, rois, geometry, out)


def roi_align_rois_grad(gy, x, rois, geometry, out=None):
    return _rois_grad(_align, gy, x, rois, geometry, out)


def roi_warp_forward(x, rois, geometry, out=None):
    return _forward(_warp, x, rois, geometry, out)


def roi_warp_input_grad(gy, rois, geometry, out=None):
    return _input_grad(_warp, gy, rois, geometry, out)


def roi_warp_rois_grad(gy, x, rois, geometry, out=None):
    return _rois_grad(_warp, gy, x, rois, geometry, out)


def _forward(weights, x, rois, geometry, out):
    y = np.full(geometry.output_shape(len(rois), x.shape[3]), np.nan, x.dtype)
    for roi, result in zip(rois, y, strict=True):
        image = _image(roi, geometry)
        if image is not None:
            (rows, _, _), (columns, _, _) = _both(weights, roi, geometry)
            result[...] = np.einsum("ph,hwc,qw->pqc", rows, x[image], columns, optimize=True)
    return deliver(y, out, x.dtype)


def _input_grad(weights, gy, rois, geometry, out):
    gx = np.zeros(geometry.input_shape(gy.shape[3]), gy.dtype)
    for roi, g in zip(rois, gy, strict=True):
        image = _image(roi, geometry)
        if image is not None:
            (rows, _, _), (columns, _, _) = _both(weights, roi, geometry)
            gx[image] += np.einsum("ph,pqc,qw->hwc", rows, g, columns, optimize=True)
    return deliver(gx, out, gy.dtype)


def _rois_grad(weights, gy, x, rois, geometry, out):
    grad = np.zeros(rois.shape, rois.dtype)
    for roi, g, result in zip(rois, gy, grad, strict=True):
        image = _image(roi, geometry)
        if image is not None:
            (rows, by_y1, by_y2), (columns, by_x1, by_x2) = _both(weights, roi, geometry)
            pairs = ((rows, by_x1), (by_y1, columns), (rows, by_x2), (by_y2, columns))
            result[1:] = [np.einsum("ph,hwc,qw,pqc->", a, x[image], b, g, optimize=True) for a, b in pairs]
    return deliver(grad, out, rois.dtype)


def _image(roi, geometry):
    """The image of a region, or None if there is none or a corner is not finite."""
    return int(roi[0]) if np.isfinite(roi).all() and 0 <= roi[0] < geometry.batch else None


def _bins(low, high, geometry, axis):
    """Pixels (first, last) of each bin along an axis, last excluded, inside the map."""
    size, count = geometry.input_size[axis], geometry.output_size[axis]
    low, high = (_round(corner * geometry.spatial_scale) for corner in (low, high))
    extent = max(high - low + 1, 1)
    edges = ((low + p * extent // count, low - (-(p + 1) * extent // count)) for p in range(count))
    return [(min(max(first, 0), size), min(max(last, 0), size)) for first, last in edges]


def _round(value):
    """To the nearest integer, halves away from zero."""
    whole = int(value)
    return whole + (int(np.sign(value)) if abs(value - whole) >= 0.5 else 0)


def _both(weights, roi, geometry):
    """Of rows and of columns: weights (bins, pixels), and their derivatives by the lower and the upper corner."""
    return weights(roi[2], roi[4], geometry, 0), weights(roi[1], roi[3], geometry, 1)


def _align(low, high, geometry, axis):
    size, count, scale = geometry.input_size[axis], geometry.output_size[axis], geometry.spatial_scale
    found = np.zeros((3, count, size), low.dtype)
    offset = 0.5 if geometry.aligned else 0
    start = low * scale - offset
    extent = high * scale - offset - start
    least = not geometry.aligned and extent < 1
    extent = low.dtype.type(1) if least else extent
    step = extent / count
    samples = geometry.sampling_ratio if geometry.sampling_ratio > 0 else max(ceil(step), 0)
    for p in range(count):
        for i in range(samples):
            at = start + p * step + (i + 0.5) * step / samples
            if not -1 <= at <= size:
                continue
            moves = 0 if least else (p + (i + 0.5) / samples) / count  # with high; the rest with low
            below = min(max(int(at), 0), size - 1)
            above = min(below + 1, size - 1)
            share = min(max(at, 0), size - 1) - below
            slope = scale if 0 < at < size - 1 else 0
            found[:, p, below] += np.array([1 - share, -slope * (1 - moves), -slope * moves]) / samples
            found[:, p, above] += np.array([share, slope * (1 - moves), slope * moves]) / samples
    return found


def _warp(low, high, geometry, axis):
    size, count = geometry.input_size[axis], geometry.output_size[axis]
    found = np.zeros((3, count, size), low.dtype)
    scale = geometry.spatial_scale * (size - 1) / size
    for p in range(count):
        moves = p / (count - 1) if count > 1 else 0.5
        at = low * scale * (1 - moves) + high * scale * moves
        if -1 < at < size:
            below = floor(at)
            for pixel, weight, slope in ((below, 1 - (at - below), -scale), (below + 1, at - below, scale)):
                if 0 <= pixel < size:
                    found[:, p, pixel] += (weight, slope * (1 - moves), slope * moves)
    return found
