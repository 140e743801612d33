"""The classic image filters: as arrays, by name, applied to an image, and as a frozen layer.

All kernels are float32 and oriented for **cross-correlation**, as convolution layers use them: laid over the image
as printed, multiplied and summed, never turned by 180 degrees. So ``sobel_x``, ``[[-1, 0, 1], ...]``, answers
positively where the image grows brighter to the right, and ``vertical_edges``, ``[[1, 0, -1], ...]``, as lecture notes
print it, where it grows darker. Kernels keep the whole numbers of their sources; divide to scale them.
"""

import numpy as np

from pycnn import ops
from pycnn.autograd import Tensor, as_tensor
from pycnn.backend.geometry import is_integer
from pycnn.layers import DepthwiseConv2D
from pycnn.registration import register_serializable

BORDERS = ("edge", "reflect", "constant")
"""What ``apply`` may put beyond the image, named as in ``ops.pad``."""


def _kernel(*rows):
    kernel = np.array(rows, np.float32)
    kernel.flags.writeable = False
    return kernel


_FIXED = {
    # As printed in lecture notes: bright to dark is positive.
    "vertical_edges": _kernel([1, 0, -1], [1, 0, -1], [1, 0, -1]),
    "horizontal_edges": _kernel([1, 1, 1], [0, 0, 0], [-1, -1, -1]),
    "edge_detection": _kernel([-1, -1, -1], [-1, 8, -1], [-1, -1, -1]),
    "sharpening": _kernel([0, -1, 0], [-1, 5, -1], [0, -1, 0]),
    # First derivatives: x to the right, y downwards, dark to bright is positive.
    "prewitt_x": _kernel([-1, 0, 1], [-1, 0, 1], [-1, 0, 1]),
    "prewitt_y": _kernel([-1, -1, -1], [0, 0, 0], [1, 1, 1]),
    "sobel_x": _kernel([-1, 0, 1], [-2, 0, 2], [-1, 0, 1]),
    "sobel_y": _kernel([-1, -2, -1], [0, 0, 0], [1, 2, 1]),
    "scharr_x": _kernel([-3, 0, 3], [-10, 0, 10], [-3, 0, 3]),
    "scharr_y": _kernel([-3, -10, -3], [0, 0, 0], [3, 10, 3]),
    "laplacian": _kernel([0, 1, 0], [1, -4, 1], [0, 1, 0]),
    # Light from the upper left.
    "emboss": _kernel([-2, -1, 0], [-1, 1, 1], [0, 1, 2]),
}


def box(size=3):
    """Mean of a ``size`` x ``size`` neighbourhood.

    Examples
    --------
    >>> box(2)
    array([[0.25, 0.25],
           [0.25, 0.25]], dtype=float32)
    """
    size = _size(size)
    return np.full((size, size), 1 / size**2, np.float32)


def gaussian(sigma=1.0, size=None):
    """Gaussian blur that sums to 1; ``sigma`` in pixels, ``size`` 2*ceil(3*sigma) + 1 unless given.

    Examples
    --------
    >>> gaussian(1.0).shape
    (7, 7)
    """
    sigma = _positive("sigma", sigma)
    size = 2 * int(np.ceil(3 * sigma)) + 1 if size is None else _size(size)
    bell = np.exp(-0.5 * (_offsets(size) / sigma) ** 2)
    bell /= bell.sum()
    return np.outer(bell, bell).astype(np.float32)


def sharpen(amount=1.0, sigma=1.0):
    """Unsharp mask: the image plus ``amount`` times its difference from its Gaussian blur.

    Examples
    --------
    >>> round(float(sharpen().sum()), 4)
    1.0
    """
    blur = gaussian(sigma)
    kernel = -np.float32(amount) * blur
    middle = len(blur) // 2
    kernel[middle, middle] += 1 + np.float32(amount)
    return kernel


