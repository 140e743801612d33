"""Normalization: features brought to mean 0 and variance 1, as measured on data."""

import math

import numpy as np

from pycnn import config, ops
from pycnn.autograd import as_tensor, no_grad
from pycnn.backend.geometry import is_integer
from pycnn.layers.base import Layer
from pycnn.ops.axes import normalize_axis
from pycnn.registration import register_serializable


@register_serializable("layers")
class Normalization(Layer):
    """``(inputs - mean) / sqrt(variance)``, with mean and variance given, or measured by ``adapt``.

    Parameters
    ----------
    axis : int, tuple of ints or None
        Axes that have a mean for each place; None for one mean of everything.
    mean, variance : float or array, optional
        Both, or neither: then call ``adapt(data)`` before training.
    invert : bool
        Undo the normalisation instead: ``inputs * sqrt(variance) + mean``.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layer = layers.Normalization()
    >>> layer.adapt(np.array([[1.0], [3.0]]))
    >>> layer([[1.0], [2.0]]).numpy()
    array([[-1.],
           [ 0.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (int(axis),) if is_integer(axis) else tuple(int(a) for a in axis)
        if (mean is None) != (variance is None) or np.shape(mean) != np.shape(variance):
            raise ValueError(
                "mean and variance must be given together, and have the same shape. "
                f"Received: mean={mean}, variance={variance}"
            )
        self.input_mean = None if mean is None else np.asarray(mean, np.float64)
        self.input_variance = None if mean is None else np.asarray(variance, np.float64)
        if mean is not None and self.input_mean.ndim > len(self.axis):
            raise ValueError(
                "mean must not have more axes than axis names. "
                f"Received: mean.shape={self.input_mean.shape}, axis={self.axis}"
            )
        self.invert = bool(invert)

    def build(self, input_shape):
        """Make the state: mean, variance and count, unless mean and variance were given."""
        rank = len(input_shape)
        kept = sorted(normalize_axis(a, rank) for a in self.axis)
        shape = tuple(input_shape[i] for i in kept)
        if None in shape:
            raise ValueError(
                f"The sizes along axis must be known. Received: axis={self.axis}, input_shape={tuple(input_shape)}"
            )
        self._reduced = tuple(i for i in range(rank) if i not in kept)
        self._wide = tuple(input_shape[i] if i in kept else 1 for i in range(rank))
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            # Keras's files hold a count, which nothing reads.
            self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")

    @property
    def mean(self):
        """The mean, a tensor that the inputs can be broadcast with."""
        return self._wide_statistic(self.input_mean, "adapt_mean")

    @property
    def variance(self):
        """The variance, a tensor that the inputs can be broadcast with."""
        return self._wide_statistic(self.input_variance, "adapt_variance")

    def _wide_statistic(self, given, name):
        if not self.built:
            raise ValueError("The layer has no mean and variance yet: call it on data, adapt or build it first")
        if given is None:
            return ops.reshape(getattr(self, name), self._wide)
        kept = [i for i in range(len(self._wide)) if i not in self._reduced]
        shape = [1] * len(self._wide)
        for place, size in zip(kept[len(kept) - given.ndim :], given.shape, strict=True):
            shape[place] = size
        return ops.cast(ops.reshape(as_tensor(given), tuple(shape)), self.dtype)

    def adapt(self, data):
        """Measure mean and variance on an array, or on all batches of an iterable.

        A batch is an array, or a tuple that begins with one, such as (inputs, targets).
        """
        if self.input_mean is not None:
            raise ValueError("adapt() is for layers that were not given mean and variance")
        batches = [data] if hasattr(data, "shape") else _batches(data)
        total, mean, variance = 0, 0.0, 0.0
        with no_grad():
            for batch in batches:
                x = ops.cast(batch[0] if isinstance(batch, tuple) else batch, "float64")
                self._ensure_built((None, *x.shape[1:]))
                count = math.prod(x.shape[i] for i in self._reduced)
                total += count
                share = count / total
                part = ops.mean(x, self._reduced)
                moved = part - mean
                variance = (1 - share) * variance + share * ops.var(x, self._reduced) + share * (1 - share) * moved**2
                mean = mean + share * moved
        if not total:
            raise ValueError("data must hold at least one batch. Received: nothing")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def call(self, inputs):
        """Compute the output, in the weights' dtype also where inputs and outputs are half as wide."""
        x = ops.cast(inputs, self.dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), config.epsilon())
        return ops.cast(x * deviation + self.mean if self.invert else (x - self.mean) / deviation, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)

    def get_config(self):
        """Return the arguments that make the same layer."""
        given = {
            "mean": None if self.input_mean is None else self.input_mean.tolist(),
            "variance": None if self.input_variance is None else self.input_variance.tolist(),
        }
        return {**super().get_config(), "axis": list(self.axis), **given, "invert": self.invert}


def _batches(data):
    """Go through batches; a sequence that knows its length need not raise IndexError at its end."""
    if isinstance(data, (list, tuple)) and data and not hasattr(data[0], "shape"):
        return [np.asarray(data)]  # an array written as a list
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return (data[i] for i in range(len(data)))
    return iter(data)
