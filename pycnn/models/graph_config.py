"""Graphs as JSON, and back: the layers, the calls in an order in which they can be made, and what goes where.

A tensor is written as ``{"tensor": [call, output]}``, both counted from 0; an Input is a call without arguments.
What JSON lacks, and operations are called with, is marked by one key: ``{"tuple": [...]}``, ``{"slice": [...]}``,
``{"array": ..., "dtype": ...}`` and so on.
"""

import numpy as np

from pycnn.autograd import Tensor, Variable
from pycnn.layers.base import Layer, serialize_layer
from pycnn.layers.input import InputLayer
from pycnn.layers.structure import flatten_structure
from pycnn.layers.symbolic import SymbolicTensor, replace_symbolic
from pycnn.registration import deserialize, serialize


def write_graph(graph):
    """Return a Graph as JSON values: ``layers``, ``calls``, ``inputs`` and ``outputs``."""
    numbers = {node: i for i, node in enumerate(graph.nodes)}

    def write(value):
        return _write(value, graph, numbers)

    return {
        "layers": [serialize_layer(layer) for layer in graph.layers],
        "calls": [
            {"layer": node.layer.name, "args": [write(a) for a in node.args], "kwargs": write(node.kwargs)["dict"]}
            for node in graph.nodes
        ],
        "inputs": write(graph.inputs),
        "outputs": write(graph.outputs),
    }


def read_graph(config):
    """Make the layers and call them as ``write_graph`` wrote; return the symbolic inputs and outputs.

    Raises
    ------
    ValueError
        If the calls name what is not there.
    """
    layers = {}
    for item in config["layers"]:
        layer = deserialize(item)
        if not isinstance(layer, Layer):
            raise ValueError(f"The layers of a graph must be layers. Received: {layer!r}")
        layers[layer.name] = layer
    results = []
    try:
        for call in config["calls"]:
            layer = layers[call["layer"]]
            if isinstance(layer, InputLayer):
                results.append([layer.output])
            else:
                args, kwargs = _read(call["args"], results), {k: _read(v, results) for k, v in call["kwargs"].items()}
                results.append(flatten_structure(layer(*args, **kwargs)))
        return _read(config["inputs"], results), _read(config["outputs"], results)
    except (KeyError, IndexError) as error:
        raise ValueError(f"The graph is damaged: it names {error}, which is not there") from error


def replay(graph, copies, inputs=None):
    """Make the calls of a graph with other layers, a dict layer -> layer; return the symbolic inputs and outputs.

    ``inputs`` are symbolic tensors to use in the place of the graph's own Inputs, one for each.
    """
    known = {}
    starts = inputs or [copies[layer].output for layer in graph.input_layers]
    known.update((id(x), start) for x, start in zip(graph.flat_inputs, starts, strict=True))

    def look_up(tensor):
        return known[id(tensor)]

    for node in graph.nodes:
        if not isinstance(node.layer, InputLayer):
            args, kwargs = replace_symbolic(node.args, look_up), replace_symbolic(node.kwargs, look_up)
            results = flatten_structure(copies[node.layer](*args, **kwargs))
            known.update((id(y), new) for y, new in zip(node.output_tensors, results, strict=True))
    return replace_symbolic(graph.inputs, look_up), replace_symbolic(graph.outputs, look_up)


def _write(value, graph, numbers):
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, SymbolicTensor):
        node = graph.producer(value)
        outputs = [value] if isinstance(node.layer, InputLayer) else node.output_tensors
        return {"tensor": [numbers[node], next(i for i, y in enumerate(outputs) if y is value)]}
    if type(value) is list:
        return [_write(item, graph, numbers) for item in value]
    if type(value) is tuple:
        return {"tuple": [_write(item, graph, numbers) for item in value]}
    if isinstance(value, dict):
        return {"dict": {key: _write(item, graph, numbers) for key, item in value.items()}}
    if isinstance(value, slice):
        return {"slice": [_write(part, graph, numbers) for part in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    if isinstance(value, Variable):
        raise ValueError(
            "An operation on a weight cannot be saved: use the weight inside of a layer of your own. "
            f"Received: weight {value.name!r} of shape {value.shape}"
        )
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        array = np.asarray(value)
        return {"array": array.tolist(), "dtype": array.dtype.name, "shape": list(array.shape)}
    if isinstance(value, (np.dtype, type)):
        return np.dtype(value).name
    return {"object": serialize(value)}


def _read(value, results):
    if isinstance(value, list):
        return [_read(item, results) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        call, output = value["tensor"]
        return results[call][output]
    if "tuple" in value:
        return tuple(_read(item, results) for item in value["tuple"])
    if "dict" in value:
        return {key: _read(item, results) for key, item in value["dict"].items()}
    if "slice" in value:
        return slice(*(_read(part, results) for part in value["slice"]))
    if "ellipsis" in value:
        return Ellipsis
    if "array" in value:
        return np.array(value["array"], value["dtype"]).reshape(value["shape"])
    return deserialize(value["object"])