def gabor(wavelength=4.0, orientation=0.0, phase=0.0, sigma=None, aspect=0.5, size=None):
    """Gabor filter: a cosine wave under a Gaussian, the shape of many learned first-layer filters (Daugman 1985).

    ``exp(-(u^2 + aspect^2 v^2) / (2 sigma^2)) * cos(2 pi u / wavelength + phase)``, with (u, v) the pixel's (x, y)
    turned by ``orientation``. Even sizes have no centre pixel and are not allowed.

    Parameters
    ----------
    wavelength : float
        Of the wave, in pixels.
    orientation : float
        Direction in which the wave runs, in radians from x (right) towards y (down): 0 answers to vertical stripes.
    phase : float
        In radians: 0 is a ridge, -pi/2 an edge from dark to bright.
    sigma : float, optional
        Of the Gaussian, in pixels; ``0.56 * wavelength`` (one octave of bandwidth) unless given.
    aspect : float
        Width over length of the Gaussian.
    size : int, optional
        Odd; three standard deviations of the Gaussian to each side unless given.

    Examples
    --------
    >>> gabor(4.0).shape
    (29, 29)
    """
    wavelength, aspect = _positive("wavelength", wavelength), _positive("aspect", aspect)
    sigma = 0.56 * wavelength if sigma is None else _positive("sigma", sigma)
    size = 2 * int(np.ceil(3 * max(sigma, sigma / aspect))) + 1 if size is None else _size(size)
    if size % 2 == 0:
        raise ValueError(f"size must be odd. Received: size={size}")
    y, x = np.meshgrid(_offsets(size), _offsets(size), indexing="ij")
    u = x * np.cos(orientation) + y * np.sin(orientation)
    v = -x * np.sin(orientation) + y * np.cos(orientation)
    wave = np.cos(2 * np.pi * u / wavelength + phase)
    return (np.exp(-(u**2 + aspect**2 * v**2) / (2 * sigma**2)) * wave).astype(np.float32)


_MADE = {"box": box, "gaussian": gaussian, "sharpen": sharpen, "gabor": gabor}


def names():
    """Names that ``get`` knows, in alphabetical order.

    Examples
    --------
    >>> "sobel_x" in names()
    True
    """
    return tuple(sorted((*_FIXED, *_MADE)))


def get(name, **parameters):
    """Return a kernel by name: a new float32 array (height, width).

    Parameters
    ----------
    name : str
        One of ``names()``.
    **parameters
        Those of the function of the same name, for ``box``, ``gaussian``, ``sharpen`` and ``gabor``.

    Examples
    --------
    >>> get("vertical_edges")
    array([[ 1.,  0., -1.],
           [ 1.,  0., -1.],
           [ 1.,  0., -1.]], dtype=float32)
    >>> get("box", size=5).shape
    (5, 5)
    """
    if name in _MADE:
        return _MADE[name](**parameters)
    if name not in _FIXED:
        raise ValueError(f"name must be one of {', '.join(names())}. Received: name={name!r}")
    if parameters:
        raise TypeError(f"The filter {name!r} takes no parameters. Received: {', '.join(sorted(parameters))}")
    return _FIXED[name].copy()


