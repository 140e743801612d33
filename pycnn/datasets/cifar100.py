"""CIFAR-100: 60,000 photographs of 32 x 32 pixels, 100 classes in 20 groups (Krizhevsky 2009)."""

from pycnn.datasets.cifar import load_records

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
SHA256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
"""Of the archive whose MD5 the data set's own page gives as 03b5dce01913d631647c71ecec9e9cb8."""

FOLDER = "cifar-100-binary"
_LABEL_MODES = ("coarse", "fine")


def load_data(label_mode="fine"):
    """Load CIFAR-100, which is downloaded (161 MB) where it is not in the cache.

    Parameters
    ----------
    label_mode : {"fine", "coarse"}
        100 classes, or 20 groups of them.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images (50000, 32, 32, 3) and (10000, 32, 32, 3) uint8, or (n, 3, 32, 32) where ``channels_first`` is the
        default layout, and labels (n, 1) int64.

    Raises
    ------
    ConnectionError
        If the file is not in the cache and cannot be downloaded.

    Notes
    -----
    Keras reads the version for Python, whose files are pickles; this is the binary one, with the same pictures.
    """
    if label_mode not in _LABEL_MODES:
        raise ValueError(f"label_mode must be one of {', '.join(_LABEL_MODES)}. Received: label_mode={label_mode!r}")
    column = _LABEL_MODES.index(label_mode)
    parts = []
    for name in ("train", "test"):
        images, labels = load_records(ORIGIN, SHA256, [f"{FOLDER}/{name}.bin"], labels=2)
        parts.append((images, labels[:, column : column + 1].astype("int64")))
    return tuple(parts)
