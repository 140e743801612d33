"""The one table of classes and functions that files and strings may name. Nothing is ever imported by name.

Objects live in packages (``"layers"``, ``"losses"``, ``"metrics"``, ... and ``"Custom"`` for users), so that the
loss and the metric ``MeanSquaredError`` can both exist. A serialised object is plain JSON::

    {"package": "layers", "class_name": "Conv2D", "config": {"filters": 6, ...}}      an instance
    {"package": "Custom", "function": "my_activation"}                                a function
"""

from contextlib import contextmanager
from contextvars import ContextVar

_packages = {}  # package -> {name: class or function}
_identifiers = {}  # package -> {folded name or alias: class or function}
_registered_as = {}  # class or function -> (package, name)
_scope = ContextVar("pycnn_custom_objects", default=None)  # {name: class or function}, of custom_object_scope


def close_matches(name, names, n=3, cutoff=0.6):
    """Return up to ``n`` of ``names`` that look like ``name``, the closest first."""
    import difflib  # for errors alone

    return difflib.get_close_matches(name, names, n=n, cutoff=cutoff)


def _fold(name):
    """``glorot_uniform``, ``GlorotUniform`` and ``glorotuniform`` are one identifier."""
    return name.replace("_", "").lower()


class Configurable:
    """Base class of what is told by the arguments of its ``__init__``, which it keeps as attributes.

    A subclass names those arguments in ``_arguments``; they must be JSON values.
    """

    _arguments = ()

    def get_config(self):
        """Return the arguments that make the same object again."""
        return {name: getattr(self, name) for name in self._arguments}

    @classmethod
    def from_config(cls, config):
        """Make an object from what ``get_config`` returned."""
        return cls(**config)

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def register_serializable(package="Custom", name=None, aliases=()):
    """Class decorator: let saved models and strings name this class or function.

    A class needs ``get_config()`` (a dict that JSON can hold) and either takes that dict as keyword arguments
    or has a ``from_config(config)`` class method.

    Parameters
    ----------
    package : str
        Namespace of the name.
    name : str, optional
        Defaults to the class's own name.
    aliases : sequence of str
        Further identifiers for ``get()`` functions, such as ``"mse"``.

    Examples
    --------
    >>> from pycnn.registration import deserialize, register_serializable, serialize
    >>> @register_serializable()
    ... class Gain:
    ...     def __init__(self, factor):
    ...         self.factor = factor
    ...
    ...     def get_config(self):
    ...         return {"factor": self.factor}
    >>> serialize(Gain(3))
    {'package': 'Custom', 'class_name': 'Gain', 'config': {'factor': 3}}
    >>> deserialize(serialize(Gain(3))).factor
    3
    """

    def register(thing):
        if not callable(thing):
            raise TypeError(f"Only classes and functions can be registered. Received: {thing!r}")
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise TypeError(f"A registered class must define get_config(). Received: {thing!r}")
        own_name = name or thing.__name__
        _packages.setdefault(package, {})[own_name] = thing
        identifiers = _identifiers.setdefault(package, {})
        for identifier in (own_name, *aliases):
            identifiers[_fold(identifier)] = thing
        _registered_as[thing] = (package, own_name)
        return thing

    return register


def registered_name(thing):
    """Return ``(package, name)`` of a registered class or function, or None."""
    return _registered_as.get(thing)


def registered_objects(package):
    """Return the names registered in ``package`` with their classes and functions, a new dict."""
    return dict(_packages.get(package, {}))


