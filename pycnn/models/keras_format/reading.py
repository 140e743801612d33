"""Keras's configuration made into layers, models, losses, ...: by names in the registry, never by imports or code."""

import inspect
import types

import numpy as np

from pycnn import losses, metrics
from pycnn.models.keras_format import graph
from pycnn.models.keras_format.names import ANY, KERAS_NAMES, ONLY_KERAS, package_of
from pycnn.registration import lookup, registered_objects

_FUNCTIONS = {"losses": losses, "metrics": metrics}
_FUNCTION_PACKAGES = ("activations", "losses", "metrics", "initializers", "regularizers", "constraints")


class Reader:
    """Makes objects of what Keras wrote about them; those that were one object become one object."""

    def __init__(self, custom_objects=None):
        self.custom_objects = custom_objects or {}
        self._shared = {}

    def read(self, value):
        """Return the object, or the list, dict or plain value, that a value of a configuration stands for."""
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "class_name" not in value or "config" not in value:
            return {key: self.read(item) for key, item in value.items()}
        name = value["class_name"]
        if not isinstance(name, str):
            raise ValueError(f"class_name must be a string. Received: class_name={name!r}")
        if name.startswith("__"):
            return self._read_special(name, value["config"])
        if name == "function":
            return self._find_function(value)
        if "shared_object_id" in value and value["shared_object_id"] in self._shared:
            return self._shared[value["shared_object_id"]]
        made = self._make(value)
        if "shared_object_id" in value:
            self._shared[value["shared_object_id"]] = made
        return made

    def _read_special(self, name, config):
        if name == "__numpy__" or name == "__tensor__":
            return np.array(config["value"], np.dtype(config.get("dtype", "float32")))
        if name == "__tuple__":
            return tuple(self.read(item) for item in config["value"])
        if name == "__ellipsis__":
            return Ellipsis
        if name == "__slice__":
            return slice(*(self.read(config[key]) for key in ("start", "stop", "step")))
        if name == "__lambda__":
            raise ValueError(
                "The file holds a function as code, as of a Lambda layer, and pycnn runs no code of a file: give the "
                "function a name and register it, or make it a layer. Received: class_name='__lambda__'"
            )
        raise ValueError(f"Unknown kind of value. Received: class_name={name!r}")

    def _make(self, described):
        name, config = described["class_name"], described["config"]
        if not isinstance(config, dict):
            raise ValueError(f"The configuration of {name!r} must be a dict. Received: config={config!r}")
        cls, is_own = self._find_class(described)
        try:
            if name == "DTypePolicy" and is_own:
                return read_dtype(described)
            if "input_layers" in config and "output_layers" in config and "layers" in config:
                return graph.read_graph(config, cls, self.read)
            if not is_own:
                return (
                    cls.from_config(self._plain(config)) if hasattr(cls, "from_config") else cls(**self._plain(config))
                )
            arguments = self._arguments(cls, name, config)
            return cls.from_config(arguments) if name == "Sequential" else cls(**arguments)
        except (TypeError, KeyError) as error:
            raise ValueError(f"{name!r} cannot be made of its configuration: {error!r}") from error

    # Names

    def _find_class(self, described):
        """Return the class, and whether it is one that pycnn and Keras share."""
        name, module, full = described["class_name"], described.get("module"), described.get("registered_name")
        for key in (full, name):
            if key in self.custom_objects:
                return _require_class(self.custom_objects[key], name), False
        if isinstance(full, str) and ">" in full:
            package, _, own = full.partition(">")
            return _require_class(lookup(own, package, self.custom_objects), name), False
        package = package_of(module) if isinstance(module, str) else "Custom"
        if package is None:
            if module.split(".")[0] == "keras":
                raise ValueError(
                    f"{module}.{name} is none of Keras's public classes that pycnn reads. Received: class_name={name!r}"
                )
            package = "Custom"
        if package == "models":
            if name in ("Functional", "Model"):
                return graph.model_class(), True
            if name == "DTypePolicy":
                return str, True
            return lookup("Sequential", "models") if name == "Sequential" else self._refuse(module, name), True
        if package == "Custom":
            return _require_class(lookup(name, "Custom", self.custom_objects), name), False
        cls = registered_objects(package).get(name)
        if name not in KERAS_NAMES.get(package, ()) or cls is None:
            self._refuse(module, name)
        return cls, True

    def _refuse(self, module, name):
        raise ValueError(f"pycnn has nothing like {module}.{name}. Received: class_name={name!r}, module={module!r}")

    def _find_function(self, described):
        name, module, full = described["config"], described.get("module"), described.get("registered_name")
        if not isinstance(name, str):
            raise ValueError(f"A function must be given by its name. Received: config={name!r}")
        for key in (full, name, name.rpartition(">")[2]):
            if key in self.custom_objects:
                return self.custom_objects[key]
        if ">" in name:
            package, _, own = name.partition(">")
            return lookup(own, package)
        package = package_of(module) if isinstance(module, str) else None
        packages = _FUNCTION_PACKAGES if module == "builtins" else (package or "Custom",)
        for candidate in packages:
            found = registered_objects(candidate).get(name)
            if found is not None:
                return found
            found = getattr(_FUNCTIONS.get(candidate), name, None)
            if isinstance(found, types.FunctionType) and name in _FUNCTIONS[candidate].__all__:
                return found
        raise ValueError(f"Unknown function. Received: function={name!r}, module={module!r}")

    # Arguments

    def _arguments(self, cls, name, config):
        """The arguments of a class of pycnn's: those that only Keras has must have a value that changes nothing."""
        known = accepted_arguments(cls)
        if name == "RandomShear":  # Keras writes 0.2 as [-0.2, 0.2], which it does not accept itself
            symmetric = {key: f[1] for key, f in config.items() if isinstance(f, list) and f[0] == -f[1]}
            config = {**config, **symmetric}
        arguments = {}
        for key, value in config.items():
            if key == "dtype" and key in known:
                value = read_dtype(value)
            if key in known:
                arguments[key] = self.read(value)
            elif key not in ONLY_KERAS or (ONLY_KERAS[key] is not ANY and value not in ONLY_KERAS[key]):
                raise ValueError(
                    f"pycnn's {name} has no argument {key} with this value, which {config.get('name', name)!r} needs. "
                    f"Received: {key}={value!r}"
                )
        return arguments

    def _plain(self, config):
        """A configuration for a class of a user's own: what it holds in pycnn's notation, Keras's dtypes by name."""
        return {key: read_dtype(value) if key == "dtype" else self._translate(value) for key, value in config.items()}

    def _translate(self, value):
        if isinstance(value, list):
            return [self._translate(item) for item in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("class_name"), str) and "config" in value and "module" in value:
            if value["class_name"] == "DTypePolicy":
                return read_dtype(value)
            return self.read(value)
        return {key: self._translate(item) for key, item in value.items()}


def _require_class(thing, name):
    if not isinstance(thing, type):  # a file must not have functions called
        raise ValueError(f"class_name must name a class. Received: class_name={name!r}, which is {thing!r}")
    return thing


def accepted_arguments(cls):
    """The names of all arguments that a class takes, those included that it passes on to its base classes."""
    names = {"build_input_shape", "layers"} if hasattr(cls, "add") and hasattr(cls, "pop") else set()
    for base in cls.__mro__:
        own = base.__dict__.get("__init__")
        if own is not None:
            parameters = inspect.signature(own).parameters.values()
            names |= {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return names - {"self"}


def read_dtype(value):
    """The name of a dtype or policy of Keras's."""
    return value.get("config", {}).get("name") if isinstance(value, dict) else value
