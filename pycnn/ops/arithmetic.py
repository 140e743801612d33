"""Elementwise arithmetic of two operands, with NumPy's broadcasting; see ``promotion`` for the dtypes.

Sums and products of floating arrays are the backend's kernels where both have one shape or one is stretched along one
run of axes (see ``stretching``); other broadcasting, numbers and integers go to ``xp``.
"""

import math

from pycnn.autograd import Function, Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import FLOATS, widened
from pycnn.backend.stretching import FEW, stretching
from pycnn.ops.promotion import align, has_kernels, is_number, operands, same_float


def unbroadcast(g, shape):
    """Sum the gradient ``g`` of a broadcast result over the axes that ``shape`` was stretched along."""
    if g.shape == shape:
        return g
    if has_kernels(g) and stretching(g.shape, shape):
        return get_backend().sum_products(g, None, shape)
    new = g.ndim - len(shape)
    stretched = [new + i for i, n in enumerate(shape) if n == 1 and g.shape[new + i] != 1]
    return g.astype(widened(g.dtype), copy=False).sum(axis=(*range(new), *stretched)).reshape(shape)


def _stretched(a, b):
    """Which operand the kernels see as stretched to the other, 1 (or none of them) or 0; None: ``xp`` must do it."""
    if is_number(a) or is_number(b) or a.size + b.size < FEW or not has_kernels(a):
        return None
    if a.shape == b.shape or stretching(a.shape, b.shape):
        return 1
    return 0 if stretching(b.shape, a.shape) else None


def product(backend, a, b):
    """a * b for two arrays of one dtype or an array and a number."""
    stretched = _stretched(a, b)
    if stretched is None:
        return a * b
    return backend.multiply(a, b) if stretched else backend.multiply(b, a)


class _Binary(Function):
    """``self.inputs`` tells the shapes; an operand that is a Python number never needs a gradient."""

    def shape_a(self):
        return self.inputs[0].shape

    def shape_b(self):
        return self.inputs[1].shape


class _Add(_Binary):
    half_wide = half_weights = (0, 1)

    def forward(self, a, b):
        a, b = (a, b) if self.halves else align(a, b, "int64")
        stretched = _stretched(a, b)
        if stretched is None:
            return a + b
        return self.backend.add(a, b) if stretched else self.backend.add(b, a)

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        return unbroadcast(gy, self.shape_a()) if need_a else None, unbroadcast(gy, self.shape_b()) if need_b else None


class _AddClipped(_Binary):
    def forward(self, a, b, *, low, high):
        a, b = same_float(a, b)
        self.a, self.b, self.low, self.high = a, b, low, high
        return self.backend.add_clipped(a, b, low, high)

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        total = self.a + self.b
        gy = gy * ((total >= self.low) & (total <= self.high))
        return gy if need_a else None, self.backend.sum_products(gy, None, self.b.shape) if need_b else None


class _Subtract(_Binary):
    def forward(self, a, b):
        a, b = align(a, b, "int64")
        return a - b

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        return unbroadcast(gy, self.shape_a()) if need_a else None, unbroadcast(-gy, self.shape_b()) if need_b else None


class _Multiply(_Binary):
    half_wide = (0, 1)

    def forward(self, a, b):
        self.a, self.b = a, b = (a, b) if self.halves else align(a, b, "int64")
        return product(self.backend, a, b)

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        stretched = _stretched(self.a, self.b)
        if stretched == 1:
            return self._by_kernels(gy, self.a, self.b, need_a, need_b)
        if stretched == 0:
            return self._by_kernels(gy, self.b, self.a, need_b, need_a)[::-1]
        return (
            unbroadcast(gy * self.b, self.shape_a()) if need_a else None,
            unbroadcast(gy * self.a, self.shape_b()) if need_b else None,
        )

    def _by_kernels(self, gy, a, b, need_a, need_b):
        """Gradients where b is stretched to a, both in one pass if both are needed."""
        backend = self.backend
        if need_a and need_b:
            return backend.multiply_grad(gy, a, b)
        if need_a:
            return backend.multiply(gy, b), None
        return None, backend.multiply(gy, a) if a.shape == b.shape else backend.sum_products(gy, a, b.shape)


class _Divide(_Binary):
    def forward(self, a, b):
        a, self.b = align(a, b, "float")
        self.y = a / self.b
        return self.y

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        ga = gy / self.b
        return (
            unbroadcast(ga, self.shape_a()) if need_a else None,
            unbroadcast(-ga * self.y, self.shape_b()) if need_b else None,
        )


class _Power(_Binary):
    def forward(self, a, b):
        self.a, self.b = a, b = align(a, b, "int64")
        self.y = a**b
        return self.y

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        return (
            unbroadcast(self._grad_a(gy), self.shape_a()) if need_a else None,
            unbroadcast(self._grad_b(gy), self.shape_b()) if need_b else None,
        )

    def _grad_a(self, gy):
        a, b = self.a, self.b
        if is_number(b):
            return gy * 0 if b == 0 else gy * (b * a ** (b - 1))
        lower = self.backend.xp.where(b == 0, 0, b - 1).astype(gy.dtype, copy=False)  # 0**-1 * 0 would be NaN
        return gy * (b * a**lower)

    def _grad_b(self, gy):
        a, xp = self.a, self.backend.xp
        if is_number(a):
            return gy * (self.y * (math.log(a) if a > 0 else 0.0 if a == 0 else math.nan))
        return gy * (self.y * xp.log(xp.where(a == 0, gy.dtype.type(1), a)))


