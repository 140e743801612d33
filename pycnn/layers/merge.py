"""Layers that make one tensor of several: sums, products, extremes, joins, inner products."""

import functools
import math

from pycnn import ops
from pycnn.layers.base import Layer
from pycnn.layers.structure import is_shape
from pycnn.ops.axes import normalize_axis
from pycnn.registration import register_serializable


class _Merge(Layer):
    """A layer that is called with a list of inputs and gives one output."""

    exactly = None  # how many inputs it must be, if not any number
    _makes_mask = False

    def build(self, input_shape):
        """Check the number of inputs and that their shapes fit."""
        self.compute_output_shape(input_shape)

    def call(self, inputs):
        """Compute the output of a list of inputs."""
        return self.merge(inputs)

    def merge(self, inputs):
        """Compute the output of a list of tensors that can be broadcast."""
        raise NotImplementedError(f"{type(self).__name__} must define merge(self, inputs)")

    def compute_mask(self, inputs, mask=None):
        """Return a mask that hides what all masks hide; None where an input has no mask."""
        return None if mask is None or any(m is None for m in mask) else functools.reduce(ops.logical_or, mask)

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for a list of shapes, or raise if they do not fit."""
        shapes = self._check_list(input_shape)
        batches = {shape[0] for shape in shapes} - {None}
        if len(batches) > 1:
            raise ValueError(f"All inputs must have the same batch size. Received: shapes {_listed(shapes)}")
        rank = max(map(len, shapes))
        padded = [(1,) * (rank - len(shape)) + shape[1:] for shape in shapes]
        return (batches.pop() if batches else None, *(_broadcast(sizes, shapes) for sizes in zip(*padded, strict=True)))

    def _check_list(self, shapes):
        if not isinstance(shapes, (list, tuple)) or is_shape(shapes) or not all(map(is_shape, shapes)):
            raise ValueError(
                f"{type(self).__name__} must be called on a list of tensors. Received: input_shape={shapes}"
            )
        if self.exactly not in (None, len(shapes)):
            raise ValueError(
                f"{type(self).__name__} must be called on a list of {self.exactly} tensors. "
                f"Received: shapes {_listed(shapes)}"
            )
        return [tuple(shape) for shape in shapes]


class _Elementwise(_Merge):
    """Element by element, with broadcasting; inputs of fewer axes get axes of size 1 behind the batch."""

    def call(self, inputs):
        """Compute the output of a list of inputs."""
        rank = inputs[0].data.ndim
        for x in inputs:
            if x.data.ndim != rank:
                inputs = _of_one_rank(inputs)
                break
        return self.merge(inputs)


def _of_one_rank(inputs):
    rank = max(x.ndim for x in inputs)
    return [ops.reshape(x, (x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:])) for x in inputs]


def _broadcast(sizes, shapes):
    """Size of an axis where the inputs have ``sizes``; None where that is not known."""
    wide = {n for n in sizes if n != 1}
    if len(wide - {None}) > 1:
        raise ValueError(
            f"The shapes of the inputs must be equal, or 1 where they differ. Received: shapes {_listed(shapes)}"
        )
    return None if None in wide else wide.pop() if wide else 1


def _listed(shapes):
    return ", ".join(str(tuple(shape)) for shape in shapes)


@register_serializable("layers")
class Add(_Elementwise):
    """Sum of the inputs, element by element, with broadcasting.

    Examples
    --------
    >>> from pycnn import layers, ops
    >>> layers.Add()([ops.ones((1, 2)), ops.ones((1, 2))]).numpy()
    array([[2., 2.]], dtype=float32)
    """

    def merge(self, inputs):
        """Add up."""
        return functools.reduce(ops.add, inputs)


@register_serializable("layers")
class Subtract(_Elementwise):
    """The first of two inputs minus the second, with broadcasting."""

    exactly = 2

    def merge(self, inputs):
        """Subtract."""
        return ops.subtract(*inputs)


@register_serializable("layers")
class Multiply(_Elementwise):
    """Product of the inputs, element by element, with broadcasting."""

    def merge(self, inputs):
        """Multiply."""
        return functools.reduce(ops.multiply, inputs)


@register_serializable("layers")
class Average(_Elementwise):
    """Mean of the inputs, element by element, with broadcasting."""

    def merge(self, inputs):
        """Add up, and divide by the number of inputs."""
        return functools.reduce(ops.add, inputs) / len(inputs)


@register_serializable("layers")
class Maximum(_Elementwise):
    """Largest of the inputs, element by element, with broadcasting."""

    def merge(self, inputs):
        """Choose the largest."""
        return functools.reduce(ops.maximum, inputs)


@register_serializable("layers")
class Minimum(_Elementwise):
    """Smallest of the inputs, element by element, with broadcasting."""

    def merge(self, inputs):
        """Choose the smallest."""
        return functools.reduce(ops.minimum, inputs)


@register_serializable("layers")
class Concatenate(_Merge):
    """The inputs one behind the other along ``axis``; in all other axes their shapes must agree.

    Examples
    --------
    >>> from pycnn import layers, ops
    >>> layers.Concatenate()([ops.ones((4, 8, 8, 3)), ops.ones((4, 8, 8, 5))]).shape
    (4, 8, 8, 8)
    """

    _arguments = ("axis",)
    _makes_mask = False

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def merge(self, inputs):
        """Join."""
        return ops.concatenate(inputs, self.axis)

    def compute_mask(self, inputs, mask=None):
        """Return the masks one behind the other; where the last axis is joined, one that hides what all hide."""
        if mask is None or all(m is None for m in mask):
            return None
        masks = [
            ops.ones_like(x, "bool") if m is None else ops.broadcast_to(m[(..., *(None,) * (x.ndim - m.ndim))], x.shape)
            for x, m in zip(inputs, mask, strict=True)
        ]
        return ops.any(ops.concatenate(masks, self.axis), axis=-1)

    def compute_output_shape(self, input_shape):
        """Return the shape whose size along ``axis`` is the sum of the inputs' sizes."""
        shapes = self._check_list(input_shape)
        rank = len(shapes[0])
        axis = normalize_axis(self.axis, rank)
        fits = all(len(shape) == rank for shape in shapes)
        columns = list(zip(*shapes, strict=True)) if fits else []
        if not fits or any(len(set(sizes) - {None}) > 1 for i, sizes in enumerate(columns) if i != axis):
            raise ValueError(
                f"The shapes of the inputs must agree in all axes but axis={self.axis}. "
                f"Received: shapes {_listed(shapes)}"
            )
        known = [next((n for n in sizes if n is not None), None) for sizes in columns]
        known[axis] = None if None in columns[axis] else sum(columns[axis])
        return tuple(known)


