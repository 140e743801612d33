"""Calls on symbolic tensors, which make a layer part of a graph; and what holds for all calls inside a call."""

import threading

from pycnn.autograd import Variable, autocast
from pycnn.layers.structure import is_shape, map_structure
from pycnn.layers.symbolic import Node, SymbolicTensor, infer
from pycnn.ops.symbolic import has_symbolic

OUTSIDE = object()


class _CallContext(threading.local):
    """What the outermost call of a layer decides for all calls inside it."""

    entry = None  # the layer called from outside
    half = OUTSIDE  # the dtype that the innermost layer rounds to, None where it does not
    training = None  # None where nobody said


call_context = _CallContext()


def context_training():
    """The ``training`` of the call of a model or layer that runs now; None where nobody gave it."""
    return call_context.training


class Connectable:
    """The part of a Layer that says what shapes come out, and remembers its calls as the nodes of a graph."""

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for ``input_shape``; here by running the layer on zeros."""
        inputs = map_structure(lambda shape: SymbolicTensor(shape, self.compute_dtype), input_shape, is_shape)
        return map_structure(lambda y: y.shape, self._infer((inputs,), {}))

    def _connect(self, inputs, args, training, kwargs):
        """Call on symbolic tensors: nothing is computed but shapes; the call is remembered as a Node."""
        try:
            outputs = self._specify(inputs, args, kwargs)
        except (ValueError, TypeError) as error:
            self._put_name_on(error)
            raise
        if training is not None:
            kwargs = {**kwargs, "training": training}
        return self._remember((inputs, *args), kwargs, outputs)

    def _specify(self, inputs, args, kwargs):
        """Return new symbolic tensors for the outputs; build the layer if need be."""
        shape = map_structure(lambda x: tuple(x.shape), inputs)
        if self.input_spec is not None:
            map_structure(self.input_spec.check, shape, is_shape)
        self._ensure_built(shape)
        says_shape = type(self).compute_output_shape is not Connectable.compute_output_shape
        if not says_shape or has_symbolic(args) or has_symbolic(kwargs) or not self._is_built_inside():
            return self._infer((inputs, *args), kwargs)
        output_shape = self.compute_output_shape(shape)
        return map_structure(lambda s: SymbolicTensor(s, self.compute_dtype), output_shape, is_shape)

    def _infer(self, args, kwargs):
        """Find out what comes out by running the layer, which leaves no trace: no losses, no changed state."""
        context = call_context
        before = context.entry, context.half, context.training, Variable.locked
        context.entry, context.half, context.training, Variable.locked = None, OUTSIDE, False, True
        try:
            with autocast(None):
                return infer(self, args, {**kwargs, "training": False})
        finally:
            context.entry, context.half, context.training, Variable.locked = before
            for owner in self._loss_owners:
                owner._losses.clear()
            self._loss_owners.clear()

    def _is_built_inside(self):
        return all(layer.built for layer in self.flatten_layers())

    def _remember(self, args, kwargs, outputs):
        self._nodes.append(Node(self, args, kwargs, outputs))
        return outputs

    @property
    def input(self):
        """What the layer was first called with in a graph: a symbolic tensor, or a structure of them."""
        return self._first_node("input").args[0]

    @property
    def output(self):
        """What the layer gave when it was first called in a graph: a symbolic tensor, or a structure of them."""
        return self._first_node("output").outputs

    def _first_node(self, wanted):
        if not self._nodes:
            raise AttributeError(
                f"Layer {self.name!r} was never called on symbolic tensors and so has no {wanted}: "
                "call it on pycnn.Input(...), or on what other layers gave for it"
            )
        return self._nodes[0]
