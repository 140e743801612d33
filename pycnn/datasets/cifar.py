"""What the two CIFAR data sets share: records of labels and a picture, in an archive."""

import tarfile

import numpy as np

from pycnn import config
from pycnn.datasets.download import get_file

_PIXELS = 3 * 32 * 32


def load_records(origin, sha256, names, labels):
    """Read members of an archive of the binary version.

    That version is used, not the one for Python: its files are plain bytes, while reading the other one can run
    code that it holds.

    Parameters
    ----------
    origin, sha256 : str
    names : list of str
        The members to read, one after another.
    labels : int
        Bytes in front of each picture.

    Returns
    -------
    images, labels
        (n, 32, 32, 3), or channels first where that is the default layout, and (n, labels), uint8.
    """
    path = get_file(origin=origin, file_hash=sha256)
    parts = []
    with tarfile.open(path) as archive:
        for name in names:
            content = np.frombuffer(archive.extractfile(name).read(), np.uint8)
            if content.size % (labels + _PIXELS):
                raise ValueError(f"The member {name!r} has no whole number of records. Received: {path!r}")
            parts.append(content.reshape(-1, labels + _PIXELS))
    records = np.concatenate(parts)
    images = records[:, labels:].reshape(-1, 3, 32, 32)
    if config.image_data_format() == "channels_last":
        images = images.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, :labels].copy()
