"""Small things that scripts need: seeds, one-hot targets, data sets, pictures, downloads, under Keras's names."""

import numpy as np

from pycnn.callbacks.progbar import Progbar
from pycnn.config import set_random_seed
from pycnn.datasets.download import get_file
from pycnn.layers.naming import reset_names
from pycnn.models.dataset import PyDataset
from pycnn.preprocessing.folder import image_dataset_from_directory
from pycnn.preprocessing.image import array_to_img, img_to_array, load_img, save_img
from pycnn.registration import custom_object_scope, register_serializable

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "get_file",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "normalize",
    "register_serializable",
    "save_img",
    "set_random_seed",
    "to_categorical",
]

register_keras_serializable = register_serializable
Sequence = PyDataset


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


def clear_session():
    """Let the automatic names of layers start again: ``dense``, ``dense_1``, ...."""
    reset_names()
