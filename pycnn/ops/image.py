"""Keras's ``ops.image``: resizing, cropping, padding, affine maps and grey values of images, in either layout."""

from pycnn import config
from pycnn.autograd import as_tensor
from pycnn.backend.dtypes import FLOATS
from pycnn.backend.geometry import pair
from pycnn.ops import resample
from pycnn.ops.arithmetic import multiply
from pycnn.ops.creation import cast
from pycnn.ops.promotion import floatx_dtype
from pycnn.ops.reduction import sum as total
from pycnn.ops.shaping import expand_dims, squeeze, transpose

_GREY = (0.2989, 0.5870, 0.1140)  # of red, green and blue: ITU-R BT.601


def _nhwc(function, images, data_format):
    """Call ``function`` on a batch that is channels_last, for one image or many in either layout."""
    x = as_tensor(images)
    if x.ndim not in (3, 4):
        raise ValueError(f"images must have 3 axes, or 4 for a batch. Received: images.shape={x.shape}")
    data_format = config.image_data_format() if data_format is None else data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"data_format must be 'channels_last' or 'channels_first'. Received: data_format={data_format!r}"
        )
    one, first = x.ndim == 3, data_format == "channels_first"
    x = expand_dims(x, 0) if one else x
    y = function(transpose(x, (0, 2, 3, 1)) if first else x)
    y = transpose(y, (0, 3, 1, 2)) if first else y
    return squeeze(y, 0) if one else y


def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Resize images to ``size`` (height, width), by "bilinear" or "nearest" interpolation.

    Parameters
    ----------
    images : (height, width, channels), or a batch of them
    size : (int, int)
    interpolation : {"bilinear", "nearest"}
        Keras's others are not offered, nor is antialiasing.
    antialias : False
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Keep the proportions: by cutting off what does not fit, or by adding ``fill_value`` at the edges.
    fill_mode : "constant"
    fill_value : float
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.image.resize(pycnn.ops.ones((4, 4, 3)), (8, 2)).shape
    (8, 2, 3)
    """
    if antialias:
        raise ValueError("antialias must be False: there is no antialiasing. Received: antialias=True")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True. Received: both")
    if fill_mode != "constant":
        raise ValueError(f"fill_mode must be 'constant'. Received: fill_mode={fill_mode!r}")
    height, width = pair("size", size)

    def apply(x):
        h, w = x.shape[1:3]
        if crop_to_aspect_ratio:
            rows, columns = min(h, int(w * height / width)), min(w, int(h * width / height))
            top, left = int((h - rows) / 2), int((w - columns) / 2)
            x = resample.crop(x, ((top, h - rows - top), (left, w - columns - left)))
        elif pad_to_aspect_ratio:
            rows, columns = max(h, int(w * height / width)), max(w, int(h * width / height))
            top, left = int((rows - h) / 2), int((columns - w) / 2)
            edges = ((0, 0), (top, top), (left, left), (0, 0))  # an odd row or column is left out, as in Keras
            x = resample.pad(x, edges, constant_values=fill_value)
        return resample.resize(x, (height, width), interpolation)

    return _nhwc(apply, images, data_format)


def rgb_to_grayscale(images, data_format=None):
    """Grey values 0.2989 * red + 0.5870 * green + 0.1140 * blue, in one channel."""

    def apply(x):
        if x.shape[-1] not in (1, 3):
            raise ValueError(f"images must have 3 channels, or 1. Received: {x.shape[-1]} channels")
        x = x if x.dtype.kind in FLOATS else cast(x, floatx_dtype())
        return x if x.shape[-1] == 1 else total(multiply(x, cast(as_tensor(_GREY), x.dtype)), axis=-1, keepdims=True)

    return _nhwc(apply, images, data_format)


def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Add rows and columns of zeros; of two sides and the target of a direction exactly two are given.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.image.pad_images(pycnn.ops.ones((4, 4, 3)), 1, 2, target_height=8, target_width=8).shape
    (8, 8, 3)
    """

    def apply(x):
        rows = _two_sides(
            "padding", ("top", "bottom", "target_height"), top_padding, bottom_padding, target_height, x.shape[1], 1
        )
        columns = _two_sides(
            "padding", ("left", "right", "target_width"), left_padding, right_padding, target_width, x.shape[2], 1
        )
        return resample.pad(x, ((0, 0), rows, columns, (0, 0)))

    return _nhwc(apply, images, data_format)


def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Take rows and columns away; of two sides and the target of a direction exactly two are given."""

    def apply(x):
        rows = _two_sides(
            "cropping", ("top", "bottom", "target_height"), top_cropping, bottom_cropping, target_height, x.shape[1], -1
        )
        columns = _two_sides(
            "cropping", ("left", "right", "target_width"), left_cropping, right_cropping, target_width, x.shape[2], -1
        )
        return resample.crop(x, (rows, columns))

    return _nhwc(apply, images, data_format)


def _two_sides(kind, names, before, after, target, size, sign):
    """What is added (sign 1) or taken away (-1) before and after, from the two numbers that are given."""
    if [before, after, target].count(None) != 1:
        received = f"{names[0]}={before}, {names[1]}={after}, {names[2]}={target}"
        raise ValueError(f"Exactly two of {', '.join(names)} must be given. Received: {received}")
    change = None if target is None else sign * (target - size)
    before = change - after if before is None else before
    after = change - before if after is None else after
    if before < 0 or after < 0:
        raise ValueError(f"No {kind} can be negative. Received: {names[0]}={before}, {names[1]}={after}")
    return before, after


def affine_transform(images, transform, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format=None):
    """Sample images through affine maps, without gradient; see ``affine2d``.

    Parameters
    ----------
    images : (height, width, channels), or a batch of them
    transform : (8,) or (batch, 8)
        (a0, a1, a2, b0, b1, b2, 0, 0): output pixel (x, y) takes the input at (a0*x + a1*y + a2, b0*x + b1*y + b2).
    interpolation : {"bilinear", "nearest"}
    fill_mode : {"constant", "nearest", "reflect", "wrap"}
    fill_value : float
    data_format : {"channels_last", "channels_first"}, optional
    """
    matrices = as_tensor(transform).numpy()
    matrices = matrices.reshape(-1, matrices.shape[-1])
    if matrices.shape[1] != 8 or matrices[:, 6:].any():
        raise ValueError(
            "transform must be affine: rows of eight numbers of which the last two are 0. "
            f"Received: transform of shape {matrices.shape}"
        )

    def apply(x):
        return resample.affine2d(x, matrices[:, :6], interpolation, fill_mode, fill_value)

    return _nhwc(apply, images, data_format)
