"""One picture: from a file, to a file, as an array, in another size."""

import io
import os
import warnings

import numpy as np

from pycnn import config

COLOR_MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}
"""Color mode -> number of channels."""

PILLOW_FILTERS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_PILLOW_NAMES = {"bicubic": "bicubic", "area": "box", "lanczos3": "lanczos"}
INTERPOLATIONS = ("bilinear", "nearest", *_PILLOW_NAMES)
"""What ``resize`` knows."""


def pillow():
    """Return the module ``PIL.Image``."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Pictures in files need Pillow: pip install pillow.") from error
    return Image


def read_data_format(data_format):
    """Return ``data_format``, or the default one where it is None."""
    if data_format is None:
        return config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"data_format must be channels_last, channels_first or None. Received: data_format={data_format!r}"
        )
    return data_format


def read_color_mode(color_mode):
    """Return the number of channels of a color mode."""
    if color_mode not in COLOR_MODES:
        raise ValueError(f"color_mode must be one of {', '.join(COLOR_MODES)}. Received: color_mode={color_mode!r}")
    return COLOR_MODES[color_mode]


def load_img(path, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False):
    """Read a picture from a file.

    Parameters
    ----------
    path : str, path or io.BytesIO
    color_mode : {"rgb", "grayscale", "rgba"}
    target_size : tuple (height, width), optional
    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}
        Pillow's filters, which average over all pixels when a picture becomes smaller.
    keep_aspect_ratio : bool
        Cut the middle out first, so that nothing is distorted.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ImportError
        If Pillow is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn.utils import img_to_array, load_img, save_img
    >>> save_img("picture.png", np.zeros((4, 6, 3)))
    >>> img_to_array(load_img("picture.png", target_size=(2, 3))).shape
    (2, 3, 3)
    """
    Image = pillow()
    read_color_mode(color_mode)
    if isinstance(path, io.BytesIO):
        content = path
    elif isinstance(path, (str, bytes, os.PathLike)):
        with open(path, "rb") as file:
            content = io.BytesIO(file.read())
    else:
        raise TypeError(f"path must be a path or io.BytesIO. Received: path={path!r}")
    picture = Image.open(content)
    mode = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}[color_mode]
    if picture.mode != mode and not (mode == "L" and picture.mode in ("I;16", "I")):
        picture = picture.convert(mode)
    if target_size is None or picture.size == (target_size[1], target_size[0]):
        picture.load()
        return picture
    if interpolation not in PILLOW_FILTERS:
        raise ValueError(
            f"interpolation must be one of {', '.join(PILLOW_FILTERS)}. Received: interpolation={interpolation!r}"
        )
    box = None
    if keep_aspect_ratio:
        top, left, height, width = middle(picture.size[1], picture.size[0], *target_size)
        box = (left, top, left + width, top + height)
    return picture.resize((target_size[1], target_size[0]), Image.Resampling[interpolation.upper()], box=box)


def middle(height, width, target_height, target_width):
    """Return (top, left, height, width) of the largest part with the target's proportions, in the middle."""
    crop_height = min(height, width * target_height // target_width)
    crop_width = min(width, height * target_width // target_height)
    return (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width


def img_to_array(img, data_format=None, dtype=None):
    """Turn a Pillow picture into an array (height, width, channels), or (channels, height, width).

    Parameters
    ----------
    img : PIL.Image.Image, or array with or without channels
    data_format : {"channels_last", "channels_first"}, optional
    dtype : str, optional
        ``floatx`` unless given.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn.utils import array_to_img, img_to_array
    >>> img_to_array(array_to_img(np.eye(2)[..., None]))[..., 0]
    array([[255.,   0.],
           [  0., 255.]], dtype=float32)
    """
    first = read_data_format(data_format) == "channels_first"
    x = np.asarray(img, dtype=dtype or config.floatx())
    if x.ndim not in (2, 3):
        raise ValueError(f"img must have two or three axes. Received: img.shape={x.shape}")
    if x.ndim == 2:
        return x[None] if first else x[..., None]
    return x.transpose(2, 0, 1) if first else x


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """Turn an array into a Pillow picture.

    Parameters
    ----------
    x : array (height, width, channels) with 1, 3 or 4 channels, or (channels, height, width)
    data_format : {"channels_last", "channels_first"}, optional
    scale : bool
        Whether to stretch the values to 0..255; else they should lie there.
    dtype : str, optional
        ``floatx`` unless given.

    Returns
    -------
    PIL.Image.Image
    """
    Image = pillow()
    first = read_data_format(data_format) == "channels_first"
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3:
        raise ValueError(f"x must be one picture, with three axes. Received: x.shape={x.shape}")
    if first:
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f"x must have 1, 3 or 4 channels. Received: x.shape={x.shape}, data_format={data_format!r}")
    if scale:
        x = x - x.min()
        x = x * (255 / x.max()) if x.max() else x
    if x.shape[2] > 1:
        return Image.fromarray(x.astype(np.uint8))
    deep = x.max() > 255
    return Image.fromarray(x[..., 0].astype(np.int32 if deep else np.uint8))


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array to a picture file.

    Parameters
    ----------
    path : str, path or file object
    x : array
        As of ``array_to_img``.
    data_format : {"channels_last", "channels_first"}, optional
    file_format : str, optional
        ``"png"`` and so on, unless the ending of ``path`` says it.
    scale : bool
        Whether to stretch the values to 0..255.
    kwargs
        For Pillow's ``save``, such as ``quality``.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(path)[1][1:]
    if file_format:
        file_format = {"jpg": "jpeg"}.get(file_format.lower(), file_format.lower())
    picture = array_to_img(x, data_format, scale)
    if picture.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG knows no transparency: the picture is saved as RGB", stacklevel=2)
        picture = picture.convert("RGB")
    picture.save(path, format=file_format or None, **kwargs)


def smart_resize(x, size, interpolation="bilinear", data_format="channels_last"):
    """Resize pictures without distortion: the middle that has the proportions of ``size`` is cut out first.

    Parameters
    ----------
    x : array (height, width, channels) or (batch, height, width, channels); or channels first
    size : tuple (height, width)
    interpolation : {"bilinear", "nearest", "bicubic", "area", "lanczos3"}
    data_format : {"channels_last", "channels_first"}

    Returns
    -------
    numpy.ndarray, float32

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn.preprocessing.image import smart_resize
    >>> smart_resize(np.zeros((4, 8, 3)), (2, 2)).shape
    (2, 2, 3)
    """
    first = read_data_format(data_format) == "channels_first"
    x = np.asarray(x)
    if x.ndim not in (3, 4) or len(size) != 2:
        raise ValueError(
            "x must be a picture or a batch of them, and size (height, width). "
            f"Received: x.shape={x.shape}, size={size!r}"
        )
    if x.ndim == 4:
        return np.stack([smart_resize(picture, size, interpolation, data_format) for picture in x])
    if first:
        x = x.transpose(1, 2, 0)
    top, left, height, width = middle(*x.shape[:2], *size)
    resized = resize(x[top : top + height, left : left + width], size, interpolation)
    return resized.transpose(2, 0, 1) if first else resized


def resize(x, size, interpolation="bilinear"):
    """Resize one picture (height, width, channels) to float32.

    ``"bilinear"`` and ``"nearest"`` look at the four pixels, or the one, that lie nearest, as TensorFlow does;
    the others are Pillow's, and average over all pixels when a picture becomes smaller.
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {', '.join(INTERPOLATIONS)}. Received: interpolation={interpolation!r}"
        )
    height, width = size
    if x.shape[:2] == (height, width):
        return x.astype(np.float32)
    if interpolation == "nearest":
        rows, columns = ((2 * np.arange(n) + 1) * m // (2 * n) for n, m in ((height, x.shape[0]), (width, x.shape[1])))
        return x[rows[:, None], columns].astype(np.float32)
    if interpolation == "bilinear":
        return _blend(_blend(x, height, 0), width, 1)
    Image = pillow()
    method = Image.Resampling[_PILLOW_NAMES[interpolation].upper()]
    planes = [Image.fromarray(plane.astype(np.float32)) for plane in np.moveaxis(x, -1, 0)]
    return np.stack([np.asarray(plane.resize((width, height), method)) for plane in planes], axis=-1)


def _blend(x, length, axis):
    """Interpolate linearly along an axis; pixel centres lie at half-integers."""
    source = x.shape[axis]
    place = np.clip((np.arange(length) + 0.5) * (source / length) - 0.5, 0, source - 1)
    low = np.floor(place).astype(np.int64)
    share = (place - low).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    before = x.take(low, axis).astype(np.float32)
    after = x.take(np.minimum(low + 1, source - 1), axis).astype(np.float32)
    after -= before
    after *= share
    after += before
    return after
