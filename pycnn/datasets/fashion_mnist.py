"""Fashion-MNIST: 70,000 pictures of clothes, 28 x 28 pixels, ten classes (Xiao, Rasul, Vollgraf 2017; MIT)."""

import gzip
import os

import numpy as np

from pycnn.datasets.download import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
"""As in torchvision; Keras checks none."""

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_data():
    """Load Fashion-MNIST, which is downloaded (30 MB) where it is not in the cache.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images (60000, 28, 28) and (10000, 28, 28) uint8, and labels (n,) uint8, which number ``CLASS_NAMES``.

    Raises
    ------
    ConnectionError
        If a file is not in the cache and cannot be downloaded.
    """
    arrays = []
    for name, sha256 in SHA256.items():
        folder = os.path.join("datasets", "fashion-mnist")
        arrays.append(read_idx(get_file(name, ORIGIN + name, file_hash=sha256, cache_subdir=folder)))
    x_train, y_train, x_test, y_test = arrays
    return (x_train, y_train), (x_test, y_test)


def read_idx(path):
    """Read a gzipped IDX file of bytes: two zeros, 8 for bytes, the number of axes, their lengths, the values."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    axes = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    shape = np.frombuffer(content, ">u4", axes, offset=4) if len(content) >= 4 + 4 * axes and axes else ()
    if not axes or len(content) != 4 + 4 * axes + int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"The file is no IDX file of bytes. Received: path={path!r}")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()
