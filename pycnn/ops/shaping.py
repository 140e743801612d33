"""Shapes and places: the same numbers in another order, joined, split, repeated."""

import itertools

from pycnn.autograd import Function, as_tensor
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.arithmetic import unbroadcast
from pycnn.ops.axes import normalize_axes, normalize_axis
from pycnn.ops.promotion import same_float


class _Reshape(Function):
    any_dtype = True

    def forward(self, x, *, shape):
        self.shape = x.shape
        return x.reshape(shape)

    def backward(self, gy):
        return gy.reshape(self.shape)


class _Transpose(Function):
    any_dtype = True

    def forward(self, x, *, axes):
        self.axes = axes
        return x.transpose(axes)

    def backward(self, gy):
        inverse = [0] * len(self.axes)
        for i, axis in enumerate(self.axes):
            inverse[axis] = i
        return gy.transpose(inverse)


class _Flip(Function):
    def forward(self, x, *, axes):
        self.axes = axes
        return self.backend.xp.flip(x, axes)

    def backward(self, gy):
        return self.backend.xp.flip(gy, self.axes)


class _BroadcastTo(Function):
    def forward(self, x, *, shape):
        self.shape = x.shape
        return self.backend.xp.broadcast_to(x, shape)

    def backward(self, gy):
        return unbroadcast(gy, self.shape)


class _Repeat(Function):
    def forward(self, x, *, repeats, axis):
        self.shape, self.repeats, self.axis = x.shape, repeats, axis
        return self.backend.xp.repeat(x, repeats, axis)

    def backward(self, gy):
        shape, axis = self.shape, self.axis
        return gy.reshape((*shape[: axis + 1], self.repeats, *shape[axis + 1 :])).sum(axis=axis + 1)


class _Concatenate(Function):
    def forward(self, *xs, axis):
        self.axis, self.sizes = axis, [x.shape[axis] for x in xs]
        return self.backend.xp.concatenate(_one_dtype(xs), axis=axis)

    def backward(self, gy):
        gradients, start = [], 0
        for needed, size in zip(self.needs_grad, self.sizes, strict=True):
            piece = (slice(None),) * self.axis + (slice(start, start + size),)
            gradients.append(gy[piece] if needed else None)
            start += size
        return tuple(gradients)


class _Stack(Function):
    def forward(self, *xs, axis):
        self.axis = axis
        return self.backend.xp.stack(_one_dtype(xs), axis=axis)

    def backward(self, gy):
        before = (slice(None),) * self.axis
        return tuple(gy[(*before, i)] if needed else None for i, needed in enumerate(self.needs_grad))


class _Split(Function):
    def forward(self, x, *, bounds, axis):
        self.shape, self.dtype, self.bounds, self.axis = x.shape, x.dtype, bounds, axis
        before = (slice(None),) * axis
        return tuple(x[(*before, slice(a, b))] for a, b in bounds)

    def backward(self, *gradients):
        gx = self.backend.xp.zeros(self.shape, self.dtype)
        before = (slice(None),) * self.axis
        for (a, b), gy in zip(self.bounds, gradients, strict=True):
            if gy is not None:
                gx[(*before, slice(a, b))] = gy
        return gx


def _one_dtype(xs):
    return same_float(*xs) if any(x.dtype.kind in FLOATS for x in xs) else xs


def _sizes(first, more):
    """``reshape(2, 3)`` and ``reshape((2, 3))`` mean the same."""
    return tuple(first) if isinstance(first, (tuple, list)) else (first, *more)


def reshape(x, newshape, *more):
    """Read the elements in another shape; one size may be -1, for what remains.

    The shape is a tuple or, as a convenience, several integers.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.reshape(pycnn.ops.arange(6), (2, -1)).shape
    (2, 3)
    """
    x, shape = as_tensor(x), _sizes(newshape, more)
    try:
        return _Reshape.apply(x, shape=shape)
    except ValueError:
        raise ValueError(
            f"newshape must hold the {x.size} elements of x. Received: newshape={shape} for x.shape={x.shape}"
        ) from None


def flatten(x):
    """Read the elements along one axis."""
    return _Reshape.apply(x, shape=(-1,))


