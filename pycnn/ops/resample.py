"""Images at other sizes and places: padding, cropping, resizing, affine maps."""

from pycnn.autograd import Function, Tensor, as_tensor, is_grad_enabled
from pycnn.backend import get_backend
from pycnn.backend.geometry import check_nhwc, is_integer, pair
from pycnn.ops.indexing import getitem
from pycnn.ops.promotion import as_float
from pycnn.registration import close_matches

_PAD_MODES = ("constant", "reflect", "edge")
_INTERPOLATIONS = ("nearest", "bilinear")
_FILL_MODES = ("constant", "nearest", "reflect", "wrap")


class _Pad(Function):
    def forward(self, x, *, pad_width, mode, constant_values):
        self.shape, self.pad_width, self.mode = x.shape, pad_width, mode
        options = {"constant_values": constant_values} if mode == "constant" else {}
        return self.backend.xp.pad(x, pad_width, mode, **options)

    def backward(self, gy):
        """Axis by axis, what was copied outside is added where it came from."""
        for axis, (size, (before, after)) in enumerate(zip(self.shape, self.pad_width, strict=True)):
            if not before and not after:
                continue
            at = (slice(None),) * axis
            inside = gy[(*at, slice(before, before + size))]
            if self.mode != "constant":
                inside = inside.copy()
                self._return_border(inside, at, gy[(*at, slice(None, before))], before, at_start=True)
                self._return_border(inside, at, gy[(*at, slice(before + size, None))], after, at_start=False)
            gy = inside
        return gy

    def _return_border(self, inside, at, border, width, at_start):
        if not width:
            return
        axis = len(at)
        if self.mode == "edge":
            edge = slice(0, 1) if at_start else slice(-1, None)
            inside[(*at, edge)] += border.sum(axis=axis, keepdims=True)
        else:
            mirrored = slice(1, width + 1) if at_start else slice(-width - 1, -1)
            inside[(*at, mirrored)] += self.backend.xp.flip(border, axis)


class _Resize2D(Function):
    def forward(self, x, *, size, method):
        self.size, self.method = x.shape[1:3], method
        return self.backend.resize2d_forward(as_float(x), size, method)

    def backward(self, gy):
        return self.backend.resize2d_input_grad(gy, self.size, self.method)


class _Mirror2D(Function):
    """What mirrors images mirrors their gradients back."""

    def forward(self, x, *, matrices):
        self.matrices = matrices
        return self.backend.affine2d_forward(as_float(x), matrices, "nearest")

    def backward(self, gy):
        return self.backend.affine2d_forward(gy, self.matrices, "nearest")


def _check_choice(argument, value, choices):
    if value not in choices:
        close = close_matches(str(value), choices, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"{argument} must be one of {', '.join(choices)}. {hint}Received: {argument}={value!r}")


def pad(x, pad_width, mode="constant", constant_values=0):
    """Add rows, columns or whatever an axis holds before and after it.

    Parameters
    ----------
    x : array
    pad_width : int, pair of ints, or one pair for each axis
        Elements added before and after; a single number or pair holds for all axes.
    mode : {"constant", "reflect", "edge"}
        ``"reflect"`` mirrors without repeating the edge (cb|abc|ba), ``"edge"`` repeats it (aa|abc|cc).
    constant_values : float

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.pad([1.0, 2.0, 3.0], (2, 1), mode="reflect").numpy()
    array([3., 2., 1., 2., 3., 2.], dtype=float32)
    """
    x = as_tensor(x)
    _check_choice("mode", mode, _PAD_MODES)
    widths = _pad_widths(pad_width, x.ndim)
    if mode != "constant":
        for axis, (size, both) in enumerate(zip(x.shape, widths, strict=True)):
            if max(both) > size - (mode == "reflect") and max(both) and (mode == "reflect" or not size):
                raise ValueError(
                    f"pad_width must be smaller than the axis that is padded in mode {mode!r}. "
                    f"Received: pad_width={both} for axis {axis} of x.shape={x.shape}"
                )
    return _Pad.apply(x, pad_width=widths, mode=mode, constant_values=constant_values)


def _pad_widths(pad_width, ndim):
    if is_integer(pad_width):
        widths = ((pad_width, pad_width),) * ndim
    elif len(pad_width) == 2 and all(is_integer(p) for p in pad_width):
        widths = (tuple(pad_width),) * ndim
    else:
        widths = tuple(pad_width)
    if len(widths) != ndim:
        raise ValueError(f"pad_width must have one pair for each of {ndim} axes. Received: pad_width={pad_width!r}")
    return tuple(pair("pad_width", both, 0) for both in widths)


