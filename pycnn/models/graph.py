"""The graph of layers between symbolic inputs and outputs: found once, put in order, and run as a list of steps."""

import operator

from pycnn.layers.base import Layer
from pycnn.layers.input import InputLayer
from pycnn.layers.operation import Operation
from pycnn.layers.structure import flatten_structure, is_shape, map_structure, sorted_keys
from pycnn.layers.symbolic import SymbolicTensor, replace_symbolic
from pycnn.models.fusion import fuse_nodes
from pycnn.ops.symbolic import has_symbolic


class Graph:
    """What ``Model(inputs, outputs)`` computes.

    Parameters
    ----------
    inputs, outputs : SymbolicTensor, or nested lists, tuples and dicts of them
        ``inputs`` may also be tensors inside a larger graph: this one begins there.

    Attributes
    ----------
    flat_inputs, flat_outputs : list of SymbolicTensor
    input_layers : list of InputLayer
        One for each of ``flat_inputs``.
    layers : list of Layer
        Input layers and operations among them, in Keras's order: by their distance from the outputs.
    nodes : list of Node
        The calls of layers, in an order in which they can be computed.
    """

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs
        self.flat_inputs = _symbolic_tensors("inputs", inputs)
        self.flat_outputs = _symbolic_tensors("outputs", outputs)
        if len({id(x) for x in self.flat_inputs}) < len(self.flat_inputs):
            raise ValueError(f"inputs must be different tensors. Received: inputs={inputs}")
        self.input_layers = [_input_layer(x) for x in self.flat_inputs]
        self._given = {id(x): layer._nodes[0] for x, layer in zip(self.flat_inputs, self.input_layers, strict=True)}
        self._order()
        self._prepare()

    def producer(self, tensor):
        """Return the node of this graph that gives a symbolic tensor."""
        return self._given.get(id(tensor)) or tensor.node

    # Finding and sorting the nodes

    def _order(self):
        """Sort nodes and layers by depth, the longest way to an output, as Keras does."""
        order, first_visit = self._walk()
        depths, layer_depths = {}, {}
        for node in reversed(order):
            depth = max(depths.get(node, 0), layer_depths.get(node.layer, 0))
            depths[node] = layer_depths[node.layer] = depth
            for tensor in node.input_tensors:
                parent = self.producer(tensor)
                depths[parent] = max(depth + 1, depths.get(parent, 0))
        for layer in self.input_layers:
            if layer not in layer_depths:  # nothing depends on it
                depths[layer._nodes[0]], layer_depths[layer], first_visit[layer] = 0, 0, -1
        self.nodes = sorted(depths, key=lambda node: -depths[node])
        self.layers = sorted(layer_depths, key=lambda layer: (-layer_depths[layer], first_visit[layer]))
        names = [layer.name for layer in self.layers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"The layers of a model must have different names. Received: name={twice[0]!r} twice")

    def _walk(self):
        """Return the nodes, each behind all that it needs, and a dict layer -> number of its first visit.

        Depth first from the outputs, with a stack of its own, for graphs may be deeper than Python's stack.
        """
        begun, order, first_visit = set(), [], {}
        for output in self.flat_outputs:
            stack = [(output, None)]
            while stack:
                tensor, parents = stack.pop()
                node = self.producer(tensor)
                if parents is None:
                    if node in begun:
                        continue
                    begun.add(node)
                    first_visit.setdefault(node.layer, len(first_visit))
                    if isinstance(node.layer, InputLayer) and node.layer not in self.input_layers:
                        self._raise_disconnected(node.layer, output)
                    parents = iter(node.input_tensors)
                parent = next(parents, None)
                if parent is None:
                    order.append(node)
                else:
                    stack += [(tensor, parents), (parent, None)]
        return order, first_visit

    def _raise_disconnected(self, layer, output):
        raise ValueError(
            f"The graph is disconnected: the output of layer {output.name!r} depends on the Input {layer.name!r}, "
            f"which is not among inputs. Received: inputs={[x.name for x in self.flat_inputs]}"
        )

    # Running

    def _prepare(self):
        """Make the steps: for each call the function, what fills in its arguments, and where its results go."""
        places = {id(x): i for i, x in enumerate(self.flat_inputs)}
        self.calls = [node for node in self.nodes if not isinstance(node.layer, InputLayer)]
        calls = fuse_nodes(self.calls, self.flat_outputs)
        for node in calls:
            for tensor in node.output_tensors:
                places.setdefault(id(tensor), len(places))
        last_use = {}
        for i, node in enumerate(calls):
            last_use |= {places[id(x)]: i for x in (*node.output_tensors, *node.input_tensors)}
        for tensor in self.flat_outputs:
            last_use.pop(places[id(tensor)], None)
        self._steps = []
        for i, node in enumerate(calls):
            dead = tuple(place for place, last in last_use.items() if last == i)
            self._steps.append((node, *_fillers(node, places), _target(node, places), dead))
        self._places = len(places)
        self._pack = _filler(unwrap_single(self.outputs), places)
        self._one = self.input_layers[0] if isinstance(self.inputs, SymbolicTensor) else None

    def run(self, inputs):
        """Compute the outputs for ``inputs``, in the structure that ``outputs`` has."""
        values = [None] * self._places
        if self._one is not None and type(inputs) not in _STRUCTURES:
            values[0] = self._one(inputs)
        else:
            for i, (layer, x) in enumerate(zip(self.input_layers, self.flatten(inputs), strict=True)):
                values[i] = layer(x)
        call = None
        try:
            for call, function, fill, fill_more, fill_keywords, target, dead in self._steps:  # noqa: B007  call: below
                if fill_keywords is not None:
                    result = function(*[f(values) for f in fill_more], **{k: f(values) for k, f in fill_keywords})
                elif fill_more is not None:
                    result = function(*[f(values) for f in fill_more])
                else:
                    result = function(fill(values))
                if type(target) is int:
                    values[target] = result
                else:
                    for place, value in zip(target, flatten_structure(result), strict=True):
                        values[place] = value
                for place in dead:
                    values[place] = None
        except (ValueError, TypeError) as error:
            if call is not None:
                call.layer._put_name_on(error)
            raise
        return self._pack(values)

    def flatten(self, inputs):
        """Return the inputs in the order of ``flat_inputs``; a dict may name them where a list was declared."""
        declared = self.inputs
        names = [x.name for x in self.flat_inputs]
        if isinstance(inputs, dict):
            if isinstance(declared, dict):
                missing = [key for key in declared if key not in inputs]
                if not missing:
                    return [leaf for key in sorted_keys(declared) for leaf in _leaves(inputs[key], declared[key])]
            else:
                missing = [name for name in names if name not in inputs]
                if not missing:
                    return [inputs[name] for name in names]
            raise ValueError(f"The inputs {missing} are missing. Received: inputs with the keys {sorted_keys(inputs)}")
        flat = _leaves(inputs, declared)
        if len(flat) != len(names):
            raise ValueError(
                f"The model has {len(names)} inputs, {names}, and must be called on as many. "
                f"Received: {len(flat)} inputs"
            )
        return flat

    # Shapes

    def specify(self, inputs):
        """Return new symbolic tensors of the shapes and dtypes that the outputs have for these symbolic inputs."""
        flat = self.flatten(inputs)
        known = {}
        for layer, x, declared in zip(self.input_layers, flat, self.flat_inputs, strict=True):
            known[id(declared)] = SymbolicTensor(layer.compute_output_shape(x.shape), layer.dtype)
        if all(known[id(x)].shape == x.shape for x in self.flat_inputs):
            return map_structure(lambda y: SymbolicTensor(y.shape, y.dtype), unwrap_single(self.outputs))

        def look_up(tensor):
            return known[id(tensor)]

        for node in self.calls:
            first, *rest = replace_symbolic(node.args, look_up)
            results = node.layer._specify(first, tuple(rest), replace_symbolic(node.kwargs, look_up))
            known.update((id(y), new) for y, new in zip(node.output_tensors, flatten_structure(results), strict=True))
        outputs = replace_symbolic(unwrap_single(self.outputs), look_up)
        return map_structure(lambda y: SymbolicTensor(y.shape, y.dtype), outputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of each output, in the structure of ``outputs``."""
        inputs = map_structure(lambda shape: SymbolicTensor(shape, None), input_shape, is_shape)
        return map_structure(lambda y: y.shape, self.specify(inputs))


_STRUCTURES = (list, tuple, dict)


def _symbolic_tensors(argument, structure):
    flat = flatten_structure(structure)
    for x in flat:
        if not isinstance(x, SymbolicTensor):
            kind = " (give the layer's output)" if isinstance(x, Layer) else ""
            raise ValueError(
                f"{argument} must be symbolic tensors: what pycnn.Input(...) gives, and what layers called on it "
                f"give{kind}. Received: {argument} with {x!r}"
            )
    if not flat:
        raise ValueError(f"A model needs {argument}. Received: {argument}={structure!r}")
    return flat


def _input_layer(tensor):
    """The Input of a tensor; a new one if the tensor lies inside a larger graph."""
    layer = tensor.node.layer
    if isinstance(layer, InputLayer):
        return layer
    return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype)


def _leaves(value, declared):
    """Flatten what was given for a declared structure; where one tensor was declared, an array is a leaf."""
    if isinstance(declared, SymbolicTensor):
        if type(value) in (list, tuple) and len(value) == 1 and hasattr(value[0], "shape"):
            return [value[0]]
        return [value]
    if isinstance(value, (list, tuple)) and isinstance(declared, (list, tuple)) and len(value) == len(declared):
        return [leaf for v, d in zip(value, declared, strict=True) for leaf in _leaves(v, d)]
    if not isinstance(value, _STRUCTURES):
        return [value]
    if isinstance(value, dict) and isinstance(declared, dict) and set(declared) <= set(value):
        return [leaf for key in sorted_keys(declared) for leaf in _leaves(value[key], declared[key])]
    return flatten_structure(value)


def unwrap_single(outputs):
    """A list of one output is that output, as in Keras."""
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def _target(node, places):
    """Where the results go: one place, or several."""
    if isinstance(node.outputs, SymbolicTensor):
        return places[id(node.outputs)]
    return tuple(places[id(x)] for x in node.output_tensors)


def _fillers(node, places):
    """Return (function, of the only argument, of several arguments, of keyword arguments) of a call."""
    function = node.layer.run if isinstance(node.layer, Operation) else node.layer
    fillers = [_filler(value, places) for value in node.args]
    keywords = [(key, _filler(value, places)) for key, value in node.kwargs.items()] or None
    if keywords is None and len(fillers) == 1:
        return function, fillers[0], None, None
    return function, None, fillers, keywords


def _filler(value, places):
    """Return a function of all values that gives an argument: tensors in place of symbolic tensors."""
    if isinstance(value, SymbolicTensor):
        return operator.itemgetter(places[id(value)])
    if not has_symbolic(value):
        return lambda values: value
    if isinstance(value, dict):
        items = [(key, _filler(item, places)) for key, item in value.items()]
        return lambda values: {key: fill(values) for key, fill in items}
    kind, fillers = type(value), [_filler(item, places) for item in value]
    return lambda values: kind([fill(values) for fill in fillers])
