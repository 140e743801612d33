"""The state of a training as one file: a tree of numbers, texts and arrays in, the same tree out.

The file is a safetensors file: the arrays lie in it by number, the tree without them is JSON in its metadata.
Nothing in it is code.
"""

import json
import os
import zlib

import numpy as np

from pycnn.autograd import Tensor
from pycnn.backend import get_backend

_KEY = "pycnn_training"
_FORMAT = 1
_PLAIN = (type(None), bool, int, float, str)


def write_state(path, tree):
    """Write a tree of dicts, lists, tuples, numbers, texts and arrays; the file is there whole or not at all."""
    from safetensors.numpy import save

    from pycnn.models.files import written_whole

    arrays = []
    text = json.dumps({"format": _FORMAT, "tree": _pack(tree, arrays), "checksum": _checksum(arrays)})
    content = save({str(i): array for i, array in enumerate(arrays)}, metadata={_KEY: text})
    with written_whole(path) as beside, open(beside, "wb") as file:  # save_file would use a temporary file of its own
        file.write(content)


def read_state(path):
    """Read what ``write_state`` wrote.

    Raises
    ------
    OSError
        If the file is damaged, or of something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            arrays = [np.array(file.get_tensor(str(i))) for i in range(len(file.keys()))]
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise OSError(f"The backup is damaged ({error}). Received: path={os.fspath(path)!r}") from error
    if header["format"] != _FORMAT or header["checksum"] != _checksum(arrays):
        raise OSError(f"The backup is damaged, or of another version of pycnn. Received: path={os.fspath(path)!r}")
    return _unpack(header["tree"], arrays)


def _checksum(arrays):
    value = 0
    for array in arrays:
        value = zlib.crc32(array.reshape(-1).view(np.uint8), value)
    return value


def _pack(value, arrays):
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return {"dict": [[_pack(key, arrays), _pack(item, arrays)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_pack(item, arrays) for item in value]}
    backend = get_backend()
    if isinstance(value, Tensor):
        arrays.append(np.asarray(value.numpy(), order="C"))
        return {"tensor": len(arrays) - 1}
    if isinstance(value, (np.ndarray, np.generic)):
        kind, array = "scalar" if isinstance(value, np.generic) else "host", np.asarray(value, order="C")
    elif backend.is_array(value):
        kind, array = "device", np.asarray(backend.to_numpy(value), order="C")
    else:
        raise TypeError(f"A state holds numbers, texts, arrays, lists and dicts. Received: {type(value).__name__}")
    arrays.append(array)
    return {kind: len(arrays) - 1}


def _unpack(value, arrays):
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "dict":
        return {_unpack(key, arrays): _unpack(item, arrays) for key, item in content}
    if kind in ("list", "tuple"):
        return (list if kind == "list" else tuple)(_unpack(item, arrays) for item in content)
    array = arrays[content]
    if kind == "tensor":
        return Tensor(get_backend().asarray(array))
    return array[()] if kind == "scalar" else get_backend().asarray(array) if kind == "device" else array


def gathered(thing, arrays=True):
    """Return what a metric or an optimizer has gathered: its variables, and its numbers and arrays.

    ``arrays=False`` leaves out attributes that hold arrays or lists, which may be the thing's own views of variables.
    """
    is_state = _is_plain if arrays else _is_number
    own = {name: value for name, value in vars(thing).items() if is_state(value)}
    inside = {name: gathered(value, arrays) for name, value in vars(thing).items() if _gathers(value)}
    return {"variables": [v.numpy() for v in thing.variables], "own": own, "inside": inside}


def set_gathered(thing, state):
    """Give an object back what ``gathered`` returned of one like it."""
    variables = thing.variables
    if [v.shape for v in variables] != [value.shape for value in state["variables"]]:
        raise ValueError(
            f"The backup is of another {type(thing).__name__}, or of other weights: delete it to start anew. "
            f"Received: {len(state['variables'])} arrays for {len(variables)} variables"
        )
    for variable, value in zip(variables, state["variables"], strict=True):
        variable.assign(get_backend().asarray(value))
    for name, value in state["own"].items():
        setattr(thing, name, value)
    for name, value in state["inside"].items():
        set_gathered(getattr(thing, name), value)


def _is_number(value):
    return type(value) in _PLAIN or (isinstance(value, tuple) and all(type(item) in _PLAIN for item in value))


def _is_plain(value):
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(type(key) in _PLAIN and _is_plain(item) for key, item in value.items())
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub"
    return type(value) in _PLAIN or isinstance(value, (np.number, np.bool_)) or get_backend().is_array(value)


def _gathers(value):
    """Whether this is a metric, or an optimizer, inside of another one."""
    return hasattr(value, "variables") and (hasattr(value, "update_state") or hasattr(value, "apply_gradients"))
