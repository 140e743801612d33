"""The Function: one differentiable operation, and the recording of it on the tape."""

import functools
import itertools
import threading

from pycnn.autograd.tensor import Tensor, as_tensor
from pycnn.backend import get_backend

_sequence = itertools.count()


class _State(threading.local):
    """Of each thread: whether operations are being recorded."""

    enabled = True


_state = _State()


class no_grad:
    """Context manager and decorator: operations inside are not recorded.

    Examples
    --------
    >>> import pycnn
    >>> x = pycnn.Tensor([1.0], requires_grad=True)
    >>> with pycnn.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __enter__(self):
        self._before = _state.enabled
        _state.enabled = False

    def __exit__(self, *exception):
        _state.enabled = self._before

    def __call__(self, function):
        @functools.wraps(function)
        def without_grad(*args, **kwargs):
            with no_grad():
                return function(*args, **kwargs)

        return without_grad


def is_grad_enabled():
    """Whether operations are being recorded in this thread."""
    return _state.enabled


class Edge:
    """Where the gradient of an input goes, and what it must look like.

    It stands for a tensor that an operation made, without its array: that lives only as long as somebody needs it.
    """

    __slots__ = ("_node", "_output_index", "dtype", "shape")

    def __init__(self, tensor):
        self._node = tensor._node
        self._output_index = tensor._output_index
        self.shape = tensor.data.shape
        self.dtype = tensor.data.dtype


class Function:
    """One differentiable operation. Subclass it, write ``forward`` and ``backward``, call ``apply``.

    ``forward(self, *arrays, **options)`` gets device arrays (None stays None) and returns an array or a tuple
    of arrays. ``backward(self, *gradients)`` gets one array for each output (None for one that nothing used) and
    returns an array or None for each input; a single one need not be a tuple. It must leave the arrays that it
    gets as they are, for others may hold them too. What ``backward`` needs is kept as attributes of ``self``.
    ``self.backend`` is the backend of the forward pass, ``self.needs_grad`` says for each input whether
    its gradient is wanted, and in ``backward`` each of ``self.inputs`` for which it is has a ``shape`` and ``dtype``.

    Examples
    --------
    >>> import pycnn
    >>> from pycnn.autograd import Function
    >>> class Cube(Function):
    ...     def forward(self, x):
    ...         self.x = x
    ...         return x * x * x
    ...
    ...     def backward(self, gy):
    ...         return 3 * self.x * self.x * gy
    >>> x = pycnn.Tensor([2.0], requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad.numpy()
    array([12.], dtype=float32)
    """

    def forward(self, *arrays, **options):
        """Compute the outputs from device arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, *arrays, **options)")

    def backward(self, *gradients):
        """Compute the gradients of the inputs from those of the outputs."""
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, *gradients)")

    @classmethod
    def apply(cls, *inputs, **options):
        """Run the operation on tensors (or anything that becomes one) and record it if a gradient can flow."""
        node = cls()
        node.backend = get_backend()
        targets, arrays, needs_grad = [], [], []
        enabled, recorded = _state.enabled, False
        for x in inputs:  # one loop: three comprehensions take twice as long
            array, needed, target = None, False, None
            if x is not None:
                if not isinstance(x, Tensor):
                    x = as_tensor(x)
                array = x.data
                if enabled and x._requires_grad:
                    needed = recorded = True
                    target = x if x._node is None else Edge(x)
            targets.append(target)
            arrays.append(array)
            needs_grad.append(needed)
        node.needs_grad = needs_grad
        outputs = node.forward(*arrays, **options)
        several = type(outputs) is tuple
        if not recorded:
            return tuple(map(Tensor.wrap, outputs)) if several else Tensor.wrap(outputs)
        node.inputs = targets
        node.order = next(_sequence)
        if several:
            node.output_arrays = len(outputs)
            return tuple([Tensor.wrap(y, node, i) for i, y in enumerate(outputs)])
        node.output_arrays = 1
        return Tensor.wrap(outputs, node)
