"""Weights summed up in numbered cells, on the device until they are read: histograms and confusion matrices."""

import numpy as np

from pycnn.autograd import Tensor
from pycnn.backend import get_backend
from pycnn.losses.base import fit_weights


def added(sums, cells, weights, count):
    """Add weights to cells of ``count``; ``sums`` are those before, or None."""
    backend = get_backend()
    sums = backend.xp.zeros(count) if sums is None else sums
    backend.update_at(sums, cells.reshape(-1), weights.reshape(-1), "add")
    return sums


def read(sums, shape):
    """The sums on the host; zeros before the first."""
    return np.zeros(shape) if sums is None else get_backend().to_numpy(sums).reshape(shape)


def weights_like(p, sample_weight):
    """A number for each of ``p``, in float64: its weight, or 1."""
    ones = get_backend().xp.ones(p.shape)
    return ones if sample_weight is None else ones * fit_weights(sample_weight, Tensor.wrap(p)).data


def widened(ends, x, check):
    """Call ``check(low, high)`` for the range of ``x``; of a device return what ``check_ends`` will do so by.

    ``ends`` is what was returned for earlier arrays, None before the first.
    """
    if not x.size:
        return ends
    low, high = (end.astype("float64") for end in (x.min(), x.max()))
    if isinstance(low, (np.ndarray, np.generic)):
        check(float(low), float(high))
        return None
    xp = get_backend().xp
    mine = xp.stack([-low, high])
    return mine if ends is None else xp.maximum(ends, mine)


def check_ends(ends, check):
    """Make the checks of arrays of a device, now that their metric is read."""
    if ends is not None:
        low, high = get_backend().to_numpy(ends).tolist()
        check(-low, high)
