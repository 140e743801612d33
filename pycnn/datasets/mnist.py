"""MNIST: 70,000 handwritten digits of 28 x 28 pixels (LeCun, Cortes, Burges 1998; CC BY-SA 3.0)."""

import numpy as np

from pycnn.datasets.download import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
"""As in Keras."""


def load_data(path="mnist.npz"):
    """Load MNIST, which is downloaded (11 MB) where it is not in the cache.

    Parameters
    ----------
    path : str
        Name of the file in the cache.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images (60000, 28, 28) and (10000, 28, 28) uint8, white on black in 0..255, and labels (n,) uint8, 0 to 9.

    Raises
    ------
    ConnectionError
        If the file is not in the cache and cannot be downloaded.
    """
    file = get_file(path, ORIGIN, file_hash=SHA256)
    with np.load(file, allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
