"""Photographs that come inside scikit-image, scikit-learn and matplotlib, and small pieces of them. No download.

Those for training and those for tests have nothing in common, so that no model is tested on a background that it
has seen.
"""

import functools

import numpy as np

TRAINING = ("astronaut", "camera", "coffee", "china", "brick", "grass", "motorcycle", "coins")
TEST = ("chelsea", "rocket", "flower", "hopper", "gravel", "page")

_SKLEARN, _MATPLOTLIB = ("china", "flower"), "hopper"
_SCALES = (1, 2, 4)
"""Pieces are cut out of a photograph as it is, and out of ones that are so many times smaller."""


@functools.cache
def load_photograph(name):
    """Load one of the photographs named in ``TRAINING`` and ``TEST``.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, not writable; grey ones have three equal channels.

    Raises
    ------
    ValueError
        If there is no photograph of this name.
    ImportError
        If the package is missing that it comes with.

    Examples
    --------
    >>> load_photograph("china").shape
    (427, 640, 3)
    """
    if name not in TRAINING + TEST:
        raise ValueError(f"name must be one of {', '.join(TRAINING + TEST)}. Received: name={name!r}")
    try:
        image = np.array(_read(name))
    except ImportError as error:
        raise ImportError(
            "Photographs need scikit-image, scikit-learn and matplotlib: pip install 'pycnn[examples]'."
        ) from error
    image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    image.flags.writeable = False
    return image


def _read(name):
    if name in _SKLEARN:
        from sklearn.datasets import load_sample_image

        return load_sample_image(f"{name}.jpg")
    if name == _MATPLOTLIB:
        from matplotlib.cbook import get_sample_data
        from PIL import Image

        with get_sample_data("grace_hopper.jpg") as file:
            return Image.open(file).convert("RGB")
    from skimage import data

    return data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()


@functools.cache
def _at_scales(name, size):
    """A photograph at each scale at which a square of ``size`` pixels fits in."""
    image, sizes = load_photograph(name), []
    for scale in _SCALES:
        height, width = (n // scale for n in image.shape[:2])
        if min(height, width) >= size:
            blocks = image[: height * scale, : width * scale].reshape(height, scale, width, scale, 3)
            sizes.append(np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8))
    return sizes


def random_pieces(names, count, size, generator):
    """Cut squares out of photographs: each out of a random one, at a random scale and place, half of them mirrored.

    Parameters
    ----------
    names : sequence of str
        The photographs to cut from, all equally often.
    count : int
    size : int
        Height and width, in pixels.
    generator : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        (count, size, size, 3) uint8.

    Examples
    --------
    >>> random_pieces(TEST, 5, 56, np.random.default_rng(0)).shape
    (5, 56, 56, 3)
    """
    pieces = np.empty((count, size, size, 3), np.uint8)
    sources = [_at_scales(name, size) for name in names]
    chosen = generator.integers(len(names), size=count)
    scale, down, right = generator.random((3, count))
    for i, images in enumerate(sources):
        for k, image in enumerate(images):
            mine = np.flatnonzero((chosen == i) & ((scale * len(images)).astype(int) == k))
            windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))
            rows, columns = windows.shape[:2]
            pieces[mine] = windows[(down[mine] * rows).astype(int), (right[mine] * columns).astype(int)].transpose(
                0, 2, 3, 1
            )
    mirrored = generator.random(count) < 0.5
    pieces[mirrored] = pieces[mirrored, :, ::-1]
    return pieces
