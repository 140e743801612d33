"""Arrays whose computations are noted, and the recorder that notes them."""

from contextlib import contextmanager

import numpy as np

from pycnn.backend import registry


class NotRecordableError(RuntimeError):
    """A computation depends on values that only a run can tell."""


_active = None  # the recorder; one at a time, for the whole process


@contextmanager
def activated(recorder):
    """Let a recorder be the process's only one in a ``with`` block."""
    global _active
    if _active is not None:
        raise NotRecordableError("another computation is being recorded")
    _active = recorder
    try:
        yield
    finally:
        _active = None


def is_recording():
    """Whether a computation is being recorded, in whatever thread."""
    return _active is not None


def active_recorder():
    """The recorder of what this thread does: others, which make data meanwhile, have the backend itself."""
    return None if _active is None else getattr(registry.get_backend(), "recorded_by", None)


class Recorded(np.ndarray):
    """An array of a recorded computation: what is computed of it is noted."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _call(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return _call(function, args, kwargs)

    def __getitem__(self, index):
        return _call(np.ndarray.__getitem__, (self, index), {})

    def __setitem__(self, index, value):
        _call(np.ndarray.__setitem__, (self, index, value), {})


def _call(function, args, kwargs):
    """Call one of NumPy's functions; other threads, which see recorded weights for a moment, do so without a note."""
    recorder = active_recorder()
    return function(*plain(args), **plain(kwargs)) if recorder is None else recorder.call(function, args, kwargs)


def _method(name):
    function = getattr(np.ndarray, name)

    def method(self, *args, **kwargs):
        return _call(function, (self, *args), kwargs)

    return method


def _refusal(name):
    function = getattr(np.ndarray, name)

    def method(self, *args, **kwargs):
        if active_recorder() is None:
            return function(plain(self), *args, **kwargs)
        raise NotRecordableError(f"the value of an array is asked for by {name}")

    return method


_SEEN_THROUGH = {"view", "__array_interface__", "__array_struct__", "__array__"}  # for pycnn's own use, below
_METHODS = [
    name
    for name in dir(np.ndarray)
    if callable(getattr(np.ndarray, name)) and not name.startswith("_") and name not in _SEEN_THROUGH
]
_VALUES = ("item", "tolist", "tobytes", "tofile", "dump", "dumps", "__bool__", "__float__", "__int__", "__index__",
           "__complex__", "__iter__", "__contains__", "__format__")  # fmt: skip
for _name in _METHODS:
    setattr(Recorded, _name, _method(_name))
for _name in _VALUES:
    setattr(Recorded, _name, _refusal(_name))


def cast(array, dtype):
    """The array in another floating dtype; what is too large for it becomes infinite, without a warning."""
    if isinstance(array, Recorded):
        return _call(cast, (array, dtype), {})
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)


def plain(value):
    return value.view(np.ndarray) if isinstance(value, Recorded) else map_parts(plain, value)


def map_parts(function, value):
    """Apply a function to the parts of a list, tuple or dict; anything else stays."""
    if type(value) in (list, tuple):
        return type(value)(function(part) for part in value)
    if type(value) is dict:
        return {key: function(part) for key, part in value.items()}
    return value


def arrays_in(value):
    """All arrays in a structure."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        yield from arrays_in(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from arrays_in(part)
