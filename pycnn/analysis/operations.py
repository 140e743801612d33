"""What operations of pycnn.ops in a graph see of their inputs."""

import inspect

from pycnn.analysis.reach import WHOLE, moved, reach, sides, unite, windows
from pycnn.backend.geometry import is_integer
from pycnn.layers.operation import Operation

_ELEMENTWISE = {
    "absolute", "activation", "add", "cast", "celu", "clip", "cos", "divide", "dropout", "elu", "exp", "expm1",
    "exponential", "floor_divide", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "log",
    "log1p", "log_sigmoid", "maximum", "minimum", "mish", "mod", "multiply", "negative", "power", "reciprocal", "relu",
    "relu6", "rsqrt", "selu", "sigmoid", "sign", "silu", "sin", "soft_shrink", "softplus", "softsign", "sqrt", "square",
    "squareplus", "stop_gradient", "subtract", "tanh", "tanh_shrink", "threshold", "where",
}  # fmt: skip
_REDUCTIONS = {"max", "mean", "min", "prod", "std", "sum", "var"}
_ALL = {"flatten", "global_avg_pool2d", "global_max_pool2d", "global_min_pool2d", "ravel", "reshape"}
_POOLS = {"avg_pool2d", "max_pool2d", "min_pool2d"}


@reach.register
def _operation(layer: Operation, places):
    name = layer.function
    if name in _ELEMENTWISE:
        return unite(places)
    if name in _ALL:
        return WHOLE
    arguments = inspect.signature(layer.run).bind(*places.call.args, **places.call.kwargs)
    arguments.apply_defaults()
    given = arguments.arguments
    if name in _REDUCTIONS:
        kept = len(places.call.output_shape) == len(places.call.input_shape)
        return places.field if kept and places.is_channels(given["axis"]) else WHOLE
    if name == "concatenate" and places.is_channels(given["axis"]):
        return unite(places)
    if len(places.fields) == 1 and not places.channels_first:
        field = _of_images(name, given, places)
        if field is not None:
            return field
    raise ValueError(
        f"What the operation {name} sees of its input is not known. Received: operation {layer.name!r} in the graph"
    )


def _of_images(name, given, places):
    """The field of an operation on images or sequences, channels last; None if it is none of those known."""
    if name in _POOLS:
        strides = given["pool_size"] if given["strides"] is None else given["strides"]
        return windows(places, given["pool_size"], strides, 1, given["padding"])
    if name == "conv2d":
        kernel_size = tuple(given["kernel"].shape[:2])
        return windows(places, kernel_size, given["strides"], given["dilation_rate"], given["padding"])
    if name == "pad":
        return moved(places, _starts(given["pad_width"], places))
    if name == "getitem":
        return _sliced(given, places)
    return None


def _starts(pad_width, places):
    """Where the places of the output begin, in places of the input: before it."""
    rank = len(places.call.input_shape) + 1
    if is_integer(pad_width):
        pad_width = (pad_width, pad_width)
    pairs = sides(pad_width) if len(sides(pad_width)) > 1 else sides(pad_width) * rank
    return [-before for before, _ in pairs[1:-1]]


def _sliced(given, places):
    """Places from a start on, at equal steps; None if it is not that."""
    _, index = given.values()
    index = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(part, slice) for part in index) or len(places.call.output_shape) != len(
        places.call.input_shape
    ):
        return None
    sizes = places.sizes(places.call.input_shape)
    along = [*index[1 : 1 + len(sizes)], *[slice(None)] * (len(sizes) - len(index[1:]))]
    starts, _, steps = zip(*(part.indices(n) for part, n in zip(along, sizes, strict=True)), strict=True)
    if min(steps) < 1:
        return None
    return places.each(lambda axis, count, start, step: axis.window(1, step, 1, -start, count), starts, steps)
