"""The boxes that DenseCap tells regions by: any widths and heights."""

import numpy as np

from pycnn.backend.geometry import is_real

ANCHORS = (
    *((45, 90), (90, 45), (64, 64), (90, 180), (180, 90), (128, 128)),
    *((181, 362), (362, 181), (256, 256), (362, 724), (724, 362), (512, 512)),
)
"""Widths and heights of the paper's twelve, for images of 720 pixels."""


def checked_sides(anchors):
    """Return anchors as a list of [width, height], or raise."""
    sides = [list(pair) if isinstance(pair, (tuple, list)) else pair for pair in anchors]
    if not sides or any(
        not isinstance(p, list) or len(p) != 2 or not all(is_real(n) and n > 0 for n in p) for p in sides
    ):
        raise ValueError(f"anchors must be (width, height) of boxes, both above 0. Received: anchors={anchors!r}")
    return sides


def around_a_cell(sides, stride):
    """Boxes (n, 4) of these widths and heights, around the middle of the first cell of the maps."""
    half = np.asarray(sides, np.float32).reshape(-1, 2) / 2
    return np.concatenate([stride / 2 - half, stride / 2 + half], axis=1)
