"""Weights in HDF5 as Keras lays them out: ``layers/conv2d/vars/0``, ...

What a file holds is compared with what the model needs before any number of it is read, so that neither a
damaged file nor a made-up shape can fill the memory.
"""

from contextlib import contextmanager

import numpy as np

from pycnn.backend import get_backend
from pycnn.models.files import list_names
from pycnn.models.keras_format.layout import IGNORED, own_variables, walk

_SLACK = 1 << 24
_MOST_EXPANSION = 1000
_OLD_LAYERS = "_layer_checkpoint_dependencies"  # what Keras 2.13 called the group "layers"


def import_h5py():
    """Return the module h5py, or raise an error that says how to get it."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError("Keras's files are read and written by h5py: pip install 'pycnn[keras]'") from error
    return h5py


@contextmanager
def opened(source, filepath):
    """Open an HDF5 file, a path or what is in memory, to read it; whatever is wrong with it becomes a ValueError."""
    h5py = import_h5py()
    try:
        file = h5py.File(source, "r")
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"The weights are damaged, cut short, or not in HDF5 ({error}). {_of(filepath)}") from error
    with file:
        try:
            yield file
        except (OSError, RuntimeError, KeyError, UnicodeError) as error:
            raise ValueError(f"The file's weights are damaged ({error}). {_of(filepath)}") from error


def _of(filepath):
    return f"Received: filepath={filepath!r}"


def datasets_in(file, filepath):
    """Return all arrays of a file that lie in it: path -> dataset. Links to other places and files are refused."""
    h5py = import_h5py()
    found = {}

    def search(group, prefix):
        for name in group:
            path = f"{prefix}{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"A file of weights must not link to other places, as {path!r} does. {_of(filepath)}")
            item = group[name]
            if isinstance(item, h5py.Group):
                if path.count("/") > 100:
                    raise ValueError(f"The groups of the file are nested too deeply. {_of(filepath)}")
                search(item, f"{path}/")
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise ValueError(f"The array {path!r} must lie in the file itself. {_of(filepath)}")
                if item.nbytes > _SLACK + _MOST_EXPANSION * item.id.get_storage_size():
                    raise ValueError(f"The array {path!r} claims {item.nbytes} bytes, and has not. {_of(filepath)}")
                found[path] = item

    search(file, "")
    return {path.replace(_OLD_LAYERS, "layers"): dataset for path, dataset in found.items()}


def stored_numbers(datasets):
    """How many numbers the model's weights can have in all: those in the file, and some for which it may lack."""
    return _SLACK + sum(d.size for path, d in datasets.items() if not path.startswith("optimizer/"))


def places(model):
    """Return a dict path -> Variable of all weights of a model."""
    weights = {}
    for path, layer in walk(model):
        prefix = f"{path}/vars" if path else "vars"
        weights |= {f"{prefix}/{i}": variable for i, variable in enumerate(own_variables(layer))}
    return weights


def matching_weights(model, datasets, filepath):
    """Return a dict path -> (variable, dataset) of all weights of a model, or raise if the file has other ones."""
    weights = places(model)
    others = [
        path
        for path in datasets
        if path not in weights
        and not path.startswith("optimizer/")
        and not any(part in IGNORED for part in path.split("/"))
    ]
    missing = [path for path in weights if path not in datasets]
    if missing or others:
        raise ValueError(
            f"The file has other layers or weights than the model. Not in the file: {list_names(missing)}. "
            f"Only in the file: {list_names(others)}. {_of(filepath)}"
        )
    return {path: (variable, datasets[path]) for path, variable in weights.items()}


def assign(pairs, filepath):
    """Set variables to arrays: ``pairs`` is a dict path -> (variable, dataset). Nothing is set unless all fit."""
    for path, (variable, dataset) in pairs.items():
        require_numbers(path, dataset, variable.shape, filepath)
    arrays = {path: np.asarray(dataset[()]) for path, (_, dataset) in pairs.items()}
    asarray = get_backend().asarray
    for path, (variable, _) in pairs.items():
        variable.assign(asarray(arrays[path].astype(variable.dtype)))


def require_numbers(path, dataset, shape, filepath):
    """Raise unless an array of a file is one of numbers, and has this shape."""
    if dataset.shape != shape:
        raise ValueError(f"The array {path!r} must have the shape {shape}, but has {dataset.shape}. {_of(filepath)}")
    if dataset.dtype.kind not in "fiu":
        raise ValueError(f"The array {path!r} must be one of numbers, but has dtype {dataset.dtype}. {_of(filepath)}")


def write_weights(file, model):
    """Write all weights of a model to an open HDF5 file."""
    weights = places(model)
    for path, layer in walk(model):
        file.create_group(f"{path}/vars" if path else "vars").attrs["name"] = layer.name
    for path, variable in weights.items():
        file[path] = np.asarray(variable.numpy())
