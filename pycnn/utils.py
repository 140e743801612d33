"""Small things that scripts need: seeds, one-hot targets, data sets, pictures, downloads, under Keras's names."""

import importlib

import numpy as np

from pycnn.callbacks.progbar import Progbar
from pycnn.config import set_random_seed
from pycnn.layers.naming import reset_names
from pycnn.layers.symbolic import SymbolicTensor
from pycnn.models.dataset import PyDataset
from pycnn.registration import custom_object_scope, register_serializable
from pycnn.saving import (
    CustomObjectScope,
    deserialize_keras_object,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

_LATER = {  # imported where they are first named
    "array_to_img": "pycnn.preprocessing.image",
    "get_file": "pycnn.datasets.download",
    "image_dataset_from_directory": "pycnn.preprocessing.folder",
    "img_to_array": "pycnn.preprocessing.image",
    "load_img": "pycnn.preprocessing.image",
    "save_img": "pycnn.preprocessing.image",
}

__all__ = [
    *_LATER,
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_registered_name",
    "get_registered_object",
    "is_keras_tensor",
    "normalize",
    "pack_x_y_sample_weight",
    "plot_model",
    "register_keras_serializable",
    "register_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

Sequence = PyDataset


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'pycnn.utils' has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(_LATER[name]), name)
    return globals()[name]


def to_categorical(x, num_classes=None):
    """Turn class indices into one-hot rows.

    Parameters
    ----------
    x : array of ints, (...) or (..., 1)
    num_classes : int, optional
        One more than the largest index unless given.

    Returns
    -------
    numpy.ndarray (..., num_classes), float32

    Raises
    ------
    ValueError
        If an index is negative or too large.

    Examples
    --------
    >>> from pycnn.utils import to_categorical
    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    x = np.asarray(x)
    if x.ndim > 1 and x.shape[-1] == 1:
        x = x[..., 0]
    indices = x.astype(np.int64)
    classes = int(indices.max(initial=-1)) + 1 if num_classes is None else num_classes
    if (indices != x).any() or (indices < 0).any() or (indices >= classes).any():
        raise ValueError(
            f"x must hold whole numbers from 0 to {classes - 1}. Received: x from {x.min()} to {x.max()}, "
            f"num_classes={num_classes}"
        )
    rows = np.zeros((indices.size, classes), np.float32)
    rows[np.arange(indices.size), indices.reshape(-1)] = 1
    return rows.reshape(*indices.shape, classes)


def is_keras_tensor(x):
    """Whether ``x`` is a symbolic tensor: what ``Input`` gives, and layers called on it.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.utils.is_keras_tensor(pycnn.Input((3,))), pycnn.utils.is_keras_tensor(pycnn.Tensor([1.0]))
    (True, False)
    """
    return isinstance(x, SymbolicTensor)


def normalize(x, axis=-1, order=2):
    """Divide by the norm along ``axis``, so that it becomes 1; rows of zeros stay.

    Examples
    --------
    >>> from pycnn.utils import normalize
    >>> normalize([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """
    x = np.asarray(x)
    norm = np.linalg.norm(np.atleast_1d(x), order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """Return what ``train_step`` gets as one value: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.

    As in Keras, weights without targets are dropped.

    Examples
    --------
    >>> from pycnn.utils import pack_x_y_sample_weight
    >>> pack_x_y_sample_weight([1.0], [2.0])
    ([1.0], [2.0])
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data):
    """Return ``(x, y, sample_weight)`` of a batch as a data set gives it; what it lacks is None.

    Examples
    --------
    >>> from pycnn.utils import unpack_x_y_sample_weight
    >>> unpack_x_y_sample_weight(([1.0], [2.0]))
    ([1.0], [2.0], None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"data must be x, (x, y) or (x, y, sample_weight). Received: data of {len(data)} parts")
    return (*data, *[None] * (3 - len(data)))


def clear_session(free_memory=True):
    """Let the automatic names of layers start again: ``dense``, ``dense_1``, ...; memory is freed by itself."""
    reset_names()


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
):
    """Draw the layers of a model, with matplotlib alone: ``pycnn.visualize.plot_model``, which see."""
    draw = importlib.import_module("pycnn.visualize").plot_model  # matplotlib is imported where it is first needed
    return draw(
        model,
        to_file,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )
