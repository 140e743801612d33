"""Real handwritten digits on pieces of real photographs: 32 x 32 pixels, colours, ten classes. No download.

One of scikit-learn's digits, enlarged, in a colour that stands out, lies somewhere on each piece. Digits and
photographs of the training pictures do not occur in the test pictures.
"""

import numpy as np

from pycnn.backend.geometry import is_integer
from pycnn.datasets import digits, photographs
from pycnn.datasets.digit_ink import contrasting_colours, draw_ink, paint

SIZE = 32
HEIGHTS = (22, 30)
"""Of the digits, in pixels: the smallest and the largest."""


def load_data(seed=0, train_size=8000, test_size=2000, dtype="float32"):
    """Make the pictures; it takes about a second.

    Parameters
    ----------
    seed : int
        Of places, sizes, colours and backgrounds. Which digits are training digits does not depend on it: those of
        ``digits.load_data()``, three quarters of all.
    train_size, test_size : int
        Numbers of pictures. Each digit is used as often as every other one, or once more.
    dtype : {"float32", "float64", "uint8"}
        Floats lie in 0..1, ``"uint8"`` in 0..255.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images (n, 32, 32, 3) and labels (n,) int64, 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn, scikit-image or matplotlib is missing.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data(train_size=100, test_size=50)
    >>> x_train.shape, y_test.shape
    ((100, 32, 32, 3), (50,))
    """
    check_request(seed, train_size, test_size)
    if dtype not in ("float32", "float64", "uint8"):
        raise ValueError(f"dtype must be float32, float64 or uint8. Received: dtype={dtype!r}")
    parts = []
    sizes, names = (train_size, test_size), (photographs.TRAINING, photographs.TEST)
    for part, (real, count, photos) in enumerate(zip(digits.load_data(), sizes, names, strict=True)):
        images, labels = _make(*real, count, photos, np.random.default_rng([part, int(seed)]))
        parts.append((images if dtype == "uint8" else (images / 255).astype(dtype), labels))
    return tuple(parts)


def check_request(seed, train_size, test_size):
    """Require a seed >= 0 and at least one picture for training and for the test."""
    if not is_integer(seed) or seed < 0:
        raise ValueError(f"seed must be an integer >= 0. Received: seed={seed!r}")
    for name, size in (("train_size", train_size), ("test_size", test_size)):
        if not is_integer(size) or size < 1:
            raise ValueError(f"{name} must be an integer >= 1. Received: {name}={size!r}")


def in_turn(count, total, generator):
    """Choose ``count`` of ``total`` things, shuffled: each as often as every other one, or once more."""
    rounds = -(-count // total)
    return np.concatenate([generator.permutation(total) for _ in range(rounds)])[:count]


def _make(digit_images, labels, count, photos, generator):
    """Put ``count`` digits, drawn from all of them in turn, on pieces of photographs."""
    chosen = in_turn(count, len(labels), generator)
    heights = generator.uniform(*HEIGHTS, count)
    tops, lefts = generator.random((2, count)) * (SIZE - heights)
    ink = draw_ink(digit_images[chosen, ..., 0], heights, tops, lefts, SIZE)
    pieces = photographs.random_pieces(photos, count, SIZE, generator)
    _, colours = contrasting_colours(pieces, ink, generator)
    return paint(pieces, ink, colours), labels[chosen]
