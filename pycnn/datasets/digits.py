"""Handwritten digits that come with scikit-learn: 1797 images of 8 x 8 pixels, ten classes, about 180 of each.

They are the test part of UCI's "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998), in the order
in which 13 people wrote them.
"""

import numpy as np

from pycnn.backend.geometry import is_integer

SPLITS = ("stratified", "writers")


def load_data(split="stratified", seed=0, dtype="float32"):
    """Load the digits as training and test data.

    Parameters
    ----------
    split : {"stratified", "writers"}
        ``"stratified"``: three quarters for training and one for the test, drawn with ``seed``, every digit as
        frequent in both. ``"writers"``: the first half against the second, in order, so that the test digits are
        written by people whose hand the model has not seen.
    seed : int
        scikit-learn's ``random_state`` of the stratified split.
    dtype : {"float32", "float64", "uint8"}
        Floats lie in 0..1, ``"uint8"`` in 0..255.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images (n, 8, 8, 1), white on black, and labels (n,) int64, 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn is missing.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((1347, 8, 8, 1), (450, 8, 8, 1))
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    if not is_integer(seed) or seed < 0:
        raise ValueError(f"seed must be an integer >= 0. Received: seed={seed!r}")
    if dtype not in ("float32", "float64", "uint8"):
        raise ValueError(f"dtype must be float32, float64 or uint8. Received: dtype={dtype!r}")
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise ImportError("pycnn.datasets.digits needs scikit-learn: pip install scikit-learn.") from error
    data = load_digits()
    images, labels = data.images[..., None] / 16.0, data.target.astype(np.int64)  # they count 0 to 16
    images = np.rint(255 * images).astype(np.uint8) if dtype == "uint8" else images.astype(dtype)
    everyone = np.arange(len(labels))
    if split == "writers":
        train, test = np.array_split(everyone, [len(labels) // 2])
    else:
        train, test = train_test_split(everyone, test_size=0.25, stratify=labels, random_state=int(seed))
    return (images[train], labels[train]), (images[test], labels[test])
