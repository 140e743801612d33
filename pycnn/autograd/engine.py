"""The backward pass: nodes in the reverse of the order in which they were made."""

import heapq

from pycnn.autograd.tensor import Tensor, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.recorded import cast
from pycnn.backend.stretching import FEW


def backward(tensor, gradient=None, retain_graph=False):
    """Add d(tensor)/d(leaf), weighted by ``gradient``, to ``.grad`` of every leaf that requires it.

    Parameters
    ----------
    tensor : Tensor
        ``tensor.backward(...)`` is the usual way to call this.
    gradient : array of the tensor's shape, optional
        Defaults to 1, which only a tensor of one element allows.
    retain_graph : bool
        Keep what the backward pass needs, so that it can be run again.
    """
    if not tensor.requires_grad:
        raise RuntimeError("backward() was called on a tensor that does not depend on any that requires a gradient")
    _go_back(tensor, _seed(tensor, gradient), retain_graph)


Tensor.backward = backward


def _seed(tensor, gradient):
    if gradient is None:
        if tensor.size != 1:
            raise ValueError(
                "backward() without gradient= needs a tensor of one element, such as a loss. "
                f"Received: shape={tensor.shape}"
            )
        return get_backend().xp.ones_like(tensor.data)
    gradient = as_tensor(gradient).data
    if gradient.shape != tensor.shape:
        raise ValueError(
            f"gradient must have the tensor's shape {tensor.shape}. Received: gradient.shape={gradient.shape}"
        )
    return gradient.astype(tensor.dtype, copy=False)


def _go_back(tensor, gradient, retain_graph, leaves=None):
    """Walk from ``tensor`` to the leaves (or to those of ``leaves`` alone), later nodes before earlier ones."""
    pending = {}  # order of a node -> the node, the gradients of its outputs so far, and which of them are sums
    queue = []
    _send(tensor, gradient, pending, queue, leaves)
    while queue:
        node, gradients, _ = pending.pop(-heapq.heappop(queue))
        if node.rounded:
            gradients = node.widened(gradients)
        results = node.backward(*gradients)
        if type(results) is not tuple:
            results = (results,)
        inputs = node.inputs
        if len(results) != len(inputs):
            raise RuntimeError(
                f"{type(node).__name__}.backward must return one gradient for each of {len(inputs)} inputs. "
                f"Received: {len(results)}"
            )
        needs_grad = node.needs_grad
        for i, result in enumerate(results):
            if result is None or not needs_grad[i]:
                continue
            target = inputs[i]
            if result.shape != target.shape:
                raise RuntimeError(
                    f"{type(node).__name__}.backward returned a gradient of the wrong shape: "
                    f"expected {target.shape}. Received: {result.shape}"
                )
            if result.dtype is not target.dtype:  # an input may have been promoted
                result = cast(result, target.dtype)
            if target._node is None and leaves is None and target._grad is None:  # a weight, most often
                target._grad = result
            else:
                _send(target, result, pending, queue, leaves)
        if not retain_graph:
            node.__dict__.clear()


def _send(target, gradient, pending, queue, leaves):
    """Hand a gradient to a leaf, or to the node that an edge leads to.

    The sum of two gradients is a new array, for others may hold the two. A third is added to it in place.
    """
    node = target._node
    if node is None:
        if leaves is None or any(target is leaf for leaf in leaves):
            target._grad = gradient if target._grad is None else _sum(target._grad, gradient)
        return
    try:
        order = node.order
    except AttributeError:
        raise RuntimeError(
            "The graph was freed by an earlier backward(); pass retain_graph=True there to go back twice"
        ) from None
    if order not in pending:
        gradients = [None] * node.output_arrays
        gradients[target._output_index] = gradient
        pending[order] = (node, gradients, [None] * node.output_arrays)
        heapq.heappush(queue, -order)
        return
    _, gradients, sums = pending[order]
    i = target._output_index
    if gradients[i] is None:
        gradients[i] = gradient
    else:
        gradients[i] = sums[i] = _sum(gradients[i], gradient, sums[i])


def _sum(a, b, out=None):
    """Sum of two gradients of one shape; small ones, and dtypes other than float32 and float64, need no kernel."""
    return a + b if a.size < FEW or a.dtype.itemsize not in (4, 8) else get_backend().add(a, b, out)


def value_and_grad(function, argnums=0):
    """Return a function that gives ``function``'s value and its gradient; see ``grad``.

    Examples
    --------
    >>> import pycnn
    >>> value, gradient = pycnn.value_and_grad(lambda x: (x * x).sum())([1.0, 2.0])
    >>> value.item(), gradient.tolist()
    (5.0, [2.0, 4.0])
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def evaluate(*args, **kwargs):
        args = list(args)
        for i in positions:
            args[i] = Tensor(args[i], requires_grad=True)
        leaves = [args[i] for i in positions]
        value = function(*args, **kwargs)
        if not isinstance(value, Tensor):
            raise TypeError(f"function must return a Tensor. Received: {type(value).__name__}")
        if value.requires_grad:
            _go_back(value, _seed(value, None), False, leaves)
        zeros = get_backend().xp.zeros_like
        gradients = tuple(Tensor.wrap(zeros(x.data)) if x.grad is None else x.grad for x in leaves)
        return value.detach(), gradients[0] if isinstance(argnums, int) else gradients

    return evaluate


def grad(function, argnums=0):
    """Return a function that gives the gradient of ``function`` (which returns a one-element Tensor).

    Only the arguments are differentiated by: the ``.grad`` of other tensors that ``function`` uses stays as it is.

    Parameters
    ----------
    function : callable
        Takes tensors or arrays, returns a Tensor of one element.
    argnums : int or tuple of ints
        The arguments to differentiate by; a tuple gives a tuple of gradients.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.grad(lambda x: (x * x).sum())([1.0, 2.0]).numpy()
    array([2., 4.], dtype=float32)
    """
    evaluate = value_and_grad(function, argnums)
    return lambda *args, **kwargs: evaluate(*args, **kwargs)[1]
