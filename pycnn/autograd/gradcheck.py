"""Gradients against central differences, in float64."""

import numpy as np

from pycnn.autograd.engine import backward
from pycnn.autograd.function import no_grad
from pycnn.autograd.tensor import Tensor, as_tensor
from pycnn.backend import get_backend


class GradcheckError(AssertionError):
    """Analytic and numeric gradients differ."""


def gradcheck(function, inputs, epsilon=1e-6, atol=1e-6, rtol=1e-5, seed=0):
    """Compare ``function``'s gradients with central differences; return True or raise.

    The outputs are weighted with fixed random numbers and summed, so that every element of every output
    takes part. All floating inputs are taken to float64 and checked.

    Parameters
    ----------
    function : callable
        Takes as many tensors as there are inputs, returns a Tensor or a tuple of Tensors.
    inputs : sequence of arrays
    epsilon : float
        Step of the differences. Keep inputs away from kinks by more than this.
    atol, rtol : float
        Allowed: ``|analytic - numeric| <= atol + rtol * |numeric|``.

    Raises
    ------
    GradcheckError
        Names the input, the element and both values where they differ most.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.autograd.gradcheck(pycnn.ops.tanh, [[0.1, -0.5]])
    True
    """
    arrays = [as_tensor(x).numpy() for x in inputs]
    arrays = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    rng = np.random.default_rng(seed)
    weights = None

    def outputs_of(tensors):
        outputs = function(*tensors)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def value(arrays):
        with no_grad():
            outputs = outputs_of([Tensor(a) for a in arrays])
        return sum(float((y.numpy() * w).sum()) for y, w in zip(outputs, weights, strict=True))

    leaves = [Tensor(get_backend().asarray(a), requires_grad=a.dtype.kind == "f") for a in arrays]
    outputs = outputs_of(leaves)
    weights = [rng.standard_normal(y.shape) for y in outputs]
    for y, w in zip(outputs, weights, strict=True):
        if y.requires_grad:
            backward(y, w, retain_graph=True)
    for position, (leaf, array) in enumerate(zip(leaves, arrays, strict=True)):
        if array.dtype.kind == "f":
            analytic = np.zeros_like(array) if leaf.grad is None else leaf.grad.numpy()
            numeric = _central_differences(value, arrays, position, epsilon)
            _compare(position, analytic, numeric, atol, rtol)
    return True


def _central_differences(value, arrays, position, epsilon):
    numeric = np.zeros_like(arrays[position])
    for index in np.ndindex(numeric.shape):
        moved = [a.copy() for a in arrays]
        moved[position][index] += epsilon
        above = value(moved)
        moved[position][index] -= 2 * epsilon
        numeric[index] = (above - value(moved)) / (2 * epsilon)
    return numeric


def _compare(position, analytic, numeric, atol, rtol):
    excess = np.abs(analytic - numeric) - (atol + rtol * np.abs(numeric))
    if numeric.size and not (excess <= 0).all():
        worst = np.unravel_index(np.argmax(excess), numeric.shape)  # NaN counts as the largest
        raise GradcheckError(
            f"Gradient of input {position} is wrong at element {tuple(int(i) for i in worst)}: "
            f"analytic {analytic[worst]!r}, numeric {numeric[worst]!r} (atol={atol}, rtol={rtol})"
        )
