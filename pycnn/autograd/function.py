"""The Function: one differentiable operation, and the recording of it on the tape."""

import functools
import itertools
import threading

from pycnn.autograd.tensor import Tensor, Variable, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.dtypes import FLOAT32, FLOATS, is_half
from pycnn.backend.recorded import cast

_sequence = itertools.count()


class _State(threading.local):
    """Of each thread: whether operations are being recorded, and the dtype of ``autocast``, or None.

    Both are one attribute, for each operation looks at them.
    """

    mode = (True, None)


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
        self._before, half = _state.mode
        _state.mode = (False, half)

    def __exit__(self, *exception):
        _state.mode = (self._before, _state.mode[1])

    def __call__(self, function):
        @functools.wraps(function)
        def without_grad(*args, **kwargs):
            with no_grad():
                return function(*args, **kwargs)

        return without_grad


def is_grad_enabled():
    """Whether operations are being recorded in this thread."""
    return _state.mode[0]


class autocast:
    """Context manager: operations inside compute in float32, and round what they give to half its width.

    An operation rounds if it is given arrays of the half-wide dtype, or weights, and no array of float32 or float64
    beside. Weights among what it is given are rounded first, but for those made with ``autocast=False``, such as the
    moving averages of batch normalisation. The gradients of arrays are rounded, too; those of weights are not.
    An operation that says by ``Function.half_wide`` that its kernels take half-wide arrays is given them as they are
    where the backend has such kernels. For all others this is the place that widens and rounds.

    Parameters
    ----------
    dtype : numpy.dtype or None
        float16 or bfloat16. float32: half-wide arrays become it in every operation. None: nothing is looked at, and
        each operation takes half-wide arrays as it likes.

    Examples
    --------
    >>> import numpy as np
    >>> import pycnn
    >>> with pycnn.autograd.autocast(np.dtype("float16")):
    ...     y = pycnn.Tensor(np.ones(2, "float16")) / 3
    >>> y.numpy()
    array([0.3333, 0.3333], dtype=float16)
    """

    def __init__(self, dtype):
        self._dtype = dtype

    def __enter__(self):
        enabled, self._before = _state.mode
        _state.mode = (enabled, self._dtype)

    def __exit__(self, *exception):
        _state.mode = (_state.mode[0], self._before)


def autocast_dtype():
    """The dtype of the innermost ``autocast`` of this thread, or None."""
    return _state.mode[1]


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
    Inside ``autocast`` half-wide arrays reach both methods as float32, and what they return is rounded, unless the
    class says by ``any_dtype`` that it only moves numbers, of whatever dtype, or by ``half_wide`` which inputs it hands
    to kernels that take them half-wide. Whether they come so is then in ``self.halves``; so do the gradients.

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

    any_dtype = False  # whether half-wide arrays are taken, and given, as they are
    half_wide = ()  # positions of inputs that are so taken where backend.half_wide, all of them or none
    half_weights = ()  # those of them that may be weights, for their gradients are not rounded
    halves = False  # of a node: whether they have come so
    rounded = False  # of a node: whether its outputs were rounded, whose gradients are so, too

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
        enabled, half = _state.mode
        recorded = False
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
        outputs = node.forward(*arrays, **options) if half is None else node._autocast(half, inputs, arrays, options)
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

    def _autocast(self, half, inputs, arrays, options):
        """Compute the outputs inside ``autocast``."""
        floats = [i for i, a in enumerate(arrays) if hasattr(a, "dtype") and a.dtype.kind in FLOATS]
        wide = any(not is_half(arrays[i].dtype) and not isinstance(inputs[i], Variable) for i in floats)
        rounds = bool(floats) and not wide
        for i in floats:
            if rounds and isinstance(inputs[i], Variable) and inputs[i].autocast:
                arrays[i] = cast(arrays[i], half)
        self.halves = rounds and self._takes_halves(inputs, arrays, half)
        for i in floats:
            if not (self.any_dtype or (self.halves and i in self.half_wide)) and is_half(arrays[i].dtype):
                arrays[i] = arrays[i].astype(FLOAT32)
        outputs = self.forward(*arrays, **options)
        if self.any_dtype or not rounds:
            return outputs
        self.rounded = not self.halves
        if type(outputs) is tuple:
            return tuple([_rounded(y, half) for y in outputs])
        return _rounded(outputs, half)

    def _takes_halves(self, inputs, arrays, half):
        """Whether to leave ``arrays``, those of ``inputs`` in the dtype of ``autocast``, to half-wide kernels."""
        given = [i for i in self.half_wide if arrays[i] is not None]
        if not given or not self.backend.half_wide or not all(_is_of(arrays[i], half) for i in given):
            return False
        return all(i in self.half_weights or not isinstance(inputs[i], Variable) for i in given)

    def widened(self, gradients):
        """The gradients of outputs that were rounded, as ``backward`` gets them."""
        return [None if g is None else g.astype(FLOAT32, copy=False) for g in gradients]


def _is_of(value, dtype):
    return hasattr(value, "dtype") and value.dtype == dtype


def _rounded(array, half):
    """What ``forward`` gave, in the dtype of ``autocast`` if it floats."""
    return cast(array, half) if array.dtype.kind in FLOATS else array
