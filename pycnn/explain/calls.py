"""The calls of layers that make up a model, found without data: ``trace``."""

from typing import NamedTuple

from pycnn.layers import Layer
from pycnn.layers.structure import flatten_structure, is_shape, map_structure
from pycnn.layers.symbolic import SymbolicTensor, replace_symbolic
from pycnn.ops.symbolic import has_symbolic


class Call(NamedTuple):
    """One call of a layer that holds no other layers that can be looked into.

    ``args`` and ``kwargs`` are what it is called with, and ``outputs`` what it gives: a symbolic tensor in the place of
    each tensor, the same object wherever the same tensor goes. ``path`` holds the models around the layer, outermost
    first.
    """

    layer: Layer
    args: tuple
    kwargs: dict
    outputs: object
    path: tuple

    @property
    def inputs(self):
        """The tensors that the layer is called with, in a flat list."""
        return [x for x in flatten_structure([self.args, self.kwargs]) if isinstance(x, SymbolicTensor)]

    @property
    def input_shape(self):
        """Shape of the input without the batch; of several inputs a list."""
        shapes = [x.shape[1:] for x in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self):
        """Shape of the output without the batch; of several outputs a list."""
        shapes = [y.shape[1:] for y in flatten_structure(self.outputs)]
        return shapes[0] if len(shapes) == 1 else shapes


def trace(layer, inputs):
    """Return the calls of layers that happen when ``layer`` is called in inference, in order, and what comes out.

    Nothing is built or computed where shapes are known: in graphs, and of layers with a ``compute_output_shape``.

    Parameters
    ----------
    layer : Layer or model
    inputs : SymbolicTensor, or nested lists and dicts of them
        Their shapes have None for the batch.

    Returns
    -------
    list of Call
    outputs : SymbolicTensor, or nested lists and dicts of them
    """
    calls = []
    return calls, _follow(layer, (inputs,), {}, None, (), calls)


def copy_of(layer):
    """Return a layer like this one, without weights."""
    return type(layer).from_config(layer.get_config())


def _follow(layer, args, kwargs, declared, path, calls):
    """Add the calls inside a call of ``layer``, and return what it gives.

    ``declared`` is what it gives in the graph around it, if that is known for inputs of these shapes.
    """
    if getattr(layer, "_runs_chain", False):
        (x,) = args
        for inner, known in zip(layer.layers, _chain(layer, x), strict=True):
            x = _follow(inner, (x,), {}, known, (*path, layer), calls)
        return x
    graph = getattr(layer, "_inference_graph", None)
    if graph is not None and len(args) == 1:
        return _follow_graph(graph, args[0], (*path, layer), calls)
    outputs = _infer(layer, args, kwargs) if declared is None else declared
    outputs = map_structure(lambda y: SymbolicTensor((None, *y.shape[1:]), y.dtype), outputs)
    calls.append(Call(layer, args, kwargs, outputs, path))
    return outputs


def _chain(model, x):
    """What each layer of a Sequential gives if it was built for this input, else None for each."""
    known = model.built and _like(x, model.input)
    return model._symbols if known else [None] * len(model.layers)


def _like(x, declared):
    return tuple(x.shape[1:]) == tuple(declared.shape[1:])


def _follow_graph(graph, inputs, path, calls):
    given = graph.flatten(inputs)
    for layer, x in zip(graph.input_layers, given, strict=True):
        layer.compute_output_shape((layer.batch_size, *x.shape[1:]))  # raises where it does not fit
    known = {id(x): y for x, y in zip(graph.flat_inputs, given, strict=True)}

    def look_up(tensor):
        return known[id(tensor)]

    for node in graph.calls:
        args, kwargs = replace_symbolic(node.args, look_up), replace_symbolic(node.kwargs, look_up)
        as_declared = all(_like(look_up(x), x) for x in node.input_tensors)
        results = _follow(node.layer, args, kwargs, node.outputs if as_declared else None, path, calls)
        known.update((id(y), new) for y, new in zip(node.output_tensors, flatten_structure(results), strict=True))
    outputs = replace_symbolic(graph.outputs, look_up)
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def _infer(layer, args, kwargs):
    """Symbolic tensors for what a layer gives: as it says itself, else by running a small batch of zeros."""
    says_shape = type(layer).compute_output_shape is not Layer.compute_output_shape
    if says_shape and len(args) == 1 and not has_symbolic(kwargs):
        shapes = layer.compute_output_shape(map_structure(lambda x: x.shape, args[0]))
        return map_structure(lambda shape: SymbolicTensor(shape, layer.dtype), shapes, is_shape)
    if not layer.built:
        layer = copy_of(layer)  # running builds it
    first, *rest = args
    return layer._specify(first, tuple(rest), kwargs)
