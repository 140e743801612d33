"""Symbolic tensors: shapes that go through layers before there is data, and remember the layers they went through."""

import numpy as np

from pycnn.autograd import Tensor, no_grad
from pycnn.layers.structure import flatten_structure
from pycnn.ops.symbolic import Symbolic

_PROBES = ((2, 64), (3, 72))  # sizes that stand for an unknown batch size, and for other unknown sizes


class SymbolicTensor(Symbolic):
    """The place of a tensor in a graph of layers: its shape, without data.

    ``shape`` has None for the batch size; ``node`` is the call of a layer that gave it. Operators and the functions
    of ``pycnn.ops`` work on it, and become part of the graph.
    """

    __slots__ = ("dtype", "name", "node", "shape")

    def __init__(self, shape, dtype, name=None, node=None):
        self.shape = tuple(shape)
        self.dtype = dtype
        self.name = name
        self.node = node

    @property
    def ndim(self):
        """Number of axes, that of the batch included."""
        return len(self.shape)

    def __repr__(self):
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


class Node:
    """One call of a layer on symbolic tensors: which layer, with what, and what came out."""

    __slots__ = ("args", "kwargs", "layer", "outputs")

    def __init__(self, layer, args=(), kwargs=None, outputs=None):
        self.layer = layer
        self.args = args
        self.kwargs = kwargs or {}
        self.outputs = outputs
        for tensor in self.output_tensors:
            tensor.node, tensor.name = self, tensor.name or layer.name

    @property
    def input_tensors(self):
        """The symbolic tensors that the layer was called with, in a flat list; none at an Input."""
        return [x for x in flatten_structure([self.args, self.kwargs]) if isinstance(x, SymbolicTensor)]

    @property
    def output_tensors(self):
        """The symbolic tensors that came out, in a flat list."""
        return [] if self.outputs is None else flatten_structure(self.outputs)


def replace_symbolic(value, function):
    """Apply ``function`` to the symbolic tensors in nested tuples, lists and dicts; all else stays as it is."""
    if isinstance(value, SymbolicTensor):
        return function(value)
    if isinstance(value, dict):
        return {key: replace_symbolic(item, function) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(replace_symbolic(item, function) for item in value)
    return value


def infer(function, args, kwargs):
    """Return symbolic tensors of the shapes and dtypes that ``function(*args, **kwargs)`` gives.

    It is run on zeros, twice, with different numbers in the places of sizes that are not known; the sizes of the
    output that differ between the two are not known, either.
    """

    def run(batch, size):
        def blank(x):
            shape = [(size if axis else batch) if n is None else n for axis, n in enumerate(x.shape)]
            return Tensor(np.zeros(shape, x.dtype))

        with no_grad(), np.errstate(all="ignore"):
            return function(*replace_symbolic(args, blank), **replace_symbolic(kwargs, blank))

    return _compare(run(*_PROBES[0]), run(*_PROBES[1]))


def _compare(first, second):
    """Symbolic tensors of the sizes that two results have in common."""
    if isinstance(first, dict):
        return {key: _compare(first[key], second[key]) for key in first}
    if isinstance(first, (tuple, list)):
        return type(first)(_compare(a, b) for a, b in zip(first, second, strict=True))
    if not hasattr(first, "shape"):
        raise TypeError(f"Layers and operations in a graph must return tensors. Received: {first!r}")
    shape = (a if a == b else None for a, b in zip(first.shape, second.shape, strict=True))
    return SymbolicTensor(shape, str(first.dtype))
