"""Order: sorting, ranks, quantiles, distinct values, places in sorted sequences."""

from pycnn.autograd import Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.arithmetic import add, multiply
from pycnn.ops.axes import normalize_axes, normalize_axis
from pycnn.ops.indexing import TakeAlongAxis, getitem, integer_indices, scatter
from pycnn.ops.promotion import as_float
from pycnn.ops.shaping import reshape, stack

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def argsort(x, axis=-1):
    """Indices that put x in rising order along ``axis`` (None: of the flattened tensor); equals keep their order."""
    return Tensor.wrap(get_backend().xp.argsort(as_tensor(x).data, axis=axis, kind="stable"))


def sort(x, axis=-1):
    """x in rising order along ``axis`` (None: flattened); gradients go back to where the elements were.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.sort([3.0, 1.0, 2.0]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = reshape(x, -1), 0
    return TakeAlongAxis.apply(x, indices=argsort(x, axis).data, axis=normalize_axis(axis, x.ndim), distinct=True)


def top_k(x, k, sorted=True):
    """The k largest elements along the last axis, in falling order, and their indices; equals by index.

    Only the values carry a gradient. They are in order whether ``sorted`` asks for it or not.
    """
    x = as_tensor(x)
    if not 1 <= k <= x.shape[-1]:
        raise ValueError(f"k must lie between 1 and the size of the last axis, {x.shape[-1]}. Received: k={k!r}")
    indices = get_backend().xp.argsort(-as_float(x.data), axis=-1, kind="stable")[..., :k]
    values = TakeAlongAxis.apply(x, indices=indices, axis=x.ndim - 1, distinct=True)
    return values, Tensor.wrap(indices)


def in_top_k(targets, predictions, k):
    """Whether fewer than k of the predictions (batch, classes) exceed that of the target (batch,)."""
    labels, p = integer_indices("targets", targets), as_tensor(predictions).data
    chosen = get_backend().xp.take_along_axis(p, labels[:, None], axis=-1)
    return Tensor.wrap((p > chosen).sum(axis=-1) < k)


def quantile(x, q, axis=None, method="linear", keepdims=False):
    """Values below which the shares ``q`` (a number or vector in [0, 1]) of the elements along ``axis`` lie.

    Parameters
    ----------
    x : array
    q : float or vector of floats
        A vector puts its own axis before the others. No gradient flows to it.
    axis : None, int or tuple
    method : {"linear", "lower", "higher", "midpoint", "nearest"}
        What holds between two elements.
    keepdims : bool

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.quantile([1.0, 2.0, 4.0], 0.75).item()
    3.0
    """
    x = as_tensor(x)
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}. Received: method={method!r}")
    axes = normalize_axes(axis, x.ndim)
    x = Tensor.wrap(as_float(x.data)) if x.dtype.kind not in FLOATS else x
    shares = as_tensor(q).numpy()
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = reshape(x.transpose((*rest, *axes)), (*(x.shape[i] for i in rest), -1))
    rows = sort(rows)
    found = [_between(rows, float(share), method) for share in shares.reshape(-1)]
    if keepdims:
        found = [reshape(y, [1 if i in axes else n for i, n in enumerate(x.shape)]) for y in found]
    return found[0] if not shares.ndim else stack(found)


def _between(rows, share, method):
    if not 0 <= share <= 1:
        raise ValueError(f"q must lie in [0, 1]. Received: q={share!r}")
    place = share * (rows.shape[-1] - 1)
    low = int(place)
    high, part = min(low + 1, rows.shape[-1] - 1), place - low
    if method == "nearest":
        part = float(round(place) - low)
    elif method != "linear":
        part = {"lower": 0.0, "higher": float(part > 0), "midpoint": 0.5 * (part > 0)}[method]
    return add(multiply(getitem(rows, (..., low)), 1 - part), multiply(getitem(rows, (..., high)), part))


def percentile(x, q, axis=None, method="linear", keepdims=False):
    """``quantile`` of ``q`` / 100."""
    return quantile(x, as_tensor(q).numpy() / 100, axis, method, keepdims)


def median(x, axis=None, keepdims=False):
    """Middle of the elements along ``axis``, or the mean of the two middle ones."""
    return quantile(x, 0.5, axis, keepdims=keepdims)


def unique(x, sorted=True, return_index=False, return_inverse=False, return_counts=False, axis=None):
    """Distinct elements in rising order, and where asked for: first places, the way back, counts."""
    xp = get_backend().xp
    y = xp.unique(as_tensor(x).data, return_index, return_inverse, return_counts, axis)
    return tuple(map(Tensor.wrap, y)) if isinstance(y, tuple) else Tensor.wrap(y)


def searchsorted(sorted_sequence, values, side="left"):
    """Where ``values`` would have to be inserted to keep the order: before equals, or with "right" after them."""
    xp = get_backend().xp
    return Tensor.wrap(xp.asarray(xp.searchsorted(as_tensor(sorted_sequence).data, as_tensor(values).data, side)))


def digitize(x, bins):
    """How many of the rising ``bins`` are at most each element: the number of its bin."""
    return searchsorted(bins, x, side="right")


def bincount(x, weights=None, minlength=0):
    """How often each integer from 0 on occurs in a vector, or the sum of the weights where it does."""
    labels = integer_indices("x", x)
    if weights is not None:
        size = max(minlength, int(labels.max()) + 1 if labels.size else 0)
        return scatter(Tensor.wrap(labels[:, None]), weights, (size,))
    return Tensor.wrap(get_backend().xp.bincount(labels, minlength=minlength))


def histogram(x, bins=10, range=None):
    """Numbers of elements in ``bins`` equal parts of ``range`` (that of x by default), and the parts' edges."""
    counts, edges = get_backend().xp.histogram(as_tensor(x).data, bins, range)
    return Tensor.wrap(counts), Tensor.wrap(edges.astype(as_float(as_tensor(x).data).dtype))


def argpartition(x, kth, axis=-1):
    """Indices that put the ``kth`` smallest at its place, smaller ones before it, larger ones after it."""
    return Tensor.wrap(get_backend().xp.argpartition(as_tensor(x).data, kth, axis))
