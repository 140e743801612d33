"""Operations on tensors that have no values yet: what ``layers.Input`` gives, and all that follows from it.

Every public operation is wrapped once, by ``traced``: called on values it runs as it is; called on something
Symbolic it fails, for a Symbolic has no values, and then the call is remembered in the graph of layers instead.
So eager calls pay for one call more, and no operation needs to know of graphs. The layers put what
remembers, a function (name, args, kwargs), into ``set_connector``.
"""

import functools
import types

_connector = None


def set_connector(function):
    """Say what remembers a call: a function (name of the operation, args, kwargs) -> symbolic outputs."""
    global _connector
    _connector = function


class Symbolic:
    """Base of tensors without values. It has the Tensor's operators and methods, each a call to be remembered."""

    __slots__ = ()
    __array_ufunc__ = None  # numpy_array * symbolic becomes symbolic.__rmul__

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"A symbolic tensor has no values: use operations of pycnn.ops, or a layer, on it. Received: {self!r}"
        )

    def __bool__(self):
        raise TypeError(f"A symbolic tensor has no values, and so cannot be a condition. Received: {self!r}")

    def __len__(self):
        raise TypeError(f"A symbolic tensor has no length; its shape is {self.shape}. Received: {self!r}")

    def __iter__(self):
        raise TypeError(f"A symbolic tensor cannot be iterated over; ops.split splits it. Received: {self!r}")

    def __hash__(self):
        return id(self)


def traced(name, function):
    """Return ``function`` so wrapped that calls on symbolic tensors are remembered under ``name``."""

    @functools.wraps(function)
    def operation(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError, AttributeError):
            if not has_symbolic(args) and not has_symbolic(kwargs):
                raise
        return _connector(name, args, kwargs)

    operation.eager = function
    return operation


def has_symbolic(value):
    """Whether a symbolic tensor is ``value``, or in the tuples, lists and dicts of it."""
    if isinstance(value, Symbolic):
        return True
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return False
    return any(map(has_symbolic, value))


def trace(namespace, names):
    """Wrap the operations ``names`` of a module's ``namespace``; two names of one function stay one."""
    wrapped = {}
    for name in names:
        function = namespace[name]
        if not isinstance(function, types.FunctionType):
            continue
        if id(function) not in wrapped:
            wrapped[id(function)] = traced(function.__name__ if function.__name__ in names else name, function)
        namespace[name] = wrapped[id(function)]


def attach(binary, other, methods):
    """Give Symbolic the operators and methods that the Tensor has: dicts of functions, and functions."""

    def remember(name):
        return lambda self, *args, **kwargs: _connector(name, (self, *args), kwargs)

    def remember_reflected(name):
        return lambda self, left: _connector(name, (left, self), {})

    for operator, function in binary.items():
        setattr(Symbolic, f"__{operator}__", remember(function.__name__))
        setattr(Symbolic, f"__r{operator}__", remember_reflected(function.__name__))
    for operator, function in other.items():
        if operator == "__eq__":  # stays the identity's, as in Keras: graphs hold symbolic tensors in dicts
            continue
        if isinstance(function, property):
            setattr(Symbolic, operator, property(remember(function.fget.__name__)))
        elif function.__name__ != "<lambda>":
            setattr(Symbolic, operator, remember(function.__name__))
    for function in methods:
        setattr(Symbolic, function.__name__, remember(function.__name__))
