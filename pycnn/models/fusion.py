"""Neighbours in a model that are computed in one pass over memory: convolution, batch norm, sum, activation.

A convolution adds the residual and applies the activation while its sums are in registers. Outside of training, where
no gradient is recorded, the batch norm behind it is part of its filters: ``w * s`` and ``beta + (bias - mean) * s``, by
channel, with ``s = gamma / sqrt(variance + epsilon)``. In training, where the statistics are those of the batch, batch
norm, sum and activation are one pass forward and one backward. Layers that compute in float16 or bfloat16 are fused if
the backend has kernels for these: else each of them rounds what it gives.
"""

from collections import Counter

from pycnn import ops
from pycnn.autograd import autocast, autocast_dtype, is_grad_enabled
from pycnn.backend import get_backend
from pycnn.backend.names import FUSED_ACTIVATIONS
from pycnn.backend.recorded import is_recording
from pycnn.backend.recording import of_weights_alone
from pycnn.layers.activation import Activation, ReLU
from pycnn.layers.conv import Conv2D
from pycnn.layers.depthwise import DepthwiseConv2D
from pycnn.layers.merge import Add
from pycnn.layers.norm import BatchNormalization

_NEXT = {  # what may stand behind what, each kind once
    "conv": ("norm", "add", "activation"),
    "depthwise": ("norm", "activation"),
    "norm": ("add", "activation"),
    "add": ("activation",),
}
_KINDS = {
    Conv2D: "conv",
    DepthwiseConv2D: "depthwise",
    BatchNormalization: "norm",
    Add: "add",
    Activation: "activation",
    ReLU: "activation",
}


class Fused:
    """Layers one after another, as one: convolution, batch norm, sum, activation; what is not there is None.

    Parameters
    ----------
    layers : list of Layer
        In this order; at least two.
    """

    def __init__(self, layers):
        self.layers = layers
        by_kind = {_KINDS[type(layer)]: layer for layer in layers}
        self._conv = by_kind.get("conv") or by_kind.get("depthwise")
        self._norm, self._add = by_kind.get("norm"), by_kind.get("add")
        self._activation = _name_of(by_kind.get("activation"))
        self._folded = None  # versions of the weights, kernel, bias

    def __call__(self, x, residual=None):
        """Compute what the layers would, one after another; ``residual`` is the other term of the sum."""
        is_masked = x.mask is not None or (residual is not None and residual.mask is not None)
        listened_to = any("call" in vars(layer) for layer in self.layers)
        if is_masked or listened_to or not self._rounds_as_whole(autocast_dtype()):
            return self._one_by_one(x, residual)
        conv, norm = self._conv, self._norm
        if norm is None or (conv is not None and not norm.uses_batch() and not is_grad_enabled()):
            try:
                kernel, bias = (conv.kernel, conv.bias) if norm is None else self._fold()
                return conv.convolve(conv.admit(x), kernel, bias, self._activation, residual)
            except (ValueError, TypeError) as error:
                conv._put_name_on(error)
                raise
        return norm.normalize(norm.admit(x if conv is None else conv(x)), norm.uses_batch(), residual, self._activation)

    def _rounds_as_whole(self, half):
        """Whether all layers compute in the dtype that rules here, and kernels do: others enter and leave their own."""
        if any(layer.dtype_policy.half is not half for layer in self.layers):
            return False
        return half is None or get_backend().half_wide

    def _one_by_one(self, x, residual):
        for layer in self.layers:
            x = layer([x, residual]) if layer is self._add else layer(x)
        return x

    def _fold(self):
        """The kernel and bias of the convolution with the batch norm in them; a plan keeps them itself."""
        conv, norm = self._conv, self._norm
        if is_recording():
            self._folded = None
            return of_weights_alone(self._compute_fold)
        versions = [w.version for layer in (conv, norm) for w in layer.weights]
        if self._folded is None or self._folded[0] != versions:
            self._folded = (versions, *self._compute_fold())
        return self._folded[1:]

    def _compute_fold(self):
        conv, norm = self._conv, self._norm
        with autocast(None):
            scale = ops.rsqrt(norm.moving_variance + norm.epsilon)
            if norm.gamma is not None:
                scale = norm.gamma * scale
            shift = -norm.moving_mean if conv.bias is None else conv.bias - norm.moving_mean
            bias = shift * scale if norm.beta is None else norm.beta + shift * scale
            folded = conv.kernel * ops.reshape(scale, conv.scale_shape()), bias
            return tuple(ops.cast(x, conv.compute_dtype) for x in folded)

    def _put_name_on(self, error):
        self.layers[-1]._put_name_on(error)