def serialize(thing):
    """Turn an object into plain JSON: None, numbers, strings, lists and dicts pass, registered objects become dicts.

    Raises
    ------
    ValueError
        If the object's class, or the function, was not registered.
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if getattr(thing, "ndim", None) == 0 and hasattr(thing, "item"):
        return thing.item()  # a number of NumPy
    if isinstance(thing, (list, tuple)):
        return [serialize(item) for item in thing]
    if isinstance(thing, dict):
        return {key: serialize(item) for key, item in thing.items()}
    known = _registered_as.get(type(thing))
    if known is not None:
        return {"package": known[0], "class_name": known[1], "config": thing.get_config()}
    known = _registered_as.get(thing) if callable(thing) else None
    if known is not None:
        return {"package": known[0], "function": known[1]}
    raise ValueError(
        "Only registered objects can be serialised: put @pycnn.utils.register_serializable() above the class or "
        f"function. Received: {thing!r}"
    )


def deserialize(config, custom_objects=None):
    """Turn what ``serialize`` returned into the object again.

    Parameters
    ----------
    config : JSON value
    custom_objects : dict, optional
        Further names with their classes or functions, which win over registered ones.

    Raises
    ------
    ValueError
        If a name is unknown; the message lists names that are close.
    """
    if isinstance(config, list):
        return [deserialize(item, custom_objects) for item in config]
    if not isinstance(config, dict):
        return config
    if "function" in config:
        return lookup(config["function"], config.get("package", "Custom"), custom_objects)
    if "class_name" in config:
        cls = lookup(config["class_name"], config.get("package", "Custom"), custom_objects)
        if not isinstance(cls, type):  # a file must not have functions called
            raise ValueError(f"class_name must name a class. Received: class_name={config['class_name']!r}")
        return _from_config(cls, config.get("config", {}))
    return {key: deserialize(item, custom_objects) for key, item in config.items()}


@contextmanager
def custom_object_scope(objects):
    """Inside a ``with`` block let ``deserialize`` find these classes and functions, given by name, first.

    Examples
    --------
    >>> from pycnn.registration import custom_object_scope, lookup
    >>> with custom_object_scope({"Mine": dict}):
    ...     lookup("Mine", "layers")
    <class 'dict'>
    """
    token = _scope.set({**(_scope.get() or {}), **objects})
    try:
        yield
    finally:
        _scope.reset(token)


def _from_config(cls, config):
    if hasattr(cls, "from_config"):
        return cls.from_config(config)
    return cls(**config)


def lookup(name, package, custom_objects=None):
    """Return the class or function registered as ``name`` in ``package``, or raise with names that are close."""
    for objects in (custom_objects, _scope.get()):
        if objects and name in objects:
            return objects[name]
    known = _packages.get(package, {})
    if name in known:
        return known[name]
    everywhere = {f"{n} ({p})" for p, names in _packages.items() for n in names if n == name}
    candidates = sorted(everywhere) or close_matches(str(name), list(known), n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(candidates)}? " if candidates else ""
    raise ValueError(
        f"Unknown name in the package {package!r}. {hint}Classes of your own must be registered with "
        "@pycnn.utils.register_serializable() or given in custom_objects. "
        f"Received: name={name!r}"
    )


def resolve(identifier, package, argument):
    """What every ``get()`` does: turn an identifier of any accepted kind into an object.

    Parameters
    ----------
    identifier : None, str, dict, class, instance or function
        A string names a class (which is then made with its defaults) or function, registered in ``package`` or
        in ``"Custom"``; case and underscores do not matter. A dict is deserialised. Anything else callable, or
        with ``get_config``, is returned as it is.
    package : str
        Where strings are looked up.
    argument : str
        What error messages call it.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        folded = _fold(identifier)
        thing = (_scope.get() or {}).get(identifier)
        thing = thing or _identifiers.get(package, {}).get(folded) or _identifiers.get("Custom", {}).get(folded)
        if thing is None:
            raise ValueError(
                f"Unknown {argument}. {_suggestion(identifier, package)}Received: {argument}={identifier!r}"
            )
        return thing() if isinstance(thing, type) else thing
    if isinstance(identifier, dict):
        return deserialize({"package": package, **identifier})
    if isinstance(identifier, type) and hasattr(identifier, "get_config"):
        return identifier()
    if callable(identifier) or hasattr(identifier, "get_config"):
        return identifier
    raise TypeError(f"{argument} must be a name, an object, a dict or a callable. Received: {argument}={identifier!r}")


def hint_names(module, names):
    """Return a ``__getattr__`` for ``module`` that answers unknown names with those of ``names`` that are close."""

    def answer(name):
        close = close_matches(name, names, n=4, cutoff=0.5)
        hint = f"Did you mean {', '.join(close)}?" if close else f"There are: {', '.join(sorted(names))}."
        raise AttributeError(f"{module} has no {name!r}. {hint}")

    return answer


def _suggestion(identifier, package):
    names = list(_packages.get(package, {}))
    folded = {_fold(n): n for n in names}
    close = close_matches(_fold(identifier), [*folded, *_identifiers.get(package, {})], n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(dict.fromkeys(folded.get(c, c) for c in close))}? "
    return f"Known are {', '.join(sorted(names))}. "
