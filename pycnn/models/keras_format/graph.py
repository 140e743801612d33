"""Functional models as Keras writes them: each layer with its calls, whose tensors are named by where they come from.

A tensor is [name of the layer, number of its call, number of the output]. Where such a triple says what the model's
outputs are, calls of functional models count from 1.
"""

from pycnn.layers.input import InputLayer
from pycnn.layers.operation import Operation
from pycnn.layers.structure import flatten_structure, map_structure
from pycnn.layers.symbolic import replace_symbolic
from pycnn.models.keras_format import operations
from pycnn.registration import lookup


def is_functional(layer):
    """Whether ``layer`` is a model made of symbolic inputs and outputs."""
    return getattr(layer, "_graph", None) is not None


def write_graph(model, write_layer, write_config):
    """Return ``layers``, ``input_layers`` and ``output_layers`` of a functional model's configuration."""
    graph = model._graph
    inside = set(graph.nodes)
    calls = {layer: [node for node in layer._nodes if node in inside] for layer in graph.layers}
    history = {
        id(tensor): [layer.name, number, i]
        for layer, nodes in calls.items()
        for number, node in enumerate(nodes)
        for i, tensor in enumerate(node.output_tensors)
    }
    history |= {id(x): [layer.name, 0, 0] for x, layer in zip(graph.flat_inputs, graph.input_layers, strict=True)}
    functional = {layer.name for layer in graph.layers if is_functional(layer)}

    def tensor_of(x):
        config = {"shape": list(x.shape), "dtype": x.dtype, "keras_history": history[id(x)]}
        return {"class_name": "__keras_tensor__", "config": config}

    def end(x):
        name, number, i = history[id(x)]
        return [name, number + (name in functional), i]

    def written(value):
        return write_config(replace_symbolic(value, tensor_of))

    layers = []
    for layer in graph.layers:
        if isinstance(layer, Operation):
            described, calls_of = operations.write_operation(layer, calls[layer])
        else:
            described, calls_of = write_layer(layer), [(node.args, node.kwargs) for node in calls[layer]]
        inbound = [
            {"args": [written(v) for v in args], "kwargs": {key: written(v) for key, v in kwargs.items()}}
            for args, kwargs in calls_of
            if args
        ]
        layers.append({**described, "name": layer.name, "inbound_nodes": inbound})
    return {
        "layers": layers,
        "input_layers": map_structure(end, graph.inputs),
        "output_layers": map_structure(end, graph.outputs),
    }


def read_graph(config, cls, read):
    """Make the functional model that a configuration describes. ``read`` makes layers of their descriptions."""
    config = dict(config)
    described = {layer["name"]: layer for layer in config.pop("layers")}
    made = {name: operations.read_operation(layer) or read(layer) for name, layer in described.items()}
    results = {name: [] for name in described}  # name -> outputs of its calls, each a flat list
    for name, layer in made.items():
        if isinstance(layer, InputLayer):
            results[name].append([layer.output])
    waiting = {name: list(layer["inbound_nodes"]) for name, layer in described.items()}

    def tensor_at(history):
        name, number, i = history
        if name not in results:
            raise ValueError(f"A call has a tensor of a layer that is not in the model. Received: layer={name!r}")
        return results[name][number][i]

    while any(waiting.values()):
        before = sum(map(len, waiting.values()))
        for name, calls in waiting.items():
            while calls:
                try:
                    args, kwargs = _arguments(calls[0], read, tensor_at)
                except IndexError:  # a call that comes later
                    break
                outputs = made[name](*args, **kwargs)
                results[name].append(flatten_structure(outputs))
                calls.pop(0)
        if sum(map(len, waiting.values())) == before:
            stuck = [name for name, calls in waiting.items() if calls]
            raise ValueError(f"The layers of the graph need each other in a circle. Received: layers {stuck}")

    def end(triple):
        name, number, i = triple
        return tensor_at([name, number - is_functional(made.get(name)), i])

    ends = [_ends(config.pop(key), end) for key in ("input_layers", "output_layers")]
    return cls(inputs=ends[0], outputs=ends[1], **config)


def _arguments(call, read, tensor_at):
    """The arguments of one call, symbolic tensors in their places."""

    def fill(value):
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                return tensor_at(value["config"]["keras_history"])
            if "class_name" in value:
                return read(value)
            return {key: fill(item) for key, item in value.items()}
        return [fill(item) for item in value] if isinstance(value, list) else value

    if isinstance(call, list):  # as versions before 3 wrote it: [[layer, call, output, keyword arguments], ...]
        inputs = [tensor_at(history[:3]) for history in call]
        kwargs = {key: value for history in call for key, value in (history[3] if len(history) > 3 else {}).items()}
        return [inputs[0] if len(inputs) == 1 else inputs], kwargs
    kwargs = {key: fill(value) for key, value in call["kwargs"].items()}
    return fill(call["args"]), {k: v for k, v in kwargs.items() if v is not None or k not in ("mask", "training")}


def _ends(value, end):
    """The model's inputs or outputs: triples in nested lists and dicts."""
    if isinstance(value, dict):
        return {key: _ends(item, end) for key, item in value.items()}
    if len(value) == 3 and isinstance(value[0], str):
        return end(value)
    return [_ends(item, end) for item in value]


def model_class():
    """The class of functional models."""
    return lookup("Model", "models")
