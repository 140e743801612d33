"""Layers that pool regions of interest: called on a map and boxes, [x, rois]."""

from pycnn import ops
from pycnn.backend.geometry import pair
from pycnn.backend.roi_geometry import roi_geometry
from pycnn.layers.base import Layer
from pycnn.layers.structure import is_shape
from pycnn.registration import register_serializable


class _RoiLayer(Layer):
    """A layer that is called on [x, rois]; a subclass names the operation."""

    _arguments = ("pool_size", "spatial_scale")

    def __init__(self, pool_size, spatial_scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pair("pool_size", pool_size)
        self.spatial_scale = float(spatial_scale)

    def build(self, input_shape):
        """Check the shapes."""
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape):
        """Return (regions, *pool_size, channels) for the shapes of [x, rois]."""
        if not isinstance(input_shape, (list, tuple)) or len(input_shape) != 2 or not all(map(is_shape, input_shape)):
            raise ValueError(f"{type(self).__name__} must be called on [x, rois]. Received: input_shape={input_shape}")
        x, rois = map(tuple, input_shape)
        if len(rois) != 2 or rois[1] not in (5, None):
            raise ValueError(
                "rois must have the shape (regions, 5): index of the image, x1, y1, x2, y2. "
                f"Received: rois.shape={rois}"
            )
        known = tuple(1 if size is None else size for size in x)
        return roi_geometry(known, self.pool_size, self.spatial_scale).output_shape(rois[0], x[-1])


@register_serializable("layers")
class RoIPooling2D(_RoiLayer):
    """Largest value of each bin of each region: ``ops.roi_pool``, Fast R-CNN's layer.

    Parameters
    ----------
    pool_size : int or pair of ints
        Bins of each region.
    spatial_scale : float
        What takes pixels of the image to those of the map, such as 1/16.

    Input: [x, rois], x (batch, height, width, channels), rois (regions, 5): index of the image, x1, y1, x2, y2.
    Output: (regions, *pool_size, channels).

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> x, rois = np.arange(16.0).reshape(1, 4, 4, 1), np.array([[0.0, 0, 0, 2, 3]])
    >>> pycnn.layers.RoIPooling2D(2)([x, rois]).numpy()[0, :, :, 0]
    array([[ 5.,  6.],
           [13., 14.]], dtype=float32)
    """

    def call(self, inputs):
        """Compute the output of [x, rois]."""
        x, rois = inputs
        return ops.roi_pool(x, rois, self.pool_size, self.spatial_scale)


@register_serializable("layers")
class RoIAlign2D(_RoiLayer):
    """Mean of bilinear samples of each bin of each region: ``ops.roi_align``, Mask R-CNN's layer.

    Parameters
    ----------
    pool_size : int or pair of ints
        Bins of each region.
    spatial_scale : float
        What takes pixels of the image to those of the map, such as 1/16.
    sampling_ratio : int
        Samples a bin along each axis; if not above 0, one for each pixel of it that is begun.
    aligned : bool
        Whether pixel centres lie at half-integers of the box's coordinates.

    Input and output are those of ``RoIPooling2D``.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> x, rois = np.arange(16.0).reshape(1, 4, 4, 1), np.array([[0.0, 0, 0, 4, 4]])
    >>> pycnn.layers.RoIAlign2D(2)([x, rois]).numpy()[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """

    _arguments = ("sampling_ratio", "aligned")

    def __init__(self, pool_size, spatial_scale=1.0, sampling_ratio=-1, aligned=True, **kwargs):
        super().__init__(pool_size, spatial_scale, **kwargs)
        self.sampling_ratio = sampling_ratio
        self.aligned = bool(aligned)

    def call(self, inputs):
        """Compute the output of [x, rois]."""
        x, rois = inputs
        return ops.roi_align(x, rois, self.pool_size, self.spatial_scale, self.sampling_ratio, self.aligned)