def apply(image, kernel, border="edge"):
    """Filter each channel of an image by itself; the result has the image's size.

    Parameters
    ----------
    image : (height, width), (height, width, channels) or (batch, height, width, channels)
        Array or Tensor. Integer images are computed as floats, so nothing wraps or is clipped.
    kernel : str or (kernel_height, kernel_width) array
        One of ``names()``, or numbers.
    border : {"edge", "reflect", "constant"}
        What lies beyond the image: its outermost pixels repeated, so that its rim is no edge; its mirror image; or
        zeros, as in a layer.

    Returns
    -------
    array of the image's shape; a Tensor if the image is one

    Examples
    --------
    >>> import numpy as np
    >>> step = np.array([[0, 0, 9, 9]] * 3, dtype=np.uint8)
    >>> apply(step, "sobel_x")
    array([[ 0., 36., 36.,  0.],
           [ 0., 36., 36.,  0.],
           [ 0., 36., 36.,  0.]], dtype=float32)
    """
    kernel = _as_kernel(kernel)
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(BORDERS)}. Received: border={border!r}")
    x = as_tensor(image)
    shape = x.shape
    if len(shape) not in (2, 3, 4):
        raise ValueError(
            "image must have the axes (height, width), (height, width, channels) or (batch, height, width, channels). "
            f"Received: image.shape={shape}"
        )
    x = ops.reshape(x, {2: (1, *shape, 1), 3: (1, *shape), 4: shape}[len(shape)])
    channels = x.shape[-1]
    margins = tuple(((f - 1) // 2, f // 2) for f in kernel.shape)  # as padding="same", also for even kernels
    if border != "constant":
        x = ops.pad(x, ((0, 0), *margins, (0, 0)), mode=border)
        margins = 0
    stacked = np.repeat(kernel[:, :, None, None], channels, axis=3)
    y = ops.reshape(ops.conv2d(x, stacked, padding=margins, groups=channels), shape)
    return y if isinstance(image, Tensor) else y.numpy()


def as_layer(kernels, padding="same", name=None):
    """Make a layer of fixed filters: each input channel goes through each kernel, and nothing is ever trained.

    Parameters
    ----------
    kernels : str, (kernel_height, kernel_width) array, or list of them
        Names or numbers. Smaller kernels are centred in the largest, among zeros.
    padding : str
        As in ``DepthwiseConv2D``; the border is zeros.
    name : str, optional

    Returns
    -------
    DepthwiseConv2D
        Without bias, ``trainable=False``. Its output has ``channels * len(kernels)`` channels, those of the first
        input channel first.

    Examples
    --------
    >>> import numpy as np
    >>> layer = as_layer(["sobel_x", "sobel_y"])
    >>> layer(np.zeros((1, 8, 8, 3), np.float32)).shape
    (1, 8, 8, 6)
    >>> layer.trainable_weights
    []
    """
    if isinstance(kernels, str) or getattr(kernels, "ndim", 0) == 2:
        kernels = [kernels]
    bank = [_as_kernel(kernel) for kernel in kernels]
    if not bank:
        raise ValueError("kernels must hold at least one kernel. Received: kernels=[]")
    size = tuple(max(kernel.shape[axis] for kernel in bank) for axis in (0, 1))
    return DepthwiseConv2D(
        size,
        padding=padding,
        depth_multiplier=len(bank),
        use_bias=False,
        depthwise_initializer=FilterBank([_centred(kernel, size).tolist() for kernel in bank]),
        trainable=False,
        name=name,
    )


@register_serializable("initializers")
class FilterBank:
    """Initializer of depthwise filters: the same given kernels for each input channel.

    Parameters
    ----------
    kernels : nested list (count, kernel_height, kernel_width)
    """

    def __init__(self, kernels):
        self.kernels = kernels

    def __call__(self, shape, dtype=None):
        """Return the kernels as an array of ``shape``: (kernel_height, kernel_width, channels, count)."""
        bank = np.moveaxis(np.array(self.kernels, dtype or np.float32), 0, -1)
        return np.ascontiguousarray(np.broadcast_to(bank[:, :, None, :], shape))

    def get_config(self):
        """What makes the same initializer again."""
        return {"kernels": self.kernels}


def _as_kernel(kernel):
    if isinstance(kernel, str):
        return get(kernel)
    array = np.asarray(kernel)
    if array.dtype.kind not in "fiu" or array.ndim != 2 or array.size == 0:
        raise ValueError(
            "kernel must be a name or a 2-D array of numbers (height, width). "
            f"Received: kernel of shape {array.shape}, dtype {array.dtype}"
        )
    return array.astype(array.dtype if array.dtype.kind == "f" else np.float32, copy=False)


def _centred(kernel, size):
    before = [(s - 1) // 2 - (f - 1) // 2 for s, f in zip(size, kernel.shape, strict=True)]
    margins = [(b, s - f - b) for b, s, f in zip(before, size, kernel.shape, strict=True)]
    return np.pad(kernel, margins)


def _size(size):
    if not is_integer(size) or size < 1:
        raise ValueError(f"size must be an integer >= 1. Received: size={size!r}")
    return int(size)


def _positive(argument, value):
    if not value > 0:
        raise ValueError(f"{argument} must be positive. Received: {argument}={value!r}")
    return float(value)


def _offsets(size):
    """Distances of ``size`` pixels from their middle."""
    return np.arange(size) - (size - 1) / 2
