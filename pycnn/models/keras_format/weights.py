"""Weights in HDF5 as Keras lays them out: ``layers/conv2d/vars/0``, ..., and ``optimizer/vars/0``, ...

What a file holds is compared with what the model needs before any number of it is read, so that neither a
damaged file nor a made-up shape can fill the memory.
"""

import warnings
from contextlib import contextmanager

import numpy as np

from pycnn.backend import get_backend
from pycnn.models.keras_format.layout import IGNORED, own_variables, variables_in_order, walk
from pycnn.optimizers.schedules import LearningRateSchedule

_SLACK = 1 << 24
_MOST_EXPANSION = 1000
_OLD_LAYERS = "_layer_checkpoint_dependencies"  # what Keras 2.13 called the group "layers"

_SLOTS_TOGETHER = {"SGD": 1, "RMSprop": 1, "Adagrad": 1}
"""Optimizer -> how many slots of a weight Keras keeps side by side, before those of the next weight; else two."""


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
        except (OSError, RuntimeError, KeyError) as error:
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


def assign_weights(model, datasets, filepath):
    """Set the weights of a model to the arrays of a file; nothing is set unless all fit."""
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
            f"The file has other layers or weights than the model. Not in the file: {_some(missing)}. "
            f"Only in the file: {_some(others)}. {_of(filepath)}"
        )
    _assign({path: (variable, datasets[path]) for path, variable in weights.items()}, filepath)


def _assign(pairs, filepath):
    """Set variables to arrays: ``pairs`` is a dict path -> (variable, dataset)."""
    for path, (variable, dataset) in pairs.items():
        if dataset.shape != variable.shape:
            raise ValueError(
                f"The weight {path!r} must have the shape {variable.shape}, but the file has {dataset.shape}. "
                f"{_of(filepath)}"
            )
        if dataset.dtype.kind not in "fiu":
            raise ValueError(f"The weight {path!r} must be of numbers. Received: dtype={dataset.dtype}, {filepath!r}")
    arrays = {path: np.asarray(dataset[()]) for path, (_, dataset) in pairs.items()}
    asarray = get_backend().asarray
    for path, (variable, _) in pairs.items():
        variable.assign(asarray(arrays[path].astype(variable.dtype)))


def write_weights(file, model):
    """Write all weights of a model to an open HDF5 file."""
    weights = places(model)
    for path, layer in walk(model):
        file.create_group(f"{path}/vars" if path else "vars").attrs["name"] = layer.name
    for path, variable in weights.items():
        file[path] = np.asarray(variable.numpy())


# The optimizer


def _optimizer_places(model):
    """The variables of Keras's optimizer in their order: triples (kind, weight, slot)."""
    optimizer = model.optimizer
    order = [("iterations", None, None)]
    if not (isinstance(optimizer._learning_rate, LearningRateSchedule) or callable(optimizer._learning_rate)):
        order.append(("learning_rate", None, None))
    slots = list(optimizer.slots())
    together = _SLOTS_TOGETHER.get(type(optimizer).__name__, 2)
    trainable = [v for v in variables_in_order(model) if v.trainable]
    while slots:
        group, slots = slots[:together], slots[together:]
        order += [("slot", weight, slot) for weight in trainable for slot in group]
    if hasattr(optimizer, "_momentum_product"):  # Nadam's, which follows from the number of steps
        order.append(("momentum_product", None, None))
    return order


def write_optimizer(file, model):
    """Write the state of a model's optimizer; weights without a step so far have the state to start with."""
    optimizer = model.optimizer
    group = file.create_group("optimizer/vars")
    group.attrs["name"] = optimizer.name
    for i, (kind, weight, slot) in enumerate(_optimizer_places(model)):
        if kind == "iterations":
            value = np.int32(optimizer.iterations)
        elif kind == "learning_rate":
            value = np.float32(optimizer.learning_rate)
        elif kind == "momentum_product":
            value = np.float32(optimizer._momentum_product(optimizer.iterations))
        else:
            state = optimizer.state_of(weight)
            if slot in state:
                value = state[slot].numpy()
            else:
                value = get_backend().to_numpy(optimizer.initial_slot(slot, weight))
        group[str(i)] = value


def assign_optimizer(model, datasets, filepath):
    """Set the state of a model's optimizer to what a file holds of it."""
    found = {path: dataset for path, dataset in datasets.items() if path.startswith("optimizer/")}
    if not found:
        return
    optimizer = model.optimizer
    order = {f"optimizer/vars/{i}": place for i, place in enumerate(_optimizer_places(model))}
    numbers = {kind: path for path, (kind, _, _) in order.items() if kind != "slot"}
    without_steps = {path for path, (kind, _, _) in order.items() if kind in ("iterations", "learning_rate")}
    if set(found) not in (set(order), without_steps):
        warnings.warn(
            f"The file's optimizer has {len(found)} variables, but {optimizer.name!r} has {len(order)}: its state is "
            f"not read, and starts anew. {_of(filepath)}",
            stacklevel=4,
        )
        return
    for path in numbers.values():
        if path in found and (found[path].shape != () or found[path].dtype.kind not in "fiu"):
            raise ValueError(f"{path!r} must be one number. Received: shape={found[path].shape}, {filepath!r}")
    if set(found) == set(order):
        optimizer.build([v for v in variables_in_order(model) if v.trainable])
        states = {path: (w, slot) for path, (kind, w, slot) in order.items() if kind == "slot"}
        _assign({path: (optimizer.state_of(w)[slot], found[path]) for path, (w, slot) in states.items()}, filepath)
    optimizer.iterations = int(found[numbers["iterations"]][()])
    if "learning_rate" in numbers:
        optimizer.learning_rate = float(found[numbers["learning_rate"]][()])


def _some(names, most=5):
    listing = ", ".join(repr(n) for n in names[:most])
    return (f"{listing} and {len(names) - most} more" if len(names) > most else listing) or "nothing"
