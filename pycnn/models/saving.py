"""Models in one file: a safetensors file whose metadata holds the configuration as JSON.

Nothing in such a file is code: classes are looked up by name in the registry, weights are plain arrays. A file
is written beside its place and then moved there, so that no half-written one is ever seen.

The one metadata entry ``pycnn`` is a JSON object::

    format     1
    kind       "model", or "weights" (save_weights)
    version    of pycnn
    model      {"package", "class_name", "config"}     build_shape   where the model cannot tell it by itself
    compile    arguments of compile, or null
    random     states of the generators of layers that have seeds of their own
    checksum   CRC-32 of all arrays, in the order of their names

The arrays are ``model/<layer>/<weight>``, ``optimizer/<layer>/<weight>/<slot>`` and ``optimizer/iterations``.
"""

import json
import os
import sys
import warnings
import zlib

import numpy as np

from pycnn.backend import get_backend
from pycnn.layers.base import serialize_layer
from pycnn.models.files import existing_file, list_names, written_whole
from pycnn.random import SeedGenerator
from pycnn.registration import custom_object_scope, deserialize, serialize

_FORMAT = 1
_KEY = "pycnn"


def is_keras_file(filepath):
    """Whether a file's name is that of a Keras model, ``*.keras``, or of Keras's weights, ``*.weights.h5``."""
    return os.fspath(filepath).endswith((".keras", ".weights.h5"))


def _keras_format():
    """The package for Keras's files, which few scripts need: imported where one is named."""
    from pycnn.models import keras_format

    return keras_format


def save_model(model, filepath, overwrite=True, include_optimizer=True):
    """Write a model to one file; see ``Model.save``."""
    if is_keras_file(filepath):
        return _keras_format().save_model(model, filepath, overwrite, include_optimizer)
    config = {"kind": "model", "model": serialize_layer(model), "compile": _compile_config(model)}
    if model._build_shape is not None:
        config["build_shape"] = model._build_shape
    config["random"] = {i: source.state for i, source in _random_sources(model) if source.state is not None}
    arrays = named_arrays("model", model.named_weights())
    optimizer = model.optimizer if include_optimizer else None
    if config["compile"] is not None and optimizer is not None and optimizer.built:
        arrays |= named_arrays("optimizer", _optimizer_state(model))
    write_file(filepath, config, arrays, overwrite)


def save_weights(model, filepath, overwrite=True):
    """Write a model's weights alone to a file; see ``Model.save_weights``."""
    if not model.built:
        raise ValueError(f"The model {model.name!r} has no weights yet: call it on data, or build(input_shape), first")
    if is_keras_file(filepath):
        return _keras_format().save_weights(model, filepath, overwrite)
    write_file(filepath, {"kind": "weights"}, named_arrays("model", model.named_weights()), overwrite)


def load_model(filepath, custom_objects=None, compile=True):
    """Read a model that ``model.save`` wrote, with its weights and the state of its optimizer.

    Parameters
    ----------
    filepath : str or path
        Of a model that pycnn wrote, or, if the name ends in ``.keras``, one that Keras 3 or pycnn wrote in Keras's
        format. No code of a file is run: classes that nobody registered, and lambdas, are refused.
    custom_objects : dict, optional
        Classes and functions by name, for those that were not registered with
        ``pycnn.utils.register_serializable``.
    compile : bool
        Whether to compile the model as it was.

    Returns
    -------
    Model

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, not of pycnn, names a layer that nobody registered, or lacks weights.
    """
    if is_keras_file(filepath):
        return _keras_format().load_model(filepath, custom_objects, compile)
    config, arrays = read_file(filepath)
    if config.get("kind") != "model" or "model" not in config:
        raise ValueError(
            "The file holds weights alone: make the model and use model.load_weights(filepath). "
            f"Received: filepath={os.fspath(filepath)!r}"
        )
    with custom_object_scope(custom_objects or {}):
        try:
            model = deserialize(config["model"])
            settings = deserialize(config["compile"]) if compile and config.get("compile") else None
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{error} (while reading the file {os.fspath(filepath)!r})") from error
    if not model.built and config.get("build_shape") is not None:
        model.build(_tuples(config["build_shape"]))
    assign(model.named_weights(), arrays, "model", filepath)
    for i, source in _random_sources(model):
        if i in config.get("random", {}):
            source.state = config["random"][i]
    if settings is not None:
        model.compile(**settings)
        _load_optimizer(model, arrays, filepath)
    return model


def load_weights(model, filepath):
    """Read weights from a file into a model that has the same layers; see ``Model.load_weights``."""
    if not model.built:
        raise ValueError(f"The model {model.name!r} has no weights yet: call it on data, or build(input_shape), first")
    if is_keras_file(filepath):
        return _keras_format().load_weights(model, filepath)
    _, arrays = read_file(filepath)
    assign(model.named_weights(), arrays, "model", filepath)


