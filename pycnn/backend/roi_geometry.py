"""The numbers of pooling over regions of interest (RoIs) that do not depend on where the regions lie."""

from math import isfinite
from typing import NamedTuple

from pycnn.backend.geometry import check_nhwc, is_integer, pair


class RoiGeometry(NamedTuple):
    """What all regions of a call share. Pairs are (height, width).

    A region of the image is one of the map after multiplication by ``spatial_scale``. ``sampling_ratio`` and
    ``aligned`` are those of ``roi_align`` alone.
    """

    batch: int
    input_size: tuple
    output_size: tuple
    spatial_scale: float
    sampling_ratio: int = -1
    aligned: bool = True

    def input_shape(self, channels):
        """Shape of the maps, NHWC."""
        return (self.batch, *self.input_size, channels)

    def output_shape(self, regions, channels):
        """Shape of the result for so many regions, (regions, height, width, channels)."""
        return (regions, *self.output_size, channels)


def roi_geometry(x_shape, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    """Geometry of pooling regions of NHWC maps.

    Examples
    --------
    >>> roi_geometry((2, 38, 63, 512), 7, 1 / 16).output_shape(128, 512)
    (128, 7, 7, 512)

    Raises
    ------
    ValueError
        If the maps have not four axes or no pixel, or a number is not one that can be.
    """
    check_nhwc("x", x_shape)
    batch, height, width, _ = x_shape
    if min(height, width) < 1:
        raise ValueError(f"x must have one row and column or more. Received: x.shape={tuple(x_shape)}")
    try:
        scale = float(spatial_scale)
    except (TypeError, ValueError):
        scale = 0.0
    if not isfinite(scale) or scale <= 0:
        raise ValueError(
            "spatial_scale must be a number above 0, the size of a map over that of its image. "
            f"Received: spatial_scale={spatial_scale!r}"
        )
    if not is_integer(sampling_ratio):
        raise ValueError(
            "sampling_ratio must be an integer: samples a bin along each axis, or as many as fit if it is not above 0. "
            f"Received: sampling_ratio={sampling_ratio!r}"
        )
    size = pair("output_size", output_size)
    return RoiGeometry(batch, (height, width), size, scale, int(sampling_ratio), bool(aligned))