@register_serializable("layers")
class Dot(_Merge):
    """Inner products of two inputs along one axis of each, sample by sample.

    Parameters
    ----------
    axes : int or pair of ints
        The axis of each input to sum over, not that of the batch.
    normalize : bool
        Bring both inputs to length 1 along these axes first, so that the output is the cosine of an angle.

    Notes
    -----
    The other axes of the first input, then those of the second, remain. (batch, n) and (batch, n) give (batch, 1).

    Examples
    --------
    >>> from pycnn import layers, ops
    >>> layers.Dot(axes=(1, 2))([ops.ones((2, 3, 5)), ops.ones((2, 10, 3))]).shape
    (2, 5, 10)
    """

    exactly = 2
    _arguments = ("axes", "normalize")
    _makes_mask = False

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(isinstance(a, int) for a in pair):
            raise ValueError(f"axes must be an integer or a pair of integers. Received: axes={axes!r}")
        self.axes = axes if isinstance(axes, int) else tuple(axes)
        self.normalize = bool(normalize)

    def compute_mask(self, inputs, mask=None):
        """Return None: what is left of the masked axes is not known."""

    def merge(self, inputs):
        """Multiply and sum."""
        x, y = inputs
        i, j = self._places([x.shape, y.shape])
        if self.normalize:
            x, y = _unit_length(x, i), _unit_length(y, j)
        x, y = ops.moveaxis(x, i, -1), ops.moveaxis(y, j, 1)
        batch, size, rest_x, rest_y = x.shape[0], y.shape[1], x.shape[1:-1], y.shape[2:]
        product = ops.matmul(
            ops.reshape(x, (batch, math.prod(rest_x), size)), ops.reshape(y, (batch, size, math.prod(rest_y)))
        )
        return ops.reshape(product, (batch, *(rest_x + rest_y or (1,))))

    def _places(self, shapes):
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        places = [normalize_axis(axis, len(shape), "axes") for axis, shape in zip(pair, shapes, strict=True)]
        if 0 in places:
            raise ValueError(f"axes must not name the axis of the batch. Received: axes={self.axes}")
        return places

    def compute_output_shape(self, input_shape):
        """Return the batch size, the other axes of the first input, and those of the second."""
        shapes = self._check_list(input_shape)
        x, y = (list(shape) for shape in shapes)
        i, j = self._places(shapes)
        if None not in (x[i], y[j]) and x[i] != y[j]:
            raise ValueError(
                "The inputs must have the same size along the axes to sum over. "
                f"Received: axes={self.axes}, shapes {_listed(shapes)}"
            )
        del x[i], y[j]
        rest = (*x[1:], *y[1:])
        return (x[0], *(rest or (1,)))


def _unit_length(x, axis):
    """Divide by the Euclidean norm along ``axis``."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis, keepdims=True), 1e-12))


def add(inputs, **kwargs):
    """``Add(**kwargs)(inputs)``."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """``Concatenate(axis, **kwargs)(inputs)``."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """``Dot(axes, **kwargs)(inputs)``."""
    return Dot(axes=axes, **kwargs)(inputs)
