"""Matrix products: ``a @ b`` of any rank, and the dense layer's fused product."""

import math

from pycnn.autograd import Function, as_tensor
from pycnn.backend.dtypes import FLOAT32, widened
from pycnn.ops.activation import activation as apply_activation
from pycnn.ops.activation import fusable
from pycnn.ops.arithmetic import unbroadcast
from pycnn.ops.promotion import same_float
from pycnn.ops.shaping import expand_dims, squeeze


class _Matmul(Function):
    """Operands of two or more axes, already broadcast over the leading ones where both have them."""

    half_wide, half_weights = (0, 1), (1,)

    def forward(self, a, b):
        self.a, self.b = a, b = (a, b) if self.halves else same_float(a, b)
        return _product(self.backend, a, b)

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        backend, a, b = self.backend, self.a, self.b
        ga = gb = None
        if need_a:
            ga = unbroadcast(_product(backend, gy, b, transpose_b=True), a.shape)
        if need_b and b.ndim == 2:
            gb = _gradient_of_weights(self, _rows(a), _rows(gy))
        elif need_b:
            gb = unbroadcast(_product(backend, a, gy, transpose_a=True), b.shape)
        return ga, gb


def _gradient_of_weights(node, x, gy):
    """x.T @ gy, which is not rounded."""
    backend = node.backend
    out = backend.xp.empty((x.shape[1], gy.shape[1]), FLOAT32) if node.halves else None
    return backend.matmul(x, gy, transpose_a=True, out=out)


def _rows(x):
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _product(backend, a, b, transpose_a=False, transpose_b=False):
    """A stack of matrix products, broadcast over the leading axes."""
    if b.ndim == 2 and not transpose_a:
        y = backend.matmul(_rows(a), b, transpose_b=transpose_b)
        return y if a.ndim == 2 else y.reshape((*a.shape[:-1], y.shape[-1]))
    xp = backend.xp
    lead = _broadcast_shape(a.shape[:-2], b.shape[:-2])
    a, b = xp.broadcast_to(a, lead + a.shape[-2:]), xp.broadcast_to(b, lead + b.shape[-2:])
    dtype = widened(a.dtype) if transpose_a else a.dtype  # of weights' gradients
    y = xp.empty((*lead, a.shape[-1 if transpose_a else -2], b.shape[-2 if transpose_b else -1]), dtype)
    stack = y.reshape(-1, *y.shape[-2:]) if y.size else ()
    pairs = zip(a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]), strict=True) if y.size else ()
    for out, (left, right) in zip(stack, pairs, strict=True):
        backend.matmul(left, right, transpose_a, transpose_b, out=out)
    return y


def _broadcast_shape(a, b):
    rank = max(len(a), len(b))
    a, b = (1,) * (rank - len(a)) + tuple(a), (1,) * (rank - len(b)) + tuple(b)
    return tuple(n if m == 1 else m for m, n in zip(a, b, strict=True))


def matmul(x1, x2):
    """Matrix product over the last two axes, broadcast over the others; a vector counts as one row or column.

    Parameters
    ----------
    x1 : (..., m, k) or (k,)
    x2 : (..., k, n) or (k,)

    Returns
    -------
    Tensor (..., m, n), without the axis that a vector stood for

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy()
    array([[11.]], dtype=float32)
    """
    a, b = as_tensor(x1), as_tensor(x2)
    _check_product(a.shape, b.shape)
    left = expand_dims(a, 0) if a.ndim == 1 else a
    right = expand_dims(b, 1) if b.ndim == 1 else b
    y = _Matmul.apply(left, right)
    if b.ndim == 1:
        y = squeeze(y, -1)
    return squeeze(y, -1 if b.ndim == 1 else -2) if a.ndim == 1 else y


def _check_product(a, b):
    inner = b[-2] if len(b) > 1 else b[-1] if b else None
    fits = a and b and a[-1] == inner
    if fits and len(a) > 2 and len(b) > 2:
        fits = all(m == n or 1 in (m, n) for m, n in zip(a[-3::-1], b[-3::-1], strict=False))
    if not fits:
        raise ValueError(
            "x1 and x2 must be (..., m, k) and (..., k, n), with leading axes that broadcast. "
            f"Received: x1.shape={a}, x2.shape={b}"
        )


class _Dense(Function):
    half_wide, half_weights = (0, 1, 2), (1, 2)

    def forward(self, x, w, bias, *, activation):
        if not self.halves:
            x, w, bias = same_float(x, w, bias)
        self.x, self.w, self.activation = x, w, activation
        y = self.backend.matmul(_rows(x), w, bias=bias, activation=activation)
        if x.ndim != 2:
            y = y.reshape((*x.shape[:-1], w.shape[1]))
        self.y = y if activation else None
        return y

    def backward(self, gy):
        need_x, need_w, need_bias = self.needs_grad
        backend = self.backend
        if self.activation:
            gy = backend.activation_grad(gy, None, self.y, self.activation)
        rows = _rows(gy)
        gx = backend.matmul(rows, self.w, transpose_b=True).reshape(self.x.shape) if need_x else None
        gw = _gradient_of_weights(self, _rows(self.x), rows) if need_w else None
        return gx, gw, self.backend.sum_rows(rows) if need_bias else None


def dense(x, kernel, bias=None, activation=None):
    """A dense layer in one operation: activation(x @ kernel + bias).

    Parameters
    ----------
    x : (..., inputs)
    kernel : (inputs, units)
    bias : (units,), optional
    activation : str or callable, optional

    Returns
    -------
    Tensor (..., units)

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.dense([[1.0, -1.0]], [[2.0], [5.0]], [1.0], activation="relu").numpy()
    array([[0.]], dtype=float32)
    """
    x, kernel = as_tensor(x), as_tensor(kernel)
    xs, ks = x.data.shape, kernel.data.shape
    if len(ks) != 2 or not xs or xs[-1] != ks[0]:
        raise ValueError(
            f"x must be (..., inputs) and kernel (inputs, units). Received: x.shape={xs}, kernel.shape={ks}"
        )
    if bias is not None:
        bias = as_tensor(bias)
        if bias.data.shape != ks[1:]:
            raise ValueError(f"bias must have the shape {ks[1:]}, one number a unit. Received: bias.shape={bias.shape}")
    if fusable(activation):
        return _Dense.apply(x, kernel, bias, activation=activation)
    y = _Dense.apply(x, kernel, bias, activation=None)
    return y if activation is None else apply_activation(y, activation)
