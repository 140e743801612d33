"""How one array is stretched to the shape of another: the one kind of broadcasting that kernels know."""

from functools import lru_cache
from math import prod

FEW = 8192
"""Below so many numbers two arrays are added and multiplied by ``xp``, whose call is shorter than a kernel's."""


@lru_cache(maxsize=4096)
def stretching(shape, other):
    """See the array of shape ``shape`` as (outer, middle, inner) such that ``other`` is (outer, inner), or None.

    It is None unless ``other`` equals ``shape`` but for one run of neighbouring axes, in which its lengths are 1 or
    which it lacks at its front. Equal shapes are one row, (1, 1, size).

    Examples
    --------
    >>> from pycnn.backend.stretching import stretching
    >>> stretching((8, 7, 7, 64), (64,))
    (1, 392, 64)
    >>> stretching((8, 7, 7, 64), (8, 1, 1, 64))
    (8, 49, 64)
    >>> stretching((8, 7, 7, 64), (8, 7, 7, 1))
    (392, 64, 1)
    """
    if shape == other:
        return 1, 1, prod(shape)
    if len(other) > len(shape):
        return None
    other = (1,) * (len(shape) - len(other)) + other
    axes = [i for i, (n, m) in enumerate(zip(shape, other, strict=True)) if n != m]
    if not axes:
        return 1, 1, prod(shape)
    first, last = axes[0], axes[-1] + 1
    if any(n != 1 for n in other[first:last]):
        return None
    return prod(shape[:first]), prod(shape[first:last]), prod(shape[last:])


def without_repetitions(b, shape):
    """The numbers that a view repeats, each once, where a kernel can stretch them: the gradient of a mean.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn.backend.stretching import without_repetitions
    >>> without_repetitions(np.broadcast_to(np.ones(3), (5, 3)), (5, 3)).shape
    (1, 3)
    """
    if 0 not in b.strides:
        return b
    core = b[tuple(slice(1) if stride == 0 else slice(None) for stride in b.strides)]
    return core if stretching(shape, core.shape) else b