class _Mod(_Binary):
    def forward(self, a, b):
        self.a, self.b = a, b = align(a, b, "int64")
        return a % b

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        return (
            unbroadcast(gy, self.shape_a()) if need_a else None,
            unbroadcast(-gy * (self.a // self.b), self.shape_b()) if need_b else None,
        )


class _Extreme(_Binary):
    """The larger or smaller of two. Where they are equal each gets half of the gradient, as in PyTorch."""

    def forward(self, a, b, *, largest):
        self.a, self.b = a, b = align(a, b)
        self.largest = largest
        xp = self.backend.xp
        return xp.maximum(a, b) if largest else xp.minimum(a, b)

    def backward(self, gy):
        need_a, need_b = self.needs_grad
        xp, a, b = self.backend.xp, self.a, self.b
        wins = xp.greater(a, b) if self.largest else xp.less(a, b)
        share = (wins + xp.equal(a, b) * 0.5).astype(gy.dtype)
        return (
            unbroadcast(gy * share, self.shape_a()) if need_a else None,
            unbroadcast(gy * (1 - share), self.shape_b()) if need_b else None,
        )


class _Where(Function):
    def forward(self, condition, a, b):
        self.condition = condition = condition.astype(bool, copy=False)
        a, b = align(a, b)
        return self.backend.xp.where(condition, a, b)

    def backward(self, gy):
        _, need_a, need_b = self.needs_grad
        where = self.backend.xp.where
        _, a, b = self.inputs
        zero = gy.dtype.type(0)
        return (
            None,
            unbroadcast(where(self.condition, gy, zero), a.shape) if need_a else None,
            unbroadcast(where(self.condition, zero, gy), b.shape) if need_b else None,
        )


def add(x1, x2):
    """x1 + x2.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.add([1.0, 2.0], 0.5).numpy()
    array([1.5, 2.5], dtype=float32)
    """
    return _Add.apply(*operands(x1, x2))


def add_clipped(x1, x2, low, high):
    """x1 + x2 in one pass with ``clip``: floats, x2 stretched to the shape of x1 along one run of axes.

    Raises
    ------
    ValueError
        If x2 cannot be stretched so.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.add_clipped([[1.0, 2.0], [3.0, 4.0]], [[0.5], [-4.0]], 0.0, 2.0).numpy()
    array([[1.5, 2. ],
           [0. , 0. ]], dtype=float32)
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if x1.dtype != x2.dtype or x1.dtype.kind not in FLOATS or stretching(x1.shape, x2.shape) is None:
        raise ValueError(
            "x1 and x2 must be floats of one dtype, x2 of x1's shape but for one run of axes. "
            f"Received: x1 {x1.shape} {x1.dtype}, x2 {x2.shape} {x2.dtype}"
        )
    return _AddClipped.apply(x1, x2, low=float(low), high=float(high))


def subtract(x1, x2):
    """x1 - x2."""
    return _Subtract.apply(*operands(x1, x2))


def multiply(x1, x2):
    """x1 * x2."""
    return _Multiply.apply(*operands(x1, x2))


def divide(x1, x2):
    """x1 / x2, a floating result also for integers."""
    return _Divide.apply(*operands(x1, x2))


def floor_divide(x1, x2):
    """floor(x1 / x2). Its derivative is 0, so no gradient flows."""
    a, b = operands(x1, x2)
    a, b = align(a.data, b.data, "int64")
    return Tensor.wrap(a // b)


def mod(x1, x2):
    """x1 - x2 * floor(x1 / x2): the remainder, with the sign of ``x2``."""
    return _Mod.apply(*operands(x1, x2))


def power(x1, x2):
    """x1 to the power x2."""
    return _Power.apply(*operands(x1, x2))


def maximum(x1, x2):
    """The larger of x1 and x2, element by element; equal ones share the gradient by halves."""
    return _Extreme.apply(*operands(x1, x2), largest=True)


def minimum(x1, x2):
    """The smaller of x1 and x2, element by element; equal ones share the gradient by halves."""
    return _Extreme.apply(*operands(x1, x2), largest=False)


def where(condition, x1=None, x2=None):
    """Elements of ``x1`` where ``condition`` holds, else of ``x2``; all three are broadcast.

    With ``condition`` alone: the places where it holds, one tensor of indices an axis, as in NumPy.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.where([True, False], [1.0, 2.0], 0.0).numpy()
    array([1., 0.], dtype=float32)
    """
    if x1 is None and x2 is None:
        return tuple(map(Tensor.wrap, get_backend().xp.nonzero(as_tensor(condition).data)))
    if x1 is None or x2 is None:
        raise ValueError(f"x1 and x2 must be given together. Received: x1={x1!r}, x2={x2!r}")
    return _Where.apply(condition, *operands(x1, x2))
