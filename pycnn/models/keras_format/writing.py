"""Models as Keras's configuration: its modules, names and arguments, or an error that names what Keras lacks."""

import types

import numpy as np

from pycnn import losses, metrics
from pycnn.autograd import Tensor
from pycnn.layers.base import Layer, serialize_layer
from pycnn.layers.input import InputLayer
from pycnn.models.keras_format import graph
from pycnn.models.keras_format.layout import is_sequential
from pycnn.models.keras_format.names import ANY, FUNCTIONAL, KERAS_NAMES, ONLY_PYCNN, keras_module
from pycnn.registration import lookup, registered_name, serialize

_FUNCTIONS = {"losses": losses, "metrics": metrics}
_INSTEAD = "Save the model as a .pycnn file instead"


def write_layer(layer):
    """Return a layer or model as Keras serialises it."""
    if graph.is_functional(layer):
        return _functional(layer)
    if isinstance(layer, InputLayer):
        return _input(layer)
    if is_sequential(layer):
        return _sequential(layer)
    described = serialize_layer(layer)
    arguments = {}
    for key, value in described["config"].items():
        own = getattr(layer, key, None)
        arguments[key] = write_layer(own) if isinstance(own, Layer) else value
    written = _write_class(type(layer), described["package"], described["class_name"], arguments, layer.name)
    if layer.built and layer._build_shape is not None and layer.weights:
        written["build_config"] = {"input_shape": layer._build_shape}
    return written


def write_config(value):
    """Return a value of a configuration as Keras writes it: objects, serialised or not, and what holds them."""
    if isinstance(value, Layer):
        return write_layer(value)
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            if "module" in value or value["class_name"].startswith("__"):
                return value
            return _write_class(None, value.get("package", "Custom"), value["class_name"], value["config"])
        if "function" in value and set(value) <= {"package", "function"}:
            return _write_function(value.get("package", "Custom"), value["function"])
        return {key: write_config(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [write_config(item) for item in value]
    if isinstance(value, slice):
        parts = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": parts}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, (Tensor, np.ndarray)) and value.ndim:
        array = np.asarray(value)
        return {"class_name": "__numpy__", "config": {"value": array.tolist(), "dtype": array.dtype.name}}
    package = next((p for p, module in _FUNCTIONS.items() if _is_in(module, value)), None)
    if package is not None:
        return _write_function(package, value.__name__)
    plain = serialize(value)
    return write_config(plain) if isinstance(plain, dict) else plain


def _is_in(module, value):
    return isinstance(value, types.FunctionType) and getattr(module, value.__name__, None) is value


def _write_class(cls, package, name, arguments, label=None):
    """A class of Keras's, or one that users registered; a class that pycnn alone has is refused."""
    own = label or arguments.get("name") or name
    if name in KERAS_NAMES.get(package, ()):
        arguments = _shared_arguments(package, name, arguments, own)
        return {
            "module": keras_module(package),
            "class_name": name,
            "config": write_config(arguments),
            "registered_name": None,
        }
    module = _module_of(cls, package, name)
    if module.split(".")[0] == "pycnn":
        raise ValueError(f"Keras has no {name}, which {own!r} is. {_INSTEAD}. Received: class {name} of {module}")
    known = cls is None or registered_name(cls) is not None
    return {
        "module": module,
        "class_name": name,
        "config": write_config(arguments),
        "registered_name": f"{package}>{name}" if known else name,
    }


def _module_of(cls, package, name):
    if cls is None:
        cls = lookup(name, package)
    return cls.__module__


def _shared_arguments(package, name, arguments, own):
    """The arguments that Keras's class has, too; others must have the value at which they change nothing."""
    only = ONLY_PYCNN.get(name, {}) if package == "layers" else {}
    for key, neutral in only.items():
        if neutral is not ANY and arguments.get(key, neutral) != neutral:
            raise ValueError(
                f"Keras's {name} has no argument {key}, which the layer {own!r} needs. {_INSTEAD}. "
                f"Received: {key}={arguments[key]!r}"
            )
    padding = arguments.get("padding")
    if package == "layers" and ("kernel_size" in arguments or "pool_size" in arguments):
        if padding not in ("valid", "same", None) and not (padding == "causal" and name.endswith("1D")):
            raise ValueError(
                f"Keras's {name} knows the padding 'valid' and 'same' alone; the layer {own!r} has another one. "
                f"{_INSTEAD}. Received: padding={padding!r}"
            )
        strides, dilation = arguments.get("strides", 1), arguments.get("dilation_rate", 1)
        if _largest(strides) > 1 and _largest(dilation) > 1 and "Transpose" not in name:
            raise ValueError(
                f"Keras's {name} has no strides and dilation_rate at once; the layer {own!r} has. {_INSTEAD}. "
                f"Received: strides={strides}, dilation_rate={dilation}"
            )
    return {key: value for key, value in arguments.items() if key not in only}


def _largest(value):
    return max(value) if isinstance(value, (list, tuple)) else value


def _write_function(package, name):
    """A function by its name: Keras's own, or one that users registered."""
    if package in ("activations", "losses", "metrics"):
        return {
            "module": "builtins",  # as Keras does for its own ones
            "class_name": "function",
            "config": name,
            "registered_name": name,
        }
    full = f"{package}>{name}"
    return {"module": None, "class_name": "function", "config": full, "registered_name": full}


def _input(layer):
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {
            "batch_shape": list(layer.batch_shape),
            "dtype": layer.dtype,
            "sparse": False,
            "ragged": False,
            "name": layer.name,
            "optional": False,
        },
        "registered_name": None,
    }


def _sequential(model):
    shape = None if model._build_shape is None else list(model._build_shape)
    config = {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": model.dtype_policy.name,
        "layers": [write_layer(layer) for layer in model._layers],
    }
    written = {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
    return _of_subclass(model, "Sequential", written, shape)


def _functional(model):
    config = {"name": model.name, "trainable": model.trainable, **graph.write_graph(model, write_layer, write_config)}
    return _of_subclass(model, "Model", {**FUNCTIONAL, "config": config}, None)


def _of_subclass(model, base, written, shape):
    """Let a model of a subclass be written by the subclass's name, which who reads the file must know."""
    if type(model).__name__ != base or type(model).__module__.split(".")[0] != "pycnn":
        known = registered_name(type(model))
        own = type(model).__name__
        written |= {
            "module": type(model).__module__,
            "class_name": own,
            "registered_name": own if known is None else ">".join(known),
        }
    if shape is not None:
        written["config"]["build_input_shape"] = shape
        written["build_config"] = {"input_shape": shape}
    return written
