"""A model as a reader of papers sees it: a short list of stages, each with what is done and the size that comes out.

Every way from the input to the output leads through some calls: these part the model into single layers and blocks
(the dominators of the output: Lengauer & Tarjan, A fast algorithm for finding dominators in a flowgraph, 1979). What
repeats is one stage, with a number.
"""

import itertools
import re
from typing import NamedTuple

from pycnn.layers import InputLayer
from pycnn.layers.operation import Operation
from pycnn.layers.structure import flatten_structure
from pycnn.models.summary import type_name
from pycnn.visualize.calls import collect_calls

_MERGES = ("Add", "Concat", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Dot")
_LEFT_OUT = ("Norm", "Dropout", "Activation", "ReLU", "ELU", "Softmax", "Noise", "Random", "Rescaling", "Identity",
             "Flatten", "Padding", "Reshape", "Input")  # fmt: skip


class Stage(NamedTuple):
    """Layers that are drawn as one volume."""

    lines: tuple  # what is done, in words
    shape: tuple  # of what comes out, without the batch
    kind: str  # class of the layer that gives it
    times: int = 1
    strided: tuple = ()  # the lines with the strides, where those are left out of ``lines``


def find_stages(model):
    """Return the stages of a model, the input first; of several outputs the way to the first one.

    Activations, normalisation, dropout, padding and flattening are left out.

    Raises
    ------
    ValueError
        If the model is no graph of layers: a subclass of Model may do anything.
    """
    calls, edges, outputs = collect_calls(model, expand_nested=True)
    if not outputs:
        raise ValueError(
            "model must be a built Sequential, or a Model made of inputs and outputs. "
            f"Received: model={model.name!r}, a {type(model).__name__}"
        )
    graph = _Graph(calls, edges)
    chain = [outputs[0]]
    while graph.dominator[chain[-1]] is not None:
        chain.append(graph.dominator[chain[-1]])
    chain.reverse()
    stages = [Stage(("input",), _shape(calls[chain[0]]), "Input")]
    stages += _stages_along(graph, chain)
    return _fold(_join_separable(stages))


def _stages_along(graph, chain):
    """The stages between calls that follow one another."""
    stages = []
    for start, end in itertools.pairwise(chain):
        if len(graph.parents[end]) < 2:
            stages += _single(graph.calls[end])
        elif graph.goes_through_other_sizes(start, end):
            stages += _detour(graph, start, end)
        else:
            stages.append(_block(graph, start, end))
    return stages


def _detour(graph, start, end):
    """A block as those of a U-net: its longest way stage by stage, then what else is put together with that."""
    *others, longest = sorted(graph.parents[end], key=lambda parent: len(graph.way(start, parent)))
    sizes = " and ".join("×".join(map(str, _shape(graph.calls[other]))) for other in others)
    merge = type_name(graph.calls[end].layer)
    doing = "concatenated" if "Concat" in merge else merge.lower()
    last = Stage((f"{doing} with {sizes}",), _shape(graph.calls[end]), merge)
    return [*_stages_along(graph, [start, *graph.way(start, longest)]), last]


class _Graph:
    """Calls, what leads to each, and the last call that all ways to it go through: its dominator."""

    def __init__(self, calls, edges):
        self.calls = calls
        self.parents = [[] for _ in calls]
        for start, end in edges:
            self.parents[end].append(start)
        self.dominator, self._depth = [], []
        for parents in self.parents:  # calls come behind all that leads to them
            common = parents[0] if parents else None
            for parent in parents[1:]:
                common = self._common(common, parent)
            self.dominator.append(common)
            self._depth.append(0 if common is None else self._depth[common] + 1)

    def _common(self, a, b):
        while a != b:
            if a is None or b is None:
                return None
            if self._depth[a] >= self._depth[b]:
                a = self.dominator[a]
            else:
                b = self.dominator[b]
        return a

    def way(self, start, end):
        """The calls from ``start`` to ``end``, without the first; blocks inside of it count as their last call."""
        found = []
        while end != start and end is not None:
            found.append(end)
            end = self.dominator[end]
        return found[::-1]

    def goes_through_other_sizes(self, start, end):
        """Whether maps between two calls are of another size than at both of them, as in a U-net."""
        if start is None:
            return False
        known = [_shape(self.calls[i])[:-1] for i in (start, end)]
        sides = [_shape(self.calls[i])[:-1] for parent in self.parents[end] for i in self.way(start, parent)]
        return any(size not in known and any(n != 1 for n in size) for size in sides)


def _single(call):
    """The stage of one layer, in a list; none if it is left out."""
    line = layer_words(call.layer)
    if line is None:
        return []
    return [Stage((layer_words(call.layer, strides=False),), _shape(call), type_name(call.layer), 1, (line,))]


def _block(graph, start, end):
    """What lies between two calls, the second of which puts several ways together."""
    calls, merge = graph.calls, type_name(graph.calls[end].layer)
    if start is None:
        start = -1
    ways = [graph.way(start, parent) for parent in graph.parents[end]]

    def words(way, strides):
        lines = [layer_words(calls[i].layer, short=True, strides=strides) for i in way]
        return [line for line in lines if line is not None]

    if len(ways) == 2 and "Concat" not in merge:
        short, main = sorted(ways, key=lambda way: (len(words(way, True)), len(way)))
        shortcut = {"Add": "+ shortcut", "Multiply": "× gate"}.get(merge, merge.lower())
        if "Add" in merge and len(words(short, True)) <= 1:
            lines, strided = ((*words(main, s), shortcut) for s in (False, True))
            return Stage(tuple(lines), _shape(calls[end]), merge, 1, tuple(strided))
    lines, strided = (tuple(" → ".join(words(way, s)) or "as it is" for way in ways) for s in (False, True))
    ending = "concatenated" if "Concat" in merge else f"together: {merge.lower()}"
    return Stage((*lines, ending), _shape(calls[end]), merge, 1, (*strided, ending))


def _join_separable(stages):
    """A depthwise convolution and the 1 x 1 convolution behind it are one stage."""
    joined = []
    for stage in stages:
        before = joined[-1] if joined else None
        if before and before.kind == "DepthwiseConv2D" and stage.lines[0].startswith("1×1 conv"):
            strided = (*(before.strided or before.lines), *(stage.strided or stage.lines))
            joined[-1] = Stage((*before.lines, *stage.lines), stage.shape, stage.kind, 1, strided)
        else:
            joined.append(stage)
    return joined


def _fold(stages):
    """Stages that do the same to the same size become one, with their number; strides count only where one is alone."""
    folded = []
    for stage in stages:
        before = folded[-1] if folded else None
        if before and (before.lines, before.shape) == (stage.lines, stage.shape):
            folded[-1] = before._replace(times=before.times + 1)
        else:
            folded.append(stage)
    return [s if s.times > 1 else s._replace(lines=s.strided or s.lines) for s in folded]


def _shape(call):
    return tuple(flatten_structure(call.outputs)[0].shape[1:])


def layer_words(layer, short=False, strides=True):
    """Return what a layer does, as in "3×3 conv, 64, /2"; None if that is not drawn.

    In short, for layers inside a block, "3×3, 64, /2".
    """
    name = type_name(layer)
    if isinstance(layer, InputLayer) or any(word in name for word in _LEFT_OUT):
        return None
    if isinstance(layer, Operation):
        return name.lower() if any(word in name for word in _MERGES) else None
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"[123]D", "", name)).lower()
    if "Global" in name:
        return f"global {'max' if 'Max' in name else 'mean'}"
    if "Pool" in name:
        kind = next(word for word in ("max", "min", "average") if word in words)
        return _sized(layer.pool_size, kind if short else f"{kind} pool") + (_stride(layer) if strides else "")
    size = getattr(layer, "kernel_size", None)
    if size is not None:
        kind = {"conv": "" if short else "conv", "conv transpose": "up-conv", "depthwise conv": "depthwise"}
        line = _sized(size, kind.get(words, words))
        line += f", {layer.filters}" if hasattr(layer, "filters") else ""
        line += f", {layer.groups} groups" if getattr(layer, "groups", 1) > 1 else ""
        dilation = max(flatten_structure(getattr(layer, "dilation_rate", 1)))
        line += f", dilation {dilation}" if dilation > 1 else ""
        up = "×" if "Transpose" in name else "/"
        return line + (_stride(layer, up) if strides else "")
    if "UpSampling" in name:
        return "up-sampling, ×" + "×".join(dict.fromkeys(str(n) for n in flatten_structure(layer.size)))
    units = getattr(layer, "units", None)
    return words if units is None else f"{words}, {units}"


def _sized(size, words):
    size = flatten_structure(size)
    return f"{'×'.join(map(str, size))}{' ' * bool(words)}{words}"


def _stride(layer, sign="/"):
    strides = flatten_structure(layer.strides)
    if max(strides) == 1:
        return ""
    return f", {sign}" + (str(strides[0]) if len(set(strides)) == 1 else "×".join(map(str, strides)))
