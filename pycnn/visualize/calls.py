"""The calls of layers that a model is made of, those of models inside it among them, and which leads to which."""

from typing import NamedTuple

from pycnn.layers import InputLayer, Layer
from pycnn.layers.structure import flatten_structure


class Call(NamedTuple):
    """One call of a layer."""

    layer: Layer
    outputs: object  # symbolic tensors, or None where they are not known
    groups: tuple  # names of the models around it


def collect_calls(model, expand_nested):
    """Return the calls of a model's layers, the edges between them, and which calls give its outputs.

    Parameters
    ----------
    model : Model
        Of one that is no graph all layers are there, each once, and neither edges nor outputs.
    expand_nested : bool
        Go into models inside of the model.

    Returns
    -------
    (list of Call, list of (int, int), list of int)
        Edges go from a call to a later one.
    """
    calls, edges = [], []
    outputs = _collect(model, None, expand_nested, (), calls, edges)
    return calls, edges, outputs


def _collect(model, sources, expand_nested, groups, calls, edges):
    """Add a model's calls and edges; ``sources`` are the calls that give its inputs, one for each, or None.

    Returns the calls that give its outputs, one for each.
    """

    def add(layer, parents, outputs):
        if expand_nested and not isinstance(layer, InputLayer) and graph_of(layer) is not None:
            return _collect(layer, parents, expand_nested, (*groups, layer.name), calls, edges)
        calls.append(Call(layer, outputs, groups))
        for parent in dict.fromkeys(parents):
            edges.append((parent, len(calls) - 1))
        return [len(calls) - 1] * len(flatten_structure(outputs))

    graph = graph_of(model)
    if graph is None:
        for layer in model.layers:
            add(layer, [], None)
        return []
    nodes, producer, inputs, outputs = graph
    given = {}
    if sources is not None:
        given = {id(x): source for x, source in zip(inputs, sources, strict=False)}
    made = {}
    for node in nodes:
        if isinstance(node.layer, InputLayer):
            if sources is None:
                made[node] = add(node.layer, [], node.outputs)
            continue
        parents = [_source(x, given, made, producer) for x in node.input_tensors]
        made[node] = add(node.layer, parents, node.outputs)
    return [_source(y, given, made, producer) for y in outputs]


def _source(tensor, given, made, producer):
    if id(tensor) in given:
        return given[id(tensor)]
    node = producer(tensor)
    place = next((i for i, y in enumerate(node.output_tensors) if y is tensor), 0)
    return made[node][place]


def graph_of(model):
    """Of a model that is a graph: its nodes in order, what gives each tensor, its inputs and outputs; else None."""
    graph = getattr(model, "_graph", None)
    if graph is not None:
        return graph.nodes, graph.producer, graph.flat_inputs, graph.flat_outputs
    if getattr(model, "_symbols", None) and model.built:
        nodes = [model.input.node, *(flatten_structure(symbol)[0].node for symbol in model._symbols)]
        return nodes, lambda tensor: tensor.node, model.inputs, model.outputs
    return None
