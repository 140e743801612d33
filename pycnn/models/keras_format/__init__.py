"""Keras 3's own files: ``.keras``, a zip archive of JSON and HDF5, and ``.weights.h5``.

archive.py   the zip container              names.py      what Keras and pycnn both have, and what only one has
writing.py   models as Keras's JSON         reading.py    Keras's JSON as models
graph.py     functional models, both ways   operations.py functions in graphs, both ways
layout.py    where each weight lies         weights.py    HDF5, both ways
optimizer.py the optimizer's state, both ways

Nothing in such a file is run: names are looked up in the registry, and a file that holds code is refused.
"""

import io
import os
import warnings

from pycnn.layers.structure import is_shape
from pycnn.layers.weights import weights_limited_to
from pycnn.models.files import existing_file, written_whole
from pycnn.models.keras_format import archive, weights
from pycnn.models.keras_format.optimizer import matching_state, write_optimizer
from pycnn.models.keras_format.reading import Reader
from pycnn.models.keras_format.writing import write_config, write_layer
from pycnn.registration import custom_object_scope

_COMPILE = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")


def save_model(model, filepath, overwrite=True, include_optimizer=True):
    """Write a model to a ``.keras`` file, which ``keras.saving.load_model`` reads."""
    path = os.fspath(filepath)
    if not path.endswith(".keras"):
        raise ValueError(f"A file *.weights.h5 holds weights alone: use save_weights. Received: filepath={path!r}")
    h5py = weights.import_h5py()
    config = write_layer(model)
    config["compile_config"] = _compile_config(model)
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        weights.write_weights(file, model)
        if include_optimizer and config["compile_config"] and model.optimizer is not None:
            write_optimizer(file, model)
    with written_whole(path, overwrite) as beside:
        archive.write_archive(beside, config, memory.getvalue())


def save_weights(model, filepath, overwrite=True):
    """Write a model's weights to a ``.weights.h5`` file, which Keras's ``load_weights`` reads.

    As in Keras, the state of a compiled model's optimizer goes with them.
    """
    path = os.fspath(filepath)
    if not path.endswith(".weights.h5"):
        raise ValueError(f"Weights alone go into a file *.weights.h5. Received: filepath={path!r}")
    h5py = weights.import_h5py()
    with written_whole(path, overwrite) as beside, h5py.File(beside, "w") as file:
        weights.write_weights(file, model)
        if model.compiled and model.optimizer is not None:
            write_optimizer(file, model)


def load_model(filepath, custom_objects=None, compile=True):
    """Read a model from a ``.keras`` file of Keras 3 or of pycnn."""
    path = existing_file(filepath)
    if not path.endswith(".keras"):
        raise ValueError(
            "The file holds weights alone: make the model and use model.load_weights(filepath). "
            f"Received: filepath={path!r}"
        )
    with archive.opened_archive(path) as opened:
        config = archive.read_config(opened, path)
        memory = archive.read_weights(opened, path)
    with weights.opened(memory, path) as file:
        datasets = weights.datasets_in(file, path)
        reader = Reader(custom_objects)
        with custom_object_scope(custom_objects or {}), weights_limited_to(weights.stored_numbers(datasets)):
            try:
                model = _read_model(reader, config)
                settings = reader.read(config.get("compile_config")) if compile else None
            except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
                raise ValueError(f"{error} (while reading the file {path!r})") from error
        if settings:
            model.compile(**{key: value for key, value in settings.items() if key in _COMPILE})
        _assign(model, datasets, path)
    return model


def load_weights(model, filepath):
    """Read a model's weights from a ``.weights.h5`` or ``.keras`` file, and with them the state of its optimizer."""
    path = existing_file(filepath)
    if path.endswith(".keras"):
        with archive.opened_archive(path) as opened:
            source = archive.read_weights(opened, path)
    else:
        source = path
    with weights.opened(source, path) as file:
        _assign(model, weights.datasets_in(file, path), path)


def _assign(model, datasets, path):
    """Set all weights of a model, and the state of its optimizer if it has one; nothing unless all fit."""
    pairs, learning_rate = weights.matching_weights(model, datasets, path), None
    if model.compiled and model.optimizer is not None:
        state, learning_rate = matching_state(model, datasets, path)
        pairs |= state
    weights.assign(pairs, path)
    if learning_rate is not None:
        model.optimizer.learning_rate = learning_rate


def _read_model(reader, config):
    model = reader.read(config)
    if not hasattr(model, "load_weights"):
        raise ValueError(f"The file must hold a model. Received: class_name={config.get('class_name')!r}")
    shape = (config.get("build_config") or {}).get("input_shape")
    if not model.built and shape is not None:
        model.build(_tuples(shape))
    return model


def _tuples(shape):
    """Shapes that JSON made lists; the batch size that a model was once built with is forgotten."""
    if is_shape(shape):
        return (None, *shape[1:])
    if isinstance(shape, dict):
        return {key: _tuples(value) for key, value in shape.items()}
    return [_tuples(value) for value in shape]


def _compile_config(model):
    if not model.compiled:
        return None
    try:
        return write_config(model.get_compile_config())
    except (ValueError, NotImplementedError) as error:
        warnings.warn(f"The file will not hold how the model was compiled: {error}", stacklevel=5)
        return None
