"""Tensors taken apart, put together and turned: tiles, rolls, grids, blocks. (See also ``shaping``.)"""

import itertools

from pycnn.autograd import Function, as_tensor
from pycnn.ops.axes import normalize_axis
from pycnn.ops.indexing import getitem
from pycnn.ops.shaping import broadcast_to, concatenate, expand_dims, flatten, flip, reshape, split, swapaxes, transpose


class _Roll(Function):
    def forward(self, x, *, shift, axis):
        self.shift, self.axis = shift, axis
        return self.backend.xp.roll(x, shift, axis)

    def backward(self, gy):
        back = tuple(-n for n in self.shift) if isinstance(self.shift, tuple) else -self.shift
        return self.backend.xp.roll(gy, back, self.axis)


class _Tile(Function):
    def forward(self, x, *, repeats):
        more = len(repeats) - x.ndim
        self.shape, self.padded = x.shape, (1,) * more + x.shape
        self.repeats = (1,) * -more + repeats
        return self.backend.xp.tile(x, repeats)

    def backward(self, gy):
        sizes = itertools.chain.from_iterable(zip(self.repeats, self.padded, strict=True))
        return gy.reshape(tuple(sizes)).sum(axis=tuple(range(0, 2 * len(self.padded), 2))).reshape(self.shape)


def ravel(x):
    """Read the elements along one axis."""
    return flatten(x)


def roll(x, shift, axis=None):
    """Move elements ``shift`` places on along ``axis``; those that leave come in at the other end."""
    if isinstance(shift, list):
        shift = tuple(shift)
    return _Roll.apply(x, shift=shift, axis=tuple(axis) if isinstance(axis, list) else axis)


def tile(x, repeats):
    """Put copies side by side: ``repeats`` (int or tuple) along each of the last axes.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.tile([[1.0, 2.0]], (2, 2)).numpy()
    array([[1., 2., 1., 2.],
           [1., 2., 1., 2.]], dtype=float32)
    """
    repeats = (int(repeats),) if hasattr(repeats, "__index__") else tuple(int(n) for n in repeats)
    return _Tile.apply(x, repeats=repeats)


def rot90(array, k=1, axes=(0, 1)):
    """Turn by k times 90 degrees in the plane of ``axes``, from the first towards the second."""
    x = as_tensor(array)
    first, second = (normalize_axis(a, x.ndim, "axes") for a in axes)
    k %= 4
    if k == 2:
        return flip(x, (first, second))
    if k == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if k else x


def fliplr(x):
    """Reverse the order along axis 1."""
    return flip(x, 1)


def flipud(x):
    """Reverse the order along axis 0."""
    return flip(x, 0)


def unstack(x, num=None, axis=0):
    """The slices along ``axis``, a list of ``num`` (if it is given) tensors without that axis."""
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"num must be the size {x.shape[axis]} of the axis. Received: num={num!r}")
    return [getitem(x, (slice(None),) * axis + (i,)) for i in range(x.shape[axis])]


def array_split(x, indices_or_sections, axis=0):
    """``split`` into parts that need not be equal: the first ones are longer by one."""
    x = as_tensor(x)
    if not hasattr(indices_or_sections, "__index__"):
        return split(x, indices_or_sections, axis)
    size, parts = x.shape[axis], int(indices_or_sections)
    if parts < 1:
        raise ValueError(f"indices_or_sections must be positive. Received: indices_or_sections={parts}")
    return split(x, [i * (size // parts) + min(i, size % parts) for i in range(1, parts)], axis)


def hsplit(x, indices_or_sections):
    """``split`` along axis 1, or 0 of a vector."""
    x = as_tensor(x)
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def vsplit(x, indices_or_sections):
    """``split`` along axis 0."""
    return split(x, indices_or_sections, 0)


def dsplit(x, indices_or_sections):
    """``split`` along axis 2."""
    return split(x, indices_or_sections, 2)


def hstack(xs):
    """Join along axis 1, vectors along axis 0."""
    xs = [reshape(x, (-1,)) if not as_tensor(x).ndim else as_tensor(x) for x in xs]
    return concatenate(xs, 0 if xs[0].ndim == 1 else 1)


def vstack(xs):
    """Join along axis 0, vectors as rows."""
    xs = [as_tensor(x) for x in xs]
    return concatenate([reshape(x, (1, -1)) if x.ndim < 2 else x for x in xs], 0)


def dstack(xs):
    """Join along axis 2, matrices as (rows, columns, 1)."""
    xs = [as_tensor(x) for x in xs]
    xs = [reshape(x, (1, -1, 1)) if x.ndim < 2 else expand_dims(x, -1) if x.ndim == 2 else x for x in xs]
    return concatenate(xs, 2)


def append(x1, x2, axis=None):
    """x2 after x1 along ``axis``; both flattened without one."""
    if axis is None:
        x1, x2, axis = flatten(as_tensor(x1)), flatten(as_tensor(x2)), 0
    return concatenate([x1, x2], axis)


def meshgrid(*x, indexing="xy"):
    """A list of the coordinates of all points of the grid that vectors span; "ij" keeps the order of the axes."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing must be 'xy' or 'ij'. Received: indexing={indexing!r}")
    vectors = [flatten(as_tensor(one)) for one in x]
    sizes = [v.shape[0] for v in vectors]
    grids = [
        broadcast_to(reshape(v, [-1 if i == j else 1 for j in range(len(vectors))]), sizes)
        for i, v in enumerate(vectors)
    ]
    return [swapaxes(g, 0, 1) for g in grids] if indexing == "xy" and len(grids) > 1 else grids


def depth_to_space(x, block_size, data_format="channels_last"):
    """Channels become blocks of pixels: (n, h, w, b*b*c) -> (n, h*b, w*b, c), the pixel shuffle of Shi et al. 2016."""
    x, b = as_tensor(x), block_size
    if data_format == "channels_first":
        n, c, h, w = x.shape
        blocks = reshape(x, (n, b, b, c // b**2, h, w))
        return reshape(transpose(blocks, (0, 3, 4, 1, 5, 2)), (n, c // b**2, h * b, w * b))
    n, h, w, c = x.shape
    blocks = reshape(x, (n, h, w, b, b, c // b**2))
    return reshape(transpose(blocks, (0, 1, 3, 2, 4, 5)), (n, h * b, w * b, c // b**2))


def space_to_depth(x, block_size, data_format="channels_last"):
    """Blocks of pixels become channels: (n, h*b, w*b, c) -> (n, h, w, b*b*c), the inverse of ``depth_to_space``.

    It is its inverse in either layout; Keras's (3.15, PyTorch) orders channels_first differently.
    """
    x, b = as_tensor(x), block_size
    if data_format == "channels_first":
        n, c, h, w = x.shape
        blocks = reshape(x, (n, c, h // b, b, w // b, b))
        return reshape(transpose(blocks, (0, 3, 5, 1, 2, 4)), (n, b * b * c, h // b, w // b))
    n, h, w, c = x.shape
    blocks = reshape(x, (n, h // b, b, w // b, b, c))
    return reshape(transpose(blocks, (0, 1, 3, 2, 4, 5)), (n, h // b, w // b, b * b * c))
