"""CIFAR-10: 60,000 photographs of 32 x 32 pixels, ten classes (Krizhevsky 2009)."""

from pycnn.datasets.cifar import load_records

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
"""Of the archive whose MD5 the data set's own page gives as c32a1d4ab5d03f1284b67883e8d87530."""

FOLDER = "cifar-10-batches-bin"
CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load_data():
    """Load CIFAR-10, which is downloaded (162 MB) where it is not in the cache.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images (50000, 32, 32, 3) and (10000, 32, 32, 3) uint8, or (n, 3, 32, 32) where ``channels_first`` is the
        default layout, and labels (n, 1) uint8, which number ``CLASS_NAMES``.

    Raises
    ------
    ConnectionError
        If the file is not in the cache and cannot be downloaded.

    Notes
    -----
    Keras reads the version for Python, whose files are pickles; this is the binary one, with the same pictures.
    """
    train = load_records(ORIGIN, SHA256, [f"{FOLDER}/data_batch_{i}.bin" for i in range(1, 6)], labels=1)
    return train, load_records(ORIGIN, SHA256, [f"{FOLDER}/test_batch.bin"], labels=1)
