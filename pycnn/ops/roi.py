"""Pooling of regions of interest: each box of a map becomes a small map of one size."""

from pycnn.autograd import Function, as_tensor
from pycnn.backend.recorded import is_recording
from pycnn.backend.roi_geometry import roi_geometry
from pycnn.ops.promotion import same_float


class _RoiPool(Function):
    def forward(self, x, rois, *, geometry):
        self.geometry = geometry
        x, self.rois = same_float(x, rois)
        y, self.index = self.backend.roi_pool_forward(x, self.rois, geometry, with_index=self.needs_grad[0])
        return y

    def backward(self, gy):
        return self.backend.roi_pool_input_grad(gy, self.rois, self.index, self.geometry), None


class _Sampling(Function):
    """What is linear in x, and has gradients in the boxes too; a subclass names the kernels."""

    def forward(self, x, rois, *, geometry):
        self.geometry = geometry
        x, self.rois = same_float(x, rois)
        self.x = x if self.needs_grad[1] else None
        return getattr(self.backend, f"{self.kernel}_forward")(x, self.rois, geometry)

    def backward(self, gy):
        gx = grois = None
        if self.needs_grad[0]:
            gx = getattr(self.backend, f"{self.kernel}_input_grad")(gy, self.rois, self.geometry)
        if self.needs_grad[1]:
            grois = getattr(self.backend, f"{self.kernel}_rois_grad")(gy, self.x, self.rois, self.geometry)
        return gx, grois


class _RoiAlign(_Sampling):
    kernel = "roi_align"


class _RoiWarp(_Sampling):
    kernel = "roi_warp"


def _apply(function, x, rois, output_size, spatial_scale, **options):
    x, rois = as_tensor(x), as_tensor(rois)
    geometry = roi_geometry(x.shape, output_size, spatial_scale, **options)
    if rois.ndim != 2 or rois.shape[1] != 5:
        raise ValueError(
            "rois must have the shape (regions, 5): index of the image, x1, y1, x2, y2. "
            f"Received: rois.shape={rois.shape}"
        )
    if not is_recording():  # then there are no values to look at; a region of no image gives NaN
        _check_values(rois.data, geometry.batch)
    return function.apply(x, rois, geometry=geometry)


def _check_values(rois, batch):
    image = rois[:, 0]
    finite = abs(rois).max(initial=0) < float("inf")
    if not bool(finite & (image >= 0).all() & (image < batch).all() & (image == image // 1).all()):
        raise ValueError(
            f"rois must be finite, and their column 0 the index, a whole number, of one of the {batch} images of x. "
            f"Received: rois={rois}"
        )


def roi_pool(x, rois, output_size, spatial_scale=1.0):
    """Largest value of each bin of each region, as in Fast R-CNN (Girshick 2015, section 2.1).

    The corners are rounded to pixels of the map, halves away from zero, both of which belong to the region; a region
    with x2 < x1 is one pixel wide. Bins may overlap by a pixel; one outside the map gives 0. Boxes get no gradient.

    Parameters
    ----------
    x : (batch, height, width, channels)
    rois : (regions, 5)
        Index of the image in the batch, then the box x1, y1, x2, y2 in pixels of the image.
    output_size : int or (height, width)
        Bins of each region.
    spatial_scale : float
        What takes pixels of the image to those of the map, such as 1/16.

    Returns
    -------
    Tensor (regions, *output_size, channels)

    Raises
    ------
    ValueError
        If ``rois`` has another shape, is not finite, or names an image that is not there. (Not while a training step
        is recorded, when there are no values to look at: such a region then gives NaN.)

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> pycnn.ops.roi_pool(x, [[0, 0, 0, 2, 3]], 2).numpy()[0, :, :, 0]
    array([[ 5.,  6.],
           [13., 14.]])
    """
    return _apply(_RoiPool, x, rois, output_size, spatial_scale)


def roi_align(x, rois, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=True):
    """Mean of bilinear samples of each bin of each region, as in Mask R-CNN (He et al. 2017, section 3).

    Differentiable in ``x`` and in the boxes. The same as ``torchvision.ops.roi_align``, but for the default of
    ``aligned``, and as ONNX's RoiAlign.

    Parameters
    ----------
    x, rois, output_size, spatial_scale
        As those of ``roi_pool``.
    sampling_ratio : int
        Samples a bin along each axis; if not above 0, one for each pixel of it that is begun.
    aligned : bool
        Whether pixel centres lie at half-integers of the box's coordinates, so that the samples move by -1/2. Without
        it a region is at least one pixel wide and high, and with it, if x2 <= x1, it has no samples and gives 0
        (unless ``sampling_ratio`` is given).

    Returns
    -------
    Tensor (regions, *output_size, channels)

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> pycnn.ops.roi_align(x, [[0, 0, 0, 4, 4]], 2).numpy()[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    options = {"sampling_ratio": sampling_ratio, "aligned": aligned}
    return _apply(_RoiAlign, x, rois, output_size, spatial_scale, **options)


def roi_warp(x, rois, output_size, spatial_scale=1.0):
    """One bilinear sample a bin, the outermost on the edges of the box, as in DenseCap (Johnson et al. 2016).

    Differentiable in ``x`` and in the boxes. It is PyTorch's ``affine_grid`` and ``grid_sample`` with
    ``align_corners=True``, the box given in parts of the map, and TensorFlow's ``crop_and_resize``: the edges of the
    map are the centres of its outermost pixels, and outside is 0.

    Parameters
    ----------
    x, rois, output_size, spatial_scale
        As those of ``roi_pool``.

    Returns
    -------
    Tensor (regions, *output_size, channels)

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> pycnn.ops.roi_warp(x, [[0, 0, 0, 4, 4]], 2).numpy()[0, :, :, 0]
    array([[ 0.,  3.],
           [12., 15.]])
    """
    return _apply(_RoiWarp, x, rois, output_size, spatial_scale)
