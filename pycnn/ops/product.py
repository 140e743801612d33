"""Products beside ``matmul``: dot, inner, outer, tensordot, einsum; and diagonals and triangles of matrices."""

import math
import string

from pycnn.autograd import Function, as_tensor
from pycnn.backend.dtypes import FLOATS
from pycnn.ops.arithmetic import multiply, unbroadcast
from pycnn.ops.axes import normalize_axis
from pycnn.ops.linear import matmul
from pycnn.ops.promotion import same_float
from pycnn.ops.reduction import sum as total
from pycnn.ops.shaping import flatten, reshape, transpose


class _Einsum(Function):
    """``terms`` are the letters of each operand, ``result`` those of the result; no ellipsis."""

    def forward(self, *arrays, terms, result):
        arrays = same_float(*arrays) if any(a.dtype.kind in FLOATS for a in arrays) else arrays
        self.arrays, self.terms, self.result = arrays, terms, result
        return self.backend.xp.einsum(f"{','.join(terms)}->{result}", *arrays, optimize=len(arrays) > 1)

    def backward(self, gy):
        return tuple(self._gradient(i, gy) if needed else None for i, needed in enumerate(self.needs_grad))

    def _gradient(self, i, gy):
        xp, own, shape = self.backend.xp, self.terms[i], self.arrays[i].shape
        others = [j for j in range(len(self.terms)) if j != i]
        terms = [self.result, *(self.terms[j] for j in others)]
        known = "".join(c for c in own if any(c in t for t in terms))  # others were summed over alone
        arrays = [gy, *(self.arrays[j] for j in others)]
        g = xp.einsum(f"{','.join(terms)}->{known}", *arrays, optimize=len(arrays) > 1)
        g = g.reshape([g.shape[known.index(c)] if c in known else 1 for c in own])
        full = [max(m, n) for m, n in zip(g.shape, shape, strict=True)]
        return unbroadcast(xp.ascontiguousarray(xp.broadcast_to(g, full)), shape)


class _Diagonal(Function):
    def forward(self, x, *, offset, axis1, axis2):
        self.shape, self.options = x.shape, {"offset": offset, "axis1": axis1, "axis2": axis2}
        return self.backend.xp.diagonal(x, **self.options).copy()

    def backward(self, gy):
        xp = self.backend.xp
        places = xp.diagonal(xp.arange(math.prod(self.shape)).reshape(self.shape), **self.options)
        gx = xp.zeros(math.prod(self.shape), gy.dtype)
        gx[places.reshape(-1)] = gy.reshape(-1)
        return gx.reshape(self.shape)


class _Diag(Function):
    """A vector as the k-th diagonal of a matrix."""

    def forward(self, x, *, k):
        self.k = k
        return self.backend.xp.diag(x, k)

    def backward(self, gy):
        return self.backend.xp.diag(gy, self.k).copy()


class _Triangle(Function):
    def forward(self, x, *, k, lower):
        xp = self.backend.xp
        self.part = xp.tril if lower else xp.triu
        self.k = k
        return self.part(x, k)

    def backward(self, gy):
        return self.part(gy, self.k)