def crop(x, cropping):
    """Take rows and columns away from the edges of images.

    Parameters
    ----------
    x : (batch, height, width, channels)
    cropping : int, pair, or ((top, bottom), (left, right))

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.crop(pycnn.ops.zeros((1, 8, 8, 3)), ((1, 2), (0, 3))).shape
    (1, 5, 5, 3)
    """
    x = as_tensor(x)
    check_nhwc("x", x.shape)
    sides = (cropping, cropping) if is_integer(cropping) else cropping
    (top, bottom), (left, right) = (pair("cropping", side, 0) for side in sides)
    _, height, width, _ = x.shape
    if top + bottom >= height or left + right >= width:
        raise ValueError(
            f"cropping must leave something of the {height} x {width} image. Received: cropping={cropping!r}"
        )
    return getitem(x, (slice(None), slice(top, height - bottom), slice(left, width - right)))


def resize(x, size, interpolation="bilinear"):
    """Resize images; pixel centres lie at half-integers, and there is no antialiasing.

    Parameters
    ----------
    x : (batch, height, width, channels)
    size : int or (height, width)
    interpolation : {"bilinear", "nearest"}

    Returns
    -------
    Tensor (batch, *size, channels)

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> pycnn.ops.resize(np.float32([[[[1.0], [2.0]]]]), (1, 4), "nearest").numpy().ravel()
    array([1., 1., 2., 2.], dtype=float32)
    """
    x = as_tensor(x)
    check_nhwc("x", x.shape)
    _check_choice("interpolation", interpolation, _INTERPOLATIONS)
    if not min(x.shape[1:3]):
        raise ValueError(f"x must have one row and column or more. Received: x.shape={x.shape}")
    return _Resize2D.apply(x, size=pair("size", size), method=interpolation)


def affine2d(x, matrices, interpolation="bilinear", fill_mode="constant", fill_value=0.0):
    """Sample each image through its own affine map, for augmentation: there is no gradient.

    Output pixel (column u, row v) takes the input at column ``a*u + b*v + c`` and row ``d*u + e*v + f``.

    Parameters
    ----------
    x : (batch, height, width, channels)
    matrices : (batch, 6)
        One (a, b, c, d, e, f) an image, in pixels.
    interpolation : {"bilinear", "nearest"}
    fill_mode : {"constant", "nearest", "reflect", "wrap"}
        What lies outside the image: ``fill_value``, its edge (aa|abc|cc), its mirror image (cba|abc|cba),
        or itself again (abc|abc|abc).
    fill_value : float

    Raises
    ------
    TypeError
        If ``x`` requires a gradient, which could not flow on.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> mirror = [[-1, 0, 2, 0, 1, 0]]
    >>> pycnn.ops.affine2d(np.float32([[[[1.0], [2.0], [3.0]]]]), mirror).numpy().ravel()
    array([3., 2., 1.], dtype=float32)
    """
    x = as_tensor(x)
    check_nhwc("x", x.shape)
    _check_choice("interpolation", interpolation, _INTERPOLATIONS)
    _check_choice("fill_mode", fill_mode, _FILL_MODES)
    if x.requires_grad and is_grad_enabled():
        raise TypeError("affine2d has no gradient; give it x.detach(). Received: x that requires a gradient")
    matrices = as_tensor(matrices).data.astype("float64", copy=False)
    if matrices.shape != (x.shape[0], 6):
        raise ValueError(
            f"matrices must have the shape ({x.shape[0]}, 6), a row an image. Received: matrices.shape={matrices.shape}"
        )
    y = get_backend().affine2d_forward(as_float(x.data), matrices, interpolation, fill_mode, float(fill_value))
    return Tensor.wrap(y)


def mirror2d(x, horizontally, vertically):
    """Mirror some images, each by its own choice.

    Parameters
    ----------
    x : (batch, height, width, channels)
    horizontally, vertically : (batch,) of bool
        Whether left and right, and top and bottom, change places.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> pycnn.ops.mirror2d(np.float32([[[[1.0], [2.0], [3.0]]]]), [True], [False]).numpy().ravel()
    array([3., 2., 1.], dtype=float32)
    """
    x = as_tensor(x)
    check_nhwc("x", x.shape)
    matrices = get_backend().xp.zeros((x.shape[0], 6))
    for column, mirrored, size in ((0, horizontally, x.shape[2]), (4, vertically, x.shape[1])):
        mirrored = as_tensor(mirrored).data.astype("float64")
        if mirrored.shape != x.shape[:1]:
            raise ValueError(
                f"horizontally and vertically must have one value an image, ({x.shape[0]},). "
                f"Received: shape {mirrored.shape}"
            )
        matrices[:, column] = 1 - 2 * mirrored
        matrices[:, 2 if column == 0 else 5] = mirrored * (size - 1)
    return _Mirror2D.apply(x, matrices=matrices)
