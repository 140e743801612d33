"""Random tensors under Keras's names, and where layers take their random numbers from.

A ``seed`` is an integer, which gives the same numbers at each call; a ``SeedGenerator``, which goes on; or None, for
the generator that ``pycnn.utils.set_random_seed`` seeds. The numbers are drawn on the host, so that they are the same
on every backend, but for dropout and noise layers: a GPU draws these itself, by a key from the host, and the same at
each run. They are not Keras's.
"""

import numpy as np

from pycnn import config, ops
from pycnn.autograd import as_tensor
from pycnn.backend.geometry import is_integer
from pycnn.backend.recording import note_draw

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


class SeedGenerator:
    """A sequence of random numbers of its own if it is given a seed, else the one of ``pycnn.utils.set_random_seed``.

    As an attribute of a layer it is saved with the model. Where threads make data (``pycnn.data``, ``PyDataset``), each
    element has a sequence of its own, of this seed and its place, so that nothing depends on who comes first.

    Parameters
    ----------
    seed : int >= 0, optional
    name : str, optional

    Examples
    --------
    >>> import pycnn
    >>> seeds = pycnn.random.SeedGenerator(1)
    >>> a, b = (pycnn.random.uniform((2,), seed=seeds) for _ in range(2))
    >>> bool((a.numpy() == b.numpy()).any())
    False
    """

    def __init__(self, seed=None, name=None):
        if seed is not None and (not is_integer(seed) or seed < 0):
            raise ValueError(f"seed must be an integer >= 0 or None. Received: seed={seed!r}")
        self.seed, self.name = seed, name or "seed_generator"
        self._own = None if seed is None else np.random.default_rng(int(seed))

    def generator(self):
        """Return the ``numpy.random.Generator`` to draw from now."""
        if self._own is None:
            generator = config.generator()
        else:
            generator = config.generator(self.seed) if config.in_seeded_scope() else self._own
        note_draw(generator)
        return generator

    def next(self, ordered=True):
        """Return an integer that seeds other draws, another one at each call."""
        return int(self.generator().integers(2**31))

    def get_config(self):
        """Return the arguments that make the same sequence from its beginning."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Make a sequence from what ``get_config`` returned."""
        return cls(**config)

    @property
    def state(self):
        """Where the sequence stands, as JSON values; None if it is not one of its own."""
        return None if self._own is None else self._own.bit_generator.state

    @state.setter
    def state(self, state):
        self._own.bit_generator.state = state


def _generator(seed):
    return (seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)).generator()


def _tensor(values, dtype):
    return as_tensor(np.asarray(values).astype(dtype or config.floatx()))


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw from the normal distribution.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.random.normal((2, 3), seed=0).shape
    (2, 3)
    """
    return _tensor(_generator(seed).normal(mean, stddev, shape), dtype)


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Draw from [minval, maxval) with equal density; whole numbers where ``dtype`` is one of integers."""
    if dtype is not None and np.dtype(dtype).kind in "iu":
        return randint(shape, minval, maxval, dtype, seed)
    return _tensor(_generator(seed).uniform(minval, maxval, shape), dtype)


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Draw whole numbers from [minval, maxval)."""
    return _tensor(_generator(seed).integers(int(minval), int(maxval), shape), dtype)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Draw from the normal distribution, anew whatever lies beyond two standard deviations."""
    generator = _generator(seed)
    values = generator.standard_normal(shape)
    while (beyond := np.abs(values) > 2).any():
        values[beyond] = generator.standard_normal(int(beyond.sum()))
    return _tensor(values * stddev + mean, dtype)


def gamma(shape, alpha, dtype=None, seed=None):
    """Draw from the gamma distribution of shape ``alpha`` and scale 1."""
    return _tensor(_generator(seed).gamma(_host(alpha), 1.0, shape), dtype)


def beta(shape, alpha, beta, dtype=None, seed=None):
    """Draw from the beta distribution; mixup and its kin blend images by it."""
    return _tensor(_generator(seed).beta(_host(alpha), _host(beta), shape), dtype)


def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """Draw the number of successes among ``counts`` trials."""
    return _tensor(_generator(seed).binomial(_host(counts).astype(int), _host(probabilities), shape), dtype)


def categorical(logits, num_samples, dtype="int32", seed=None):
    """Draw ``num_samples`` classes for each row of ``logits`` (batch, classes), unnormalised log probabilities.

    By the Gumbel trick: the largest of logits plus noise.
    """
    logits = _host(logits)
    if logits.ndim != 2:
        raise ValueError(f"logits must have 2 axes (batch, classes). Received: logits.shape={logits.shape}")
    noise = _generator(seed).gumbel(size=(len(logits), int(num_samples), logits.shape[1]))
    return _tensor((logits[:, None] + noise).argmax(-1), dtype)


def shuffle(x, axis=0, seed=None):
    """Return ``x`` with its entries along an axis in random order."""
    x = as_tensor(x)
    order = _generator(seed).permutation(x.shape[axis])
    return ops.take(x, order, axis=axis)


def dropout(inputs, rate, noise_shape=None, seed=None):
    """Set a random share ``rate`` to 0 and scale the rest by 1 / (1 - rate); see ``pycnn.ops.dropout``."""
    return ops.dropout(inputs, rate, noise_shape, _generator(seed))


def _host(value):
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)