def dot(x1, x2):
    """Product as NumPy's dot: of vectors a number, of matrices the matrix product, with a number a multiple.

    Beyond matrices the last axis of x1 meets the last but one of x2.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return tensordot(a, b, ((-1,), (-1 if b.ndim == 1 else -2,)))


def vdot(x1, x2):
    """Sum of the products of all elements."""
    return dot(flatten(as_tensor(x1)), flatten(as_tensor(x2)))


def inner(x1, x2):
    """Products summed over the last axes of both."""
    a, b = as_tensor(x1), as_tensor(x2)
    return multiply(a, b) if not a.ndim or not b.ndim else tensordot(a, b, ((-1,), (-1,)))


def outer(x1, x2):
    """Products of each element of x1 with each of x2: (x1.size, x2.size)."""
    return multiply(reshape(as_tensor(x1), (-1, 1)), reshape(as_tensor(x2), (1, -1)))


def tensordot(x1, x2, axes=2):
    """Products summed over several axes of both.

    Parameters
    ----------
    x1, x2 : arrays
    axes : int or pair of sequences of ints
        The last ``axes`` axes of x1 meet the first of x2; or the axes of x1, and those of x2 that they meet.

    Returns
    -------
    Tensor
        Of the remaining axes of x1, then of x2.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if hasattr(axes, "__index__"):
        of_a, of_b = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        of_a, of_b = ([side] if hasattr(side, "__index__") else list(side) for side in axes)
    of_a = [normalize_axis(i, a.ndim, "axes") for i in of_a]
    of_b = [normalize_axis(i, b.ndim, "axes") for i in of_b]
    if [a.shape[i] for i in of_a] != [b.shape[i] for i in of_b]:
        raise ValueError(
            f"axes must have the same sizes in both. Received: axes={axes}, x1.shape={a.shape}, x2.shape={b.shape}"
        )
    rest_a = [i for i in range(a.ndim) if i not in of_a]
    rest_b = [i for i in range(b.ndim) if i not in of_b]
    size = math.prod(a.shape[i] for i in of_a)
    rows = math.prod(a.shape[i] for i in rest_a)
    columns = math.prod(b.shape[i] for i in rest_b)
    left = reshape(transpose(a, (*rest_a, *of_a)), (rows, size))
    right = reshape(transpose(b, (*of_b, *rest_b)), (size, columns))
    return reshape(matmul(left, right), (*(a.shape[i] for i in rest_a), *(b.shape[i] for i in rest_b)))


def einsum(subscripts, *operands):
    """Sum of products by Einstein's convention, as in NumPy, with ``...`` and without an arrow too.

    Raises
    ------
    ValueError
        If letters and axes disagree, or an operand has one letter twice and needs a gradient.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.einsum("ij,jk->ik", pycnn.ops.ones((2, 3)), pycnn.ops.ones((3, 4))).shape
    (2, 4)
    """
    tensors = [as_tensor(x) for x in operands]
    terms, result = _read_subscripts(subscripts.replace(" ", ""), [x.ndim for x in tensors])
    for term, x in zip(terms, tensors, strict=True):
        if x.requires_grad and len(set(term)) != len(term):
            raise ValueError(
                f"There is no gradient for an operand with one letter twice. Received: subscripts={subscripts!r}"
            )
    return _Einsum.apply(*tensors, terms=terms, result=result)


def _read_subscripts(subscripts, ranks):
    """Letters of each operand and of the result, with letters in place of each ellipsis."""
    left, arrow, result = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"subscripts must name {len(ranks)} operands, as many as are given. Received: subscripts={subscripts!r}"
        )
    free = [c for c in string.ascii_letters if c not in subscripts]
    extra = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    for term, more in zip(terms, extra, strict=True):
        if more < 0 or (more and "..." not in term):
            raise ValueError(f"subscripts must have a letter for each axis. Received: subscripts={subscripts!r}")
    widest = max((more for term, more in zip(terms, extra, strict=True) if "..." in term), default=0)
    stands_for = "".join(free[:widest])
    full = [t.replace("...", stands_for[widest - more :]) for t, more in zip(terms, extra, strict=True)]
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        once = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
        return full, stands_for + once
    return full, result.replace("...", stands_for)


def diagonal(x, offset=0, axis1=0, axis2=1):
    """Diagonals of the matrices that two axes span, as a new last axis."""
    return _Diagonal.apply(x, offset=offset, axis1=axis1, axis2=axis2)


def trace(x, offset=0, axis1=0, axis2=1):
    """Sums of the diagonals."""
    return total(diagonal(x, offset, axis1, axis2), axis=-1)


def diag(x, k=0):
    """The k-th diagonal of a matrix, or the matrix with a vector as its k-th diagonal."""
    x = as_tensor(x)
    return _Diag.apply(x, k=k) if x.ndim == 1 else diagonal(x, offset=k)


def tril(x, k=0):
    """Matrices without what is above their k-th diagonals."""
    return _Triangle.apply(x, k=k, lower=True)


def triu(x, k=0):
    """Matrices without what is below their k-th diagonals."""
    return _Triangle.apply(x, k=k, lower=False)
