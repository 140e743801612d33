"""Anchors: the boxes that a network's predictions start from (Faster R-CNN, section 3.1.1)."""

import numpy as np

from pycnn import ops
from pycnn.autograd import Tensor
from pycnn.backend import get_backend
from pycnn.backend.geometry import is_integer, is_real
from pycnn.detection.boxes import columns, float_boxes, height_and_width


def generate_anchors(base_size=16, ratios=(0.5, 1, 2), scales=(8, 16, 32), legacy=False):
    """Anchors of the first cell of a map, a cell being ``base_size`` x ``base_size`` pixels of the image.

    Parameters
    ----------
    base_size : float
    ratios : sequence of float
        Heights over widths.
    scales : sequence of float
        Square roots of areas, in ``base_size``.
    legacy : bool
        As the first Faster R-CNN made them: sides of the unscaled anchors are rounded, and corners are pixels that
        belong to the box, counted from 1.

    Returns
    -------
    Tensor (ratios * scales, 4) float32
        For each ratio all scales, around the middle of the cell.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.generate_anchors(16, ratios=[1, 4], scales=[1]).numpy()
    array([[ 0.,  0., 16., 16.],
           [ 4., -8., 12., 24.]], dtype=float32)
    """
    for argument, values in (("base_size", [base_size]), ("ratios", ratios), ("scales", scales)):
        if not np.iterable(values) or not len(values) or not all(is_real(v) and 0 < v < np.inf for v in values):
            wanted = "a number" if argument == "base_size" else "one or more numbers"
            values = base_size if argument == "base_size" else values
            raise ValueError(f"{argument} must be {wanted} above 0. Received: {argument}={values!r}")
    ratios, scales = np.asarray(ratios, np.float64), np.asarray(scales, np.float64)
    widths = np.sqrt(base_size**2 / ratios)
    if legacy:
        widths = np.round(widths)
    heights = np.round(widths * ratios) if legacy else widths * ratios
    sides = (np.stack([widths, heights], axis=1)[:, None] * scales[:, None]).reshape(-1, 2)
    half, middle = (sides - legacy) / 2, (base_size + legacy) / 2
    return Tensor.wrap(get_backend().asarray(np.concatenate([middle - half, middle + half], axis=1), np.float32))


def anchor_grid(anchors, map_size, stride):
    """The anchors of all cells of a map.

    Parameters
    ----------
    anchors : (A, 4)
        Those of the first cell, as of ``generate_anchors``.
    map_size : pair of ints
        Rows and columns of the map.
    stride : float or pair of floats
        How far cells are apart in the image, in y and in x.

    Returns
    -------
    Tensor (rows * columns * A, 4)
        Row by row, the anchors of a cell side by side: the order of a map's channels.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.anchor_grid([[0.0, 0.0, 4.0, 4.0]], (1, 2), 16).numpy()
    array([[ 0.,  0.,  4.,  4.],
           [16.,  0., 20.,  4.]], dtype=float32)
    """
    if not np.iterable(map_size) or len(map_size) != 2 or not all(is_integer(n) and n >= 0 for n in map_size):
        raise ValueError(f"map_size must be two integers, rows and columns. Received: map_size={map_size}")
    anchors = float_boxes("anchors", anchors, 2)
    strides = tuple(stride) if np.iterable(stride) else (stride, stride)
    if len(strides) != 2 or not all(is_real(s) and 0 < s < np.inf for s in strides):
        raise ValueError(f"stride must be a number above 0, or two of them, in y and in x. Received: stride={stride!r}")
    down, across = strides
    y, x = np.meshgrid(np.arange(map_size[0]) * down, np.arange(map_size[1]) * across, indexing="ij")
    shifts = get_backend().asarray(np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4).astype(anchors.dtype))
    return ops.reshape(anchors + Tensor.wrap(shifts), (-1, 4))


def inside_image(boxes, size, legacy=False):
    """Which of the boxes (..., 4) lie wholly in an image of ``size`` (height, width): Tensor (...) of bools.

    With ``legacy`` corners are pixels that belong to the box, and x2 must be below the width, y2 below the height.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.inside_image([[0.0, 0.0, 8.0, 8.0], [-1.0, 0.0, 7.0, 8.0]], (8, 8)).numpy()
    array([ True, False])
    """
    x1, y1, x2, y2 = columns(Tensor.wrap(float_boxes("boxes", boxes).data))
    height, width = height_and_width(size)
    if legacy:
        right, bottom = ops.less(x2, width), ops.less(y2, height)
    else:
        right, bottom = ops.less_equal(x2, width), ops.less_equal(y2, height)
    corner = ops.logical_and(ops.greater_equal(x1, 0), ops.greater_equal(y1, 0))
    return ops.logical_and(corner, ops.logical_and(right, bottom))
