"""Choosing elements: slices, integers, integer arrays, masks."""

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.ops.axes import normalize_axis


class _GetItem(Function):
    def forward(self, x, *, index):
        self.shape, self.index = x.shape, index
        return x[index]

    def backward(self, gy):
        xp = self.backend.xp
        gx = xp.zeros(self.shape, gy.dtype)
        if _may_repeat(self.index):
            xp.add.at(gx, self.index, gy)
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
    return get_backend().asarray(index) if isinstance(index, list) and index else index


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
    return _GetItem.apply(x, index=(slice(None),) * normalize_axis(axis, x.ndim) + (indices,))