class _Node:
    """A call of several layers at once, in place of the nodes of a graph."""

    def __init__(self, nodes, residual):
        first, last = nodes[0], nodes[-1]
        self.layer = Fused([node.layer for node in nodes])
        self.args = (*first.args, *residual)
        self.kwargs = {}
        self.input_tensors = list(self.args)
        self.outputs, self.output_tensors = last.outputs, last.output_tensors


def fuse_nodes(nodes, outputs):
    """Return the nodes of a graph, in an order in which they can be computed, with chains of layers as one node."""
    consumers = {}
    uses = Counter(id(y) for y in outputs)
    for node in nodes:
        for x in node.input_tensors:
            consumers[id(x)] = node
            uses[id(x)] += 1
    taken, at = set(), {}
    for node in nodes:
        if node in taken or not _is_plain(node):
            continue
        chain, residual = [node], ()
        while _KINDS[type(chain[-1].layer)] in _NEXT and uses[id(chain[-1].outputs)] == 1:
            following = consumers.get(id(chain[-1].outputs))
            if following is None or following in taken or not _may_follow(chain[-1], following):
                break
            if type(following.layer) is Add:
                residual = [x for x in following.args[0] if x is not chain[-1].outputs]
            chain.append(following)
        if len(chain) > 1 and _KINDS[type(node.layer)] in ("conv", "depthwise", "norm"):
            taken.update(chain)
            at[chain[-1]] = _Node(chain, residual)
    return [at.get(node, node) for node in nodes if node in at or node not in taken]


def fuse_steps(steps):
    """Return the steps of a sequence with chains of layers as one step."""
    fused, chain = [], []
    for step in (*steps, None):
        if chain and (type(step) not in _KINDS or not _is_alone(step) or not _may_stand_behind(chain[-1], step)):
            fused.append(Fused(chain) if len(chain) > 1 else chain[0])
            chain = []
        if step is not None:
            if chain or (_KINDS.get(type(step)) in ("conv", "depthwise", "norm") and _is_alone(step)):
                chain.append(step)
            else:
                fused.append(step)
    return fused


def _is_plain(node):
    """Whether it is a call of one tensor, or of two that are added, of a layer that can be part of a chain."""
    if type(node.layer) not in _KINDS or node.kwargs or len(node.args) != 1 or not _is_alone(node.layer):
        return False
    if type(node.layer) is not Add:
        return True
    shapes = [x.shape for x in node.input_tensors]
    return len(shapes) == 2 and shapes[0] == shapes[1] and node.input_tensors[0] is not node.input_tensors[1]


def _is_alone(layer):
    """Whether the layer's output is of no interest to anybody but the next layer, unrounded, and its channels last."""
    if layer.activity_regularizer is not None:
        return False
    kind = _KINDS[type(layer)]
    if kind in ("conv", "depthwise"):
        return not layer._first
    if kind == "norm":
        return layer.axis == -1 or layer.axis == layer.input_spec.ndim - 1 if layer.built else layer.axis == -1
    return kind == "add" or _name_of(layer) is not None


def _may_follow(node, following):
    return _is_plain(following) and _may_stand_behind(node.layer, following.layer)


def _may_stand_behind(layer, following):
    if getattr(layer, "activation", None) is not None or layer.dtype != following.dtype:
        return False
    return _KINDS[type(following)] in _NEXT.get(_KINDS[type(layer)], ())


def _name_of(layer):
    """The fused activation that a layer is, or None."""
    if type(layer) is ReLU:
        usual = layer.negative_slope == 0 and layer.threshold == 0
        return {None: "relu", 6.0: "relu6"}.get(layer.max_value) if usual else None
    name = None if layer is None else layer.activation
    return name if isinstance(name, str) and name in FUSED_ACTIVATIONS else None
