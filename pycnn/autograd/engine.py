"""The backward pass: nodes in the reverse of the order in which they were made."""

import heapq

from pycnn.autograd.tensor import Tensor, as_tensor


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
    gradient = _seed(tensor, gradient)
    if tensor._node is None:
        _accumulate(tensor, gradient)
        return
    pending = {}  # node order -> (node, gradients of its outputs)
    queue = []
    _send(tensor, gradient, pending, queue)
    while queue:
        node, gradients = pending.pop(-heapq.heappop(queue))
        inputs = _inputs_of(node)
        results = node.backward(*gradients)
        results = results if type(results) is tuple else (results,)
        if len(results) != len(inputs):
            raise RuntimeError(
                f"{type(node).__name__}.backward must return one gradient for each of {len(inputs)} inputs. "
                f"Received: {len(results)}"
            )
        for needed, target, result in zip(node.needs_grad, inputs, results, strict=True):
            if needed and result is not None:
                _check_shape(node, target, result)
                if result.dtype is not target.data.dtype:  # an input may have been promoted
                    result = result.astype(target.data.dtype, copy=False)
                _send(target, result, pending, queue)
        if not retain_graph:
            node.__dict__.clear()


Tensor.backward = backward


def _seed(tensor, gradient):
    if gradient is None:
        if tensor.size != 1:
            raise ValueError(
                "backward() without gradient= needs a tensor of one element, such as a loss. "
                f"Received: shape={tensor.shape}"
            )
        return tensor.data * 0 + 1
    gradient = as_tensor(gradient).data
    if gradient.shape != tensor.shape:
        raise ValueError(
            f"gradient must have the tensor's shape {tensor.shape}. Received: gradient.shape={gradient.shape}"
        )
    return gradient.astype(tensor.dtype, copy=False)


def _inputs_of(node):
    try:
        return node.inputs
    except AttributeError:
        raise RuntimeError(
            "The graph was freed by an earlier backward(); pass retain_graph=True there to go back twice"
        ) from None


def _check_shape(node, target, result):
    if result.shape != target.shape:
        raise RuntimeError(
            f"{type(node).__name__}.backward returned a gradient of the wrong shape: "
            f"expected {target.shape}. Received: {result.shape}"
        )


def _send(tensor, gradient, pending, queue):
    """Hand a gradient to a leaf, or to the node that made the tensor."""
    node = tensor._node
    if node is None:
        _accumulate(tensor, gradient)
        return
    _inputs_of(node)
    if node.order not in pending:
        pending[node.order] = (node, [None] * node.output_arrays)
        heapq.heappush(queue, -node.order)
    gradients = pending[node.order][1]
    known = gradients[tensor._output_index]
    gradients[tensor._output_index] = gradient if known is None else known + gradient


def _accumulate(leaf: Tensor, gradient):
    leaf._grad = gradient if leaf._grad is None else leaf._grad + gradient


def value_and_grad(function, argnums=0):
    """Return a function that gives ``function``'s value and its gradient; see ``grad``."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def evaluate(*args, **kwargs):
        leaves = list(args)
        for i in positions:
            leaves[i] = Tensor(as_tensor(args[i]).data, requires_grad=True)
        value = function(*leaves, **kwargs)
        if not isinstance(value, Tensor):
            raise TypeError(f"function must return a Tensor. Received: {type(value).__name__}")
        if value.requires_grad:
            backward(value)
        gradients = tuple(
            Tensor.wrap(leaves[i].data * 0) if leaves[i].grad is None else leaves[i].grad for i in positions
        )
        return value.detach(), gradients[0] if isinstance(argnums, int) else gradients

    return evaluate


def grad(function, argnums=0):
    """Return a function that gives the gradient of ``function`` (which returns a one-element Tensor).

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