def transpose(x, axes=None, *more):
    """Put the axes in the order ``axes`` (a tuple or integers); in reverse if it is not given. Also named ``permute``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.transpose(pycnn.ops.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = as_tensor(x)
    if axes is None:
        return _Transpose.apply(x, axes=tuple(range(x.ndim))[::-1])
    axes = _sizes(axes, more)
    normal = tuple(normalize_axis(a, x.ndim, "axes") for a in axes)
    if sorted(normal) != list(range(x.ndim)):
        raise ValueError(f"axes must name each of the {x.ndim} axes once. Received: axes={axes}")
    return _Transpose.apply(x, axes=normal)


def moveaxis(x, source, destination):
    """Move the axis (or axes) ``source`` to the place ``destination``; the others keep their order."""
    x = as_tensor(x)
    if not isinstance(source, (tuple, list)):
        source, destination = (source,), (destination,)
    sources = [normalize_axis(a, x.ndim, "source") for a in source]
    places = [normalize_axis(a, x.ndim, "destination") for a in destination]
    if len(set(sources)) != len(sources) or len(set(places)) != len(places) or len(places) != len(sources):
        raise ValueError(
            "source and destination must name equally many axes, none of them twice. "
            f"Received: source={source}, destination={destination}"
        )
    axes = [i for i in range(x.ndim) if i not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        axes.insert(place, axis)
    return _Transpose.apply(x, axes=tuple(axes))


def swapaxes(x, axis1, axis2):
    """Exchange two axes."""
    x = as_tensor(x)
    axes = list(range(x.ndim))
    a, b = normalize_axis(axis1, x.ndim, "axis1"), normalize_axis(axis2, x.ndim, "axis2")
    axes[a], axes[b] = b, a
    return _Transpose.apply(x, axes=tuple(axes))


def expand_dims(x, axis):
    """Insert axes of size 1, so that they stand at the places ``axis`` (int or tuple) of the result."""
    x = as_tensor(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    shape = list(x.shape)
    for place in normalize_axes(axis, x.ndim + count):
        shape.insert(place, 1)
    return _Reshape.apply(x, shape=tuple(shape))


def squeeze(x, axis=None):
    """Remove axes of size 1: those named, or all."""
    x = as_tensor(x)
    if axis is None:
        return _Reshape.apply(x, shape=tuple(n for n in x.shape if n != 1))
    axes = normalize_axes(axis, x.ndim)
    if any(x.shape[a] != 1 for a in axes):
        raise ValueError(f"axis must name axes of size 1. Received: axis={axis!r} for x.shape={x.shape}")
    return _Reshape.apply(x, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


def flip(x, axis=None):
    """Reverse the order along ``axis``: None (all), an axis or a tuple."""
    x = as_tensor(x)
    return _Flip.apply(x, axes=normalize_axes(axis, x.ndim))


def broadcast_to(x, shape):
    """Stretch axes of size 1, and add leading axes, as NumPy's broadcasting does."""
    return _BroadcastTo.apply(x, shape=tuple(shape))


def repeat(x, repeats, axis=None):
    """Repeat each element ``repeats`` times along ``axis``; without it, of the flattened tensor."""
    x = as_tensor(x)
    if axis is None:
        x, axis = flatten(x), 0
    return _Repeat.apply(x, repeats=int(repeats), axis=normalize_axis(axis, x.ndim))


def concatenate(xs, axis=0):
    """Join tensors along an axis that exists. Also named ``concat``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.concatenate([[1.0, 2.0], [3.0]]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    xs = [as_tensor(x) for x in xs]
    if not xs:
        raise ValueError("xs must hold one tensor or more. Received: xs=[]")
    axis = normalize_axis(axis, xs[0].ndim)
    first = xs[0].shape
    for x in xs:
        if x.ndim != len(first) or any(
            m != n for i, (m, n) in enumerate(zip(x.shape, first, strict=True)) if i != axis
        ):
            raise ValueError(
                f"xs must agree in all axes but axis={axis}. Received: shapes {', '.join(str(x.shape) for x in xs)}"
            )
    return _Concatenate.apply(*xs, axis=axis)


def stack(x, axis=0):
    """Join tensors of one shape, given as a list, along a new axis."""
    xs = [as_tensor(one) for one in x]
    if not xs or any(x.shape != xs[0].shape for x in xs):
        shapes = ", ".join(str(x.shape) for x in xs)
        raise ValueError(f"x must hold one tensor or more, all of one shape. Received: shapes {shapes or 'of nothing'}")
    return _Stack.apply(*xs, axis=normalize_axis(axis, xs[0].ndim + 1))


def split(x, indices_or_sections, axis=0):
    """Cut into equal parts (an integer), or at the given indices; returns a list of tensors.

    Examples
    --------
    >>> import pycnn
    >>> [part.shape for part in pycnn.ops.split(pycnn.ops.zeros((5, 2)), [1, 3])]
    [(1, 2), (2, 2), (2, 2)]
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim)
    size = x.shape[axis]
    if hasattr(indices_or_sections, "__index__"):
        parts = int(indices_or_sections)
        if parts < 1 or size % parts:
            raise ValueError(
                f"indices_or_sections must divide the size {size} of axis {axis}. "
                f"Received: indices_or_sections={indices_or_sections!r}"
            )
        cuts = [size // parts * i for i in range(parts + 1)]
    else:
        cuts = [0, *(min(max(int(i) + size if i < 0 else int(i), 0), size) for i in indices_or_sections), size]
    bounds = [(a, max(a, b)) for a, b in itertools.pairwise(cuts)]
    return list(_Split.apply(x, bounds=bounds, axis=axis))
