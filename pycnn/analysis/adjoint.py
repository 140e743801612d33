"""The dot-product test: whether what goes backwards through a linear operation is its adjoint."""

from typing import NamedTuple

import numpy as np

from pycnn.autograd import Tensor
from pycnn.autograd.engine import backward
from pycnn.backend import get_backend
from pycnn.layers import Layer


class AdjointError(AssertionError):
    """An operation is not linear, or its gradient is not its adjoint."""


class Product(NamedTuple):
    """One argument of the operation: <v, A x>, <A* v, x>, and by how much they differ, relative to their factors."""

    argument: str
    forward: float
    adjoint: float
    error: float


class AdjointCheck:
    """What ``check_adjoint`` returns; true if the check was passed. ``str()`` is a table.

    Attributes
    ----------
    products : list of Product
        One for each argument, and for each trainable weight of a layer.
    tolerance : float
    error : float
        The largest of all.
    passed : bool
    """

    def __init__(self, name, products, tolerance):
        self.name, self.products, self.tolerance = name, products, tolerance
        self.error = max(product.error for product in products)
        self.passed = bool(self.error <= tolerance)  # NaN is not

    def __bool__(self):
        return self.passed

    def __str__(self):
        width = max(len(product.argument) for product in self.products)
        rows = [
            f"  {p.argument:<{width}}   <v, A x> = {p.forward:<+20.13g} <A* v, x> = {p.adjoint:<+20.13g} "
            f"error {p.error:.1e}"
            for p in self.products
        ]
        verdict = "passed" if self.passed else f"FAILED, allowed is an error of {self.tolerance:.0e}"
        return "\n".join([f"{self.name}: {verdict}", *rows])

    def __repr__(self):
        return f"<AdjointCheck of {self.name}: {'passed' if self.passed else 'failed'}, error {self.error:.1e}>"


def check_adjoint(operation, *shapes, tolerance=1e-10, seed=0, raise_error=False):
    """Test whether gradients are the adjoint of a linear operation: ``<v, A x> = <A* v, x>``, in float64.

    Of an operation that is linear in several arguments each is tested in turn, the others held fixed, so that for a
    convolution ``<v, conv(x, W)> = <dx, x> = <dW, W>``. A constant part, such as that of a bias, is taken off. The
    gradient is taken at another point than ``x``, so that an operation which is not linear fails.

    Parameters
    ----------
    operation : callable or Layer
        A function of tensors that returns a tensor, or a layer without an activation. A layer is left as it is: a copy
        with random weights is tested, in its input and in all its trainable weights.
    *shapes : tuples of ints
        Of the arguments of a function; of a layer, one: the shape of one input, without the batch.
    tolerance : float
        Allowed difference of the two products, relative to the lengths of the vectors that are multiplied.
    seed : int
    raise_error : bool
        Raise if the check fails.

    Returns
    -------
    AdjointCheck
        True in conditions if the check was passed.

    Raises
    ------
    AdjointError
        With ``raise_error``, if it fails: says of which argument, and shows both products.

    Notes
    -----
    Claerbout, Earth soundings analysis, 1992: "the dot-product test".

    Examples
    --------
    >>> from pycnn import layers, ops
    >>> from pycnn.analysis import check_adjoint
    >>> check = check_adjoint(lambda x, w: ops.conv2d(x, w, strides=2), (2, 9, 9, 3), (3, 3, 3, 4))
    >>> check.passed, [product.argument for product in check.products]
    (True, ['argument 0', 'argument 1'])
    >>> bool(check_adjoint(layers.Conv2DTranspose(4, 3, strides=2), (5, 5, 3)))
    True
    >>> bool(check_adjoint(layers.MaxPooling2D(), (8, 8, 3)))
    False
    """
    rng = np.random.default_rng(seed)
    is_layer = isinstance(operation, Layer)
    if not is_layer and not callable(operation):
        raise TypeError(f"operation must be a function or a layer. Received: operation={operation!r}")
    if not shapes or (is_layer and len(shapes) > 1):
        raise ValueError(
            f"shapes must be those of a function's arguments, or the one of a layer's input. Received: shapes={shapes}"
        )
    if is_layer:
        run, leaves = _layer_and_weights(operation, shapes[0])
    else:
        run = operation
        leaves = {f"argument {i}": _zeros(shape) for i, shape in enumerate(shapes)}
    inputs = list(leaves.values())[: 1 if is_layer else None]
    for leaf in leaves.values():
        _fill(leaf, rng.standard_normal(leaf.shape))
    v = rng.standard_normal(run(*inputs).shape)
    products = [_product(name, leaf, run, inputs, v, rng) for name, leaf in leaves.items()]
    check = AdjointCheck(_name(operation), products, tolerance)
    if raise_error and not check:
        raise AdjointError(f"The operation is not linear, or its gradient is not the adjoint. Received: {check}")
    return check


def _product(name, leaf, run, inputs, v, rng):
    """Both products for one argument, with all others as they are."""
    point, elsewhere = np.array(leaf.numpy()), rng.standard_normal(leaf.shape)
    forward = np.array(run(*inputs).numpy())  # a copy: it may be a view of what changes now
    _fill(leaf, np.zeros_like(point))
    forward = forward - run(*inputs).numpy()
    _fill(leaf, elsewhere)
    leaf.zero_grad()
    outputs = run(*inputs)
    if outputs.requires_grad:
        backward(outputs, v)
    adjoint = np.zeros_like(point) if leaf.grad is None else np.array(leaf.grad.numpy())
    leaf.zero_grad()
    _fill(leaf, point)
    left, right = float(np.vdot(v, forward)), float(np.vdot(adjoint, point))
    scale = max(np.linalg.norm(v) * np.linalg.norm(forward), np.linalg.norm(adjoint) * np.linalg.norm(point))
    return Product(name, left, right, float(abs(left - right) / scale) if scale else 0.0)


def _layer_and_weights(layer, input_shape):
    """A copy of a layer in float64, as a function of its input, and a dict of the input and the trainable weights."""
    copy = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
    x = _zeros((2, *input_shape))
    copy(x, training=False)  # builds it
    if layer.built:
        copy.set_weights(layer.get_weights())
    single = [weight.name for weight in copy.weights if weight.dtype != np.float64 and weight.dtype.kind == "f"]
    if single:
        raise ValueError(
            "operation must be a function, or a layer that is not made of other layers: those would not be in float64. "
            f"Received: operation={layer!r} with weights {', '.join(single)} in float32"
        )
    return lambda inputs: copy(inputs, training=False), {"input": x, **{w.name: w for w in copy.trainable_weights}}


def _zeros(shape):
    return Tensor(np.zeros(shape), requires_grad=True)


def _fill(leaf, values):
    leaf.data[...] = get_backend().asarray(values)


def _name(operation):
    if isinstance(operation, Layer):
        return f"{operation.name} ({type(operation).__name__})"
    return getattr(operation, "__name__", type(operation).__name__)
