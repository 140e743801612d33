"""Choosing elements: slices, integers, integer arrays, masks."""

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.axes import normalize_axis
from pycnn.ops.creation import cast


class _GetItem(Function):
    def forward(self, x, *, index):
        self.shape, self.index = x.shape, index
        return x[index]

    def backward(self, gy):
        xp = self.backend.xp
        gx = xp.zeros(self.shape, gy.dtype)
        if _may_repeat(self.index):
            self.backend.update_at(gx, self.index, gy, "add")
        else:
            gx[self.index] = gy
        return gx


def _may_repeat(index):
    """Whether an index may choose an element twice: whether it has an integer array."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, list) or (hasattr(p, "dtype") and p.ndim and p.dtype.kind != "b") for p in parts)


def _on_device(index):
    """Tensors inside an index become their arrays."""
    if isinstance(index, tuple):
        return tuple(_on_device(part) for part in index)
    if isinstance(index, Tensor):
        return index.data
    is_list = isinstance(index, list) and index
    is_hosts = getattr(index, "ndim", 0) and not get_backend().is_array(index)
    return get_backend().asarray(index) if is_list or is_hosts else index


def getitem(x, index):
    """What ``x[index]`` calls: integers, slices, ``...``, None, integer arrays and boolean masks, as in NumPy."""
    return _GetItem.apply(x, index=_on_device(index))


def take(x, indices, axis=None):
    """Elements (or, with ``axis``, slices along it) at integer ``indices``, an array of any shape.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.take([[1.0, 2.0], [3.0, 4.0]], [1, 1], axis=0).numpy()
    array([[3., 4.],
           [3., 4.]], dtype=float32)
    """
    x, indices = as_tensor(x), as_tensor(indices).data
    if indices.dtype.kind not in "iu":
        raise TypeError(f"indices must be integers. Received: indices.dtype={indices.dtype}")
    if axis is None:
        return _GetItem.apply(x.reshape(-1), index=indices)
    return _GetItem.apply(x, index=(_EVERYTHING,) * normalize_axis(axis, x.ndim) + (indices,))


class TakeAlongAxis(Function):
    """``distinct`` says that no index occurs twice, so that gradients need not be added."""

    def forward(self, x, *, indices, axis, distinct=False):
        self.shape, self.indices, self.axis, self.distinct = x.shape, indices, axis, distinct
        return self.backend.xp.take_along_axis(x, indices, axis=axis)

    def backward(self, gy):
        xp = self.backend.xp
        gx = xp.zeros(self.shape, gy.dtype)
        if self.distinct:
            xp.put_along_axis(gx, self.indices, gy, axis=self.axis)
            return gx
        grid = list(xp.indices(self.indices.shape, sparse=True))
        grid[self.axis] = self.indices
        self.backend.update_at(gx, tuple(grid), gy, "add")
        return gx


class _ScatterUpdate(Function):
    def forward(self, x, updates, *, index, reduction):
        self.index, self.reduction = index, reduction
        y = x.copy()
        self.backend.update_at(y, index, updates, reduction)
        self.x, self.updates, self.y = x, updates, y
        return y

    def backward(self, gy):
        xp, index = self.backend.xp, self.index
        if self.reduction == "add":
            return gy, gy[index]
        if self.reduction is None:
            gx = gy.copy()
            gx[index] = 0
            last = xp.zeros(gy.shape, "int64")  # of several updates of one place the last one counts
            order = xp.arange(1, self.updates.size + 1).reshape(self.updates.shape)
            self.backend.update_at(last, index, order)
            return gx, gy[index] * (last[index] == order)
        if self.reduction == "multiply":
            raise NotImplementedError("scatter_update has no gradient for reduction='multiply'")
        from_x = self.y == self.x
        return gy * from_x, gy[index] * ((self.y[index] == self.updates) & ~from_x[index])


_slice, _EVERYTHING = slice, slice(None)  # the name is taken by an operation below
_REDUCTIONS = {None: None, "add": "add", "max": "maximum", "min": "minimum", "mul": "multiply"}


def integer_indices(argument, value):
    """``value`` as a device array of integers, or an error that names the argument."""
    array = as_tensor(value).data
    if array.dtype.kind not in "iu":
        raise TypeError(f"{argument} must be integers. Received: {argument}.dtype={array.dtype}")
    return array


def take_along_axis(x, indices, axis=None):
    """Elements at ``indices``, which name places along ``axis`` and have x's other axes (None: all is flattened).

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1).numpy()
    array([[2.],
           [3.]], dtype=float32)
    """
    x, indices = as_tensor(x), integer_indices("indices", indices)
    if axis is None:
        return TakeAlongAxis.apply(x.reshape(-1), indices=indices.reshape(-1), axis=0)
    axis = normalize_axis(axis, x.ndim)
    lead = tuple(m if i != axis else n for i, (m, n) in enumerate(zip(x.shape, indices.shape, strict=True)))
    return TakeAlongAxis.apply(x, indices=get_backend().xp.broadcast_to(indices, lead), axis=axis)


def get_item(x, key):
    """``x[key]``."""
    return getitem(x, key)


def slice(inputs, start_indices, shape):
    """The block of ``shape`` that begins at ``start_indices``; a size of -1 is all that remains."""
    starts = [int(i) for i in start_indices]
    stops = [None if n == -1 else start + int(n) for start, n in zip(starts, shape, strict=True)]
    return getitem(inputs, tuple(_slice(a, b) for a, b in zip(starts, stops, strict=True)))


def slice_update(inputs, start_indices, updates):
    """A copy of ``inputs`` where the block that begins at ``start_indices`` is ``updates``."""
    updates = as_tensor(updates)
    starts = [int(i) for i in start_indices]
    index = tuple(_slice(start, start + n) for start, n in zip(starts, updates.shape, strict=True))
    return _ScatterUpdate.apply(inputs, cast_like(updates, inputs), index=index, reduction=None)


def scatter_update(inputs, indices, updates, reduction=None):
    """A copy of ``inputs`` with ``updates`` at the places that the rows of ``indices`` name.

    Parameters
    ----------
    inputs : array
    indices : (n, k) integers
        Each row names the first k indices of a place.
    updates : (n, ...)
    reduction : {None, "add", "max", "min", "mul"}
        How an update meets what is there; None replaces it.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.scatter_update([0.0, 0.0, 0.0], [[2], [0]], [5.0, 1.0]).numpy()
    array([1., 0., 5.], dtype=float32)
    """
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction must be None, 'add', 'max', 'min' or 'mul'. Received: reduction={reduction!r}")
    index = tuple(get_backend().xp.moveaxis(integer_indices("indices", indices), -1, 0))
    return _ScatterUpdate.apply(
        inputs, cast_like(as_tensor(updates), inputs), index=index, reduction=_REDUCTIONS[reduction]
    )


def scatter(indices, values, shape):
    """Zeros of ``shape``, with ``values`` added at the places that the rows of ``indices`` name."""
    values = as_tensor(values)
    nothing = Tensor.wrap(get_backend().xp.zeros(tuple(shape), values.dtype))
    return scatter_update(nothing, indices, values, "add")


def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """Sums of the rows of ``data`` that have the same number in ``segment_ids``."""
    data, ids = as_tensor(data), integer_indices("segment_ids", segment_ids)
    count = int(ids.max()) + 1 if num_segments is None else num_segments
    return scatter(Tensor.wrap(ids[:, None]), data, (count, *data.shape[1:]))


def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """Largest of the rows of ``data`` that have the same number in ``segment_ids``; -inf where there is none."""
    data, ids = as_tensor(data), integer_indices("segment_ids", segment_ids)
    count = int(ids.max()) + 1 if num_segments is None else num_segments
    floor = -float("inf") if data.dtype.kind in FLOATS else get_backend().xp.iinfo(data.dtype).min
    lowest = Tensor.wrap(get_backend().xp.full((count, *data.shape[1:]), floor, data.dtype))
    return scatter_update(lowest, Tensor.wrap(ids[:, None]), data, "max")


def unravel_index(indices, shape):
    """Indices along each axis of ``shape`` of places counted through all axes."""
    parts = get_backend().xp.unravel_index(integer_indices("indices", indices), tuple(shape))
    return tuple(map(Tensor.wrap, parts))


def nonzero(x):
    """Places of the elements that are not 0: one tensor of indices an axis."""
    return tuple(map(Tensor.wrap, get_backend().xp.nonzero(as_tensor(x).data)))


def cast_like(updates, inputs):
    """Updates in the dtype of what they go into; gradients flow."""
    dtype = as_tensor(inputs).dtype
    return updates if updates.dtype == dtype else cast(updates, dtype)