def _compile_config(model):
    if not model.compiled:
        return None
    try:
        return serialize(model.get_compile_config())
    except (ValueError, NotImplementedError) as error:
        warnings.warn(f"The file will not hold how the model was compiled: {error}", stacklevel=4)
        return None


def _random_sources(model):
    """Pairs (number as a string, source) of the random numbers of all layers that have some."""
    sources = [(str(i), getattr(layer, "_random", None)) for i, layer in enumerate(model.flatten_layers())]
    return [(i, source) for i, source in sources if isinstance(source, SeedGenerator)]


def _optimizer_state(model):
    """The optimizer's state by name: ``iterations`` and what else is no weight's, and ``<layer>/<weight>/<slot>``."""
    named = dict(model.optimizer.numbers)
    for name, weight in model.named_weights().items():
        named |= {f"{name}/{slot}": variable for slot, variable in model.optimizer.state_of(weight).items()}
    return named


def _load_optimizer(model, arrays, filepath):
    names = {name.removeprefix("optimizer/") for name in arrays if name.startswith("optimizer/")}
    if names:
        with_state = {name.rpartition("/")[0] for name in names}
        model.optimizer.build([weight for name, weight in model.named_weights().items() if name in with_state])
        assign(_optimizer_state(model), arrays, "optimizer", filepath)


def named_arrays(prefix, named):
    """The numbers of variables, for a file, under their names behind a prefix."""
    return {f"{prefix}/{name}": np.asarray(variable.numpy(), order="C") for name, variable in named.items()}


def _checksum(arrays):
    value = 0
    for name in sorted(arrays):
        value = zlib.crc32(arrays[name].reshape(-1).view(np.uint8), zlib.crc32(name.encode(), value))
    return value


def write_file(filepath, config, arrays, overwrite=True):
    """Write arrays by name, and a configuration of JSON values beside them, to one file."""
    from safetensors.numpy import save_file

    config = {"format": _FORMAT, "version": sys.modules["pycnn"].__version__, **config, "checksum": _checksum(arrays)}
    text = json.dumps(config, allow_nan=True)
    with written_whole(filepath, overwrite) as beside:
        save_file(arrays, beside, metadata={_KEY: text})


def read_file(filepath):
    """Return the configuration and the arrays of a file that ``write_file`` wrote, or raise."""
    from safetensors import SafetensorError, safe_open

    path = existing_file(filepath)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  safe_open is no dict
    except (SafetensorError, ValueError, OSError) as error:
        raise ValueError(
            f"The file is damaged, cut short, or not a pycnn file ({error}). Received: filepath={path!r}"
        ) from error
    if _KEY not in metadata:
        raise ValueError(f"The file holds arrays, but pycnn did not write it. Received: filepath={path!r}")
    try:
        config = json.loads(metadata[_KEY])
    except ValueError as error:
        raise ValueError(f"The file's configuration is damaged ({error}). Received: filepath={path!r}") from error
    if not isinstance(config, dict) or not isinstance(config.get("format"), int):
        raise ValueError(f"The file's configuration is damaged. Received: filepath={path!r}")
    if config["format"] > _FORMAT:
        raise ValueError(
            f"The file was written by a later pycnn ({config.get('version')}), in format {config['format']}; this one "
            f"reads up to {_FORMAT}. Received: filepath={path!r}"
        )
    if config.get("checksum") != _checksum(arrays):
        raise ValueError(f"The file's arrays are damaged: their checksum is wrong. Received: filepath={path!r}")
    return config, arrays


def assign(named, arrays, prefix, filepath):
    """Set variables to arrays of the same names; nothing is set unless all fit."""
    found = {name.removeprefix(f"{prefix}/"): a for name, a in arrays.items() if name.startswith(f"{prefix}/")}
    missing, surplus = [n for n in named if n not in found], [n for n in found if n not in named]
    if missing or surplus:
        raise ValueError(
            f"The file's {prefix} has other layers or weights. Not in the file: {list_names(missing)}. "
            f"Only in the file: {list_names(surplus)}. Received: filepath={os.fspath(filepath)!r}"
        )
    for name, variable in named.items():
        if found[name].shape != variable.shape:
            raise ValueError(
                f"The weight {name!r} must have the shape {variable.shape}, but the file has {found[name].shape}. "
                f"Received: filepath={os.fspath(filepath)!r}"
            )
    asarray = get_backend().asarray
    for name, variable in named.items():
        variable.assign(asarray(found[name]))


def _tuples(shape):
    """Shapes that JSON made lists."""
    if isinstance(shape, dict):
        return {key: _tuples(value) for key, value in shape.items()}
    if all(n is None or isinstance(n, int) for n in shape):
        return tuple(shape)
    return [_tuples(value) for value in shape]
