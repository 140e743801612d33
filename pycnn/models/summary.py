"""The table that ``model.summary()`` prints."""

import math
import re

import numpy as np

from pycnn.explain.explanation import declared_shapes, step_of, trace_shapes
from pycnn.layers.base import Layer
from pycnn.layers.input import InputLayer
from pycnn.layers.operation import type_name
from pycnn.layers.structure import flatten_structure, is_shape, map_structure


class Cost:
    """What the calls of a layer cost for one input: multiply-adds, bytes of outputs, and the names of those inside
    whose multiply-adds are not known.
    """

    def __init__(self):
        self.multiply_adds = self.output_bytes = 0
        self.uncounted = []

    def add(self, step, output_bytes):
        """Add a call."""
        self.output_bytes += output_bytes
        if step.multiply_adds is None:
            self.uncounted.append(step.name)
        else:
            self.multiply_adds += step.multiply_adds


def summary_text(model, line_length=None, expand_nested=False, show_trainable=False, layer_range=None, expand=False):
    """Return the table of a model's layers: names, output shapes, numbers of parameters, and how they are connected.

    Parameters
    ----------
    model : Model
    line_length : int, optional
        Width of the table; as wide as its contents need unless given.
    expand_nested : bool
        Show the layers inside of layers, too.
    show_trainable : bool
        Show which layers optimizers change.
    layer_range : pair of str, optional
        Show the layers from one to another: names, or regular expressions that they match.
    expand : bool
        Show multiply-adds, and the memory of outputs and weights.
    """
    headers = ["Layer (type)", "Output Shape", "Param #"]
    graph = model._graph
    connections = None if graph is None or _is_chain(graph) else _connections(graph)
    costs = _costs(model) if expand else None
    headers += ["Multiply-Adds", "Output Memory", "Weight Memory"] if expand else []
    right = range(2, len(headers))
    headers += ["Connected to"] if connections is not None else []
    headers += ["Trainable"] if show_trainable else []
    shown = _in_range(model.operations, layer_range)
    rows = list(_rows(model, shown, connections, expand_nested, show_trainable, costs))
    widths = [
        max([len(header), *(len(line) for row in rows for line in row[i])]) + 2 for i, header in enumerate(headers)
    ]
    if line_length is not None:
        widths[0] = max(widths[0], line_length - sum(widths[1:]) - len(widths) - 1)
    lines = [
        f'Model: "{model.name}"',
        _rule(widths, "┏┳┓", "━"),
        *_lines([[header] for header in headers], widths, "┃", right),
        _rule(widths, "┡╇┩", "━"),
    ]
    for i, row in enumerate(rows):
        lines += ([_rule(widths, "├┼┤", "─")] if i else []) + _lines(row, widths, "│", right)
    lines.append(_rule(widths, "└┴┘", "─"))
    counts = {
        "Total params": model.weights,
        "Trainable params": model.trainable_weights,
        "Non-trainable params": model.non_trainable_weights,
    }
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and getattr(optimizer, "variables", None):
        counts["Optimizer params"] = optimizer.variables
    lines += [_count(label, weights) for label, weights in counts.items()]
    if expand:
        lines += _totals(model, costs)
    return "\n".join(lines)


def _costs(model):
    """A dict layer -> Cost of the layers in a model, and of those inside of them; empty if its input is not known."""
    shapes = declared_shapes(model)
    if shapes is None or any(None in shape for shape in flatten_structure(shapes, is_shape)):
        return {}
    calls, _ = trace_shapes(model, shapes)
    costs = {}
    for call in calls:
        outputs = flatten_structure(call.outputs)
        size = sum(math.prod(y.shape[1:]) * np.dtype(y.dtype).itemsize for y in outputs)
        step = step_of(call)
        for layer in (*call.path, call.layer):
            costs.setdefault(layer, Cost()).add(step, size)
    return costs


def _cost_cells(model, layer, costs):
    """Multiply-adds and two sizes of memory as cells, "-" where a layer is not computed in inference."""
    if isinstance(layer, InputLayer):
        return [["-"]] * 3
    weights = _bytes(_size(layer.weights))
    if layer not in costs:
        unknown = ["-" if costs and model._graph is not None else "?"]
        return [unknown, unknown, [weights]]
    cost = costs[layer]
    return [["?" if cost.uncounted else f"{cost.multiply_adds:,}"], [_bytes(cost.output_bytes)], [weights]]


def _totals(model, costs):
    """Lines below the table; those of layers that nothing is known of are named."""
    if model not in costs:
        return [" Multiply-adds and memory of outputs: not known, as the shape of the input is not"]
    cost = costs[model]
    without = f", not counting {', '.join(cost.uncounted)}" if cost.uncounted else ""
    return [
        f" Multiply-adds for one input: {cost.multiply_adds:,} ({_short(cost.multiply_adds)}){without}",
        f" Memory of all outputs for one input: {_bytes(cost.output_bytes)}",
    ]


