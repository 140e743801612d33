"""Symbolic tensors: shapes that go through layers before there is data, and remember the layers they went through."""


class SymbolicTensor:
    """The place of a tensor in a graph of layers: its shape, without data.

    ``shape`` has None for the batch size; ``node`` is the call of a layer that gave it.
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

    __slots__ = ("args", "inputs", "kwargs", "layer", "outputs")

    def __init__(self, layer, inputs, args=(), kwargs=None):
        self.layer = layer
        self.inputs = inputs
        self.args = args
        self.kwargs = kwargs or {}
        self.outputs = None
