"""Functions of ``pycnn.ops`` in a graph, such as the sum in ``x + y``, which Keras has as classes of operations.

Keras splits what such a function is called with: tensors are arguments of the call, all else those of the class.
"""

import inspect
import re

from pycnn.layers.operation import Operation

_CLASSES = {
    "core": "Cast(dtype) StopGradient",
    "nn": """
        Celu(alpha) DepthToSpace(block_size,data_format) Elu(alpha) Gelu(approximate) Glu(axis) HardShrink(threshold)
        HardSigmoid HardSilu HardTanh LeakyRelu(negative_slope) LogSigmoid LogSoftmax(axis)
        Normalize(axis,order,epsilon) OneHot(num_classes,axis,dtype) Relu Relu6 Selu Sigmoid Silu
        SoftShrink(threshold) Softmax(axis) Softplus Softsign SpaceToDepth(block_size,data_format) SparsePlus
        SparseSigmoid Sparsemax(axis) Squareplus(b) TanhShrink Threshold(threshold,default_value)
    """,
    "numpy": """
        Abs Absolute Add All(axis,keepdims) Amax(axis,keepdims) Amin(axis,keepdims) Any(axis,keepdims) Append(axis)
        Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Argmax(axis,keepdims) Argmin(axis,keepdims)
        Argsort(axis) Average(axis) BroadcastTo(shape) Cbrt Ceil Clip(x_min,x_max) Concatenate(axis) Copy Cos Cosh
        CountNonzero(axis) Cumprod(axis,dtype) Cumsum(axis,dtype) Diag(k) Diagonal(offset,axis1,axis2) Diff(n,axis)
        Divide DivideNoNan Dot Equal Exp Exp2 ExpandDims(axis) Expm1 Flip(axis) Floor FloorDivide GetItem Greater
        GreaterEqual Hypot Inner Isfinite Isinf Isnan Less LessEqual Log Log10 Log1p Log2 Logaddexp LogicalAnd
        LogicalNot LogicalOr LogicalXor Matmul Max(axis,keepdims,initial) Maximum Mean(axis,keepdims)
        Median(axis,keepdims) Min(axis,keepdims,initial) Minimum Mod Moveaxis(source,destination) Multiply
        NanToNum(nan,posinf,neginf) Negative NotEqual OnesLike(dtype) Outer Pad(pad_width,mode) Power
        Prod(axis,keepdims,dtype) Ravel Reciprocal Repeat(repeats,axis) Reshape(newshape) Roll(shift,axis)
        Rot90(k,axes) Round(decimals) Sign Sin Sinh Sort(axis) Split(indices_or_sections,axis) Sqrt Square
        Squeeze(axis) Stack(axis) Std(axis,keepdims) Subtract Sum(axis,keepdims) Swapaxes(axis1,axis2) Take(axis)
        TakeAlongAxis(axis) Tan Tanh Tensordot(axes) Tile(repeats) Trace(offset,axis1,axis2) Transpose(axes) Tril(k)
        Triu(k) TrueDivide Trunc Var(axis,keepdims) Where ZerosLike(dtype)
    """,
    "math": "Erf Erfc Logsumexp(axis,keepdims) Rsqrt TopK(k,sorted)",
    "linalg": "Norm(ord,axis,keepdims)",
    "image": "Resize(size,interpolation)",
}
"""Module of ``keras.src.ops`` -> its classes with the arguments that belong to the class."""

_NEUTRAL = (None, False, 0.0, "constant", "channels_last")  # values of arguments that pycnn's functions may lack


def _snake(name):
    return "getitem" if name == "GetItem" else re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def _read_classes():
    found = {}
    for module, text in _CLASSES.items():
        for name, arguments in re.findall(r"(\w+)(?:\(([\w,]+)\))?", text):
            found[name] = (f"keras.src.ops.{module}", tuple(arguments.split(",")) if arguments else ())
    return found


CLASSES = _read_classes()
"""Class of Keras -> (module, arguments of the class)."""

_CLASS_OF = {_snake(name): name for name in CLASSES}


def write_operation(layer, nodes):
    """Return a function in a graph as Keras's class, and the (args, kwargs) of each of its calls.

    Raises
    ------
    ValueError
        If Keras has no such operation, or not with these arguments.
    """
    name = _CLASS_OF.get(layer.function)
    if name is None:
        raise ValueError(
            f"Keras has no operation {layer.function}, which {layer.name!r} is. Save the model as a .pycnn file "
            f"instead. Received: pycnn.ops.{layer.function}"
        )
    module, of_class = CLASSES[name]
    configs, calls = [], []
    for node in nodes:
        config, args = _split(layer, node, of_class)
        configs.append(config)
        calls.append((args, {}))
    if any(config != configs[0] for config in configs):
        raise ValueError(f"The operation {layer.name!r} is called with different arguments. Received: {configs}")
    config = {"name": layer.name, **configs[0]}
    return {"module": module, "class_name": name, "config": config, "registered_name": name}, calls


def _split(layer, node, of_class):
    """Return the arguments of the class, and those of the call, as Keras has them."""
    signature = inspect.signature(layer.run)
    bound = signature.bind(*node.args, **node.kwargs)
    bound.apply_defaults()
    config, args = {}, []
    for key, parameter in signature.parameters.items():
        value = bound.arguments[key]
        if parameter.kind is parameter.VAR_POSITIONAL:  # reshape(x, 2, 3) is reshape(x, (2, 3))
            if value:
                first = of_class[0]
                config[first] = (config[first], *value)
        elif key in of_class:
            config[key] = value
        else:
            args.append(value)
    while len(args) > 1 and args[-1] is list(signature.parameters.values())[len(args) - 1].default:
        args.pop()
    return config, tuple(args)


def read_operation(described):
    """Return the function in a graph that one of Keras's operations is; None if it describes a layer.

    Raises
    ------
    ValueError
        If pycnn has no such operation.
    """
    module, name = described.get("module"), described.get("class_name")
    if not isinstance(module, str) or not module.startswith("keras.src.ops."):
        return None
    if name not in CLASSES or CLASSES[name][0] != module:
        raise ValueError(f"pycnn has no operation like {module}.{name}. Received: class_name={name!r}")
    layer = Operation(_snake(name), name=described["config"].get("name"))
    known = inspect.signature(layer.run).parameters
    arguments = {}
    for key, value in described["config"].items():
        if key in known:
            arguments[key] = tuple(value) if isinstance(value, list) else value
        elif key != "name" and value not in _NEUTRAL:
            raise ValueError(f"pycnn.ops.{layer.function} has no argument {key}. Received: {key}={value!r}")
    return _Called(layer, arguments)


class _Called:
    """A function in a graph, to be called with the arguments of Keras's class."""

    def __init__(self, layer, arguments):
        self.layer, self.arguments = layer, arguments

    def __call__(self, *args, **kwargs):
        if self.layer.function == "getitem":
            args = (args[0], tuple(args[1]) if isinstance(args[1], list) else args[1])
        return self.layer(*args, **{key: v for key, v in kwargs.items() if v is not None}, **self.arguments)