def _rows(model, layers, connections, expand_nested, show_trainable, costs, indent=""):
    """Rows of cells, each cell a list of lines."""
    shapes = _output_shapes(model)
    for layer in layers:
        row = [
            [f"{indent}{layer.name} ({type_name(layer)})"],
            [_shape(shapes[layer] if layer in shapes else _own_shape(layer))],
            [f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"],
        ]
        if costs is not None:
            row += _cost_cells(model, layer, costs)
        if connections is not None:
            row.append(connections.get(layer) or ["-"])
        if show_trainable:
            row.append(["-" if not layer.weights else "Y" if layer.trainable else "N"])
        yield row
        if expand_nested and hasattr(layer, "layers"):
            inner = None if connections is None else {}
            yield from _rows(layer, layer.operations, inner, expand_nested, show_trainable, costs, indent + "  ")


def _output_shapes(model):
    """A dict layer -> shape of what it gives in this model, for models that know it."""
    if model._graph is not None:
        return {node.layer: map_structure(lambda y: y.shape, node.outputs) for node in reversed(model._graph.nodes)}
    if getattr(model, "_symbols", None) and model.built:
        outputs = zip(model._after_input, model._symbols, strict=True)
        return {layer: map_structure(lambda y: y.shape, symbol) for layer, symbol in outputs}
    return {}


def _own_shape(layer):
    """What a layer gives for the shape it was built for, if it tells."""
    if layer._build_shape is None or type(layer).compute_output_shape is Layer.compute_output_shape:
        return None
    return layer.compute_output_shape(layer._build_shape)


def _is_chain(graph):
    """Whether layers follow one another, each used once: then the order of the rows says it all."""
    return len(graph.nodes) == len(graph.layers) and all(
        len(node.input_tensors) < 2 and (not i or graph.producer(node.input_tensors[0]) is graph.nodes[i - 1])
        if node.input_tensors
        else not i
        for i, node in enumerate(graph.nodes)
    )


def _connections(graph):
    """A dict layer -> lines ``name[call][output]`` of all that its calls take."""
    calls, found = {}, {}
    numbers = {}
    for node in graph.nodes:
        numbers[node] = calls[node.layer] = calls.get(node.layer, -1) + 1
        lines = found.setdefault(node.layer, [])
        for x in node.input_tensors:
            parent = graph.producer(x)
            output = next((i for i, y in enumerate(parent.output_tensors) if y is x), 0)
            lines.append(f"{parent.layer.name}[{numbers[parent]}][{output}]")
    return {layer: [f"{line}," for line in lines[:-1]] + lines[-1:] for layer, lines in found.items()}


def _in_range(layers, layer_range):
    if layer_range is None:
        return layers
    first, last = layer_range
    starts = [i for i, layer in enumerate(layers) if layer.name == first or re.match(first, layer.name)]
    ends = [i for i, layer in enumerate(layers) if layer.name == last or re.match(last, layer.name)]
    if not starts or not ends or starts[0] > ends[-1]:
        raise ValueError(f"layer_range must name a first and a last layer. Received: layer_range={layer_range!r}")
    return layers[starts[0] : ends[-1] + 1]


def _shape(shape):
    if shape is None:
        return "?"
    if is_shape(shape):
        return str(tuple(shape))
    return ", ".join(str(tuple(s)) for s in flatten_structure(shape, is_shape))


def _rule(widths, corners, dash):
    left, middle, right = corners
    return left + middle.join(dash * w for w in widths) + right


def _lines(cells, widths, bar, right):
    """A row, of as many lines as its highest cell; the columns whose numbers are in ``right`` are flush right."""
    height = max(map(len, cells))
    lines = []
    for i in range(height):
        texts = [cell[i] if i < len(cell) else "" for cell in cells]
        padded = [
            f"{text} ".rjust(width) if n in right else f" {text}".ljust(width)
            for n, (text, width) in enumerate(zip(texts, widths, strict=True))
        ]
        lines.append(bar + bar.join(padded) + bar)
    return lines


def _count(label, weights):
    return f" {label}: {sum(w.size for w in weights):,} ({_bytes(_size(weights))})"


def _size(weights):
    """Bytes of weights."""
    return sum(w.size * w.dtype.itemsize for w in weights)


def _bytes(size):
    """A size of memory as 1.50 MB."""
    size = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"


def _short(number):
    """A large number as 1.58 G."""
    for unit, factor in (("G", 1e9), ("M", 1e6), ("K", 1e3)):
        if number >= factor:
            return f"{number / factor:.2f} {unit}"
    return str(number)
