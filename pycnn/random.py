"""Random tensors, as ``keras.random`` has them.

Without a ``seed`` they are drawn from the generator that ``set_random_seed`` seeds. An integer gives the same numbers
at each call, a ``SeedGenerator`` others at each call, the same ones in each run. The numbers are not Keras's.
"""

import numpy as np

from pycnn import config, ops
from pycnn.autograd import Tensor, as_tensor
from pycnn.backend import get_backend

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
    """A source of random numbers of its own, which goes on from call to call.

    Examples
    --------
    >>> from pycnn import random
    >>> seed = random.SeedGenerator(7)
    >>> bool(random.normal((2,), seed=seed)[0] == random.normal((2,), seed=seed)[0])
    False
    """

    def __init__(self, seed=None, name=None):
        self.name = name or "seed_generator"
        self.initial_seed = int(config.generator().integers(2**31)) if seed is None else int(seed)
        self.generator = np.random.default_rng(self.initial_seed)

    def next(self):
        """Return an integer that seeds other draws."""
        return int(self.generator.integers(2**31))

    def get_config(self):
        """Return the argument that makes the same generator again."""
        return {"seed": self.initial_seed}


def _generator(seed):
    if isinstance(seed, SeedGenerator):
        return seed.generator
    if isinstance(seed, bool) or not (seed is None or isinstance(seed, (int, np.integer))):
        raise ValueError(f"seed must be an integer, a SeedGenerator or None. Received: seed={seed!r}")
    return config.generator() if seed is None else np.random.default_rng(int(seed))


def _tensor(values, dtype):
    return Tensor.wrap(get_backend().asarray(np.asarray(values, dtype or config.floatx())))


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers.

    Examples
    --------
    >>> from pycnn import random
    >>> random.normal((2, 3), seed=0).shape
    (2, 3)
    """
    return _tensor(_generator(seed).normal(mean, stddev, tuple(shape)), dtype)


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Uniformly distributed numbers in [minval, maxval); whole ones for an integer ``dtype``."""
    if dtype is not None and np.dtype(dtype).kind in "iu":
        return randint(shape, minval, maxval, dtype, seed)
    return _tensor(_generator(seed).uniform(minval, maxval, tuple(shape)), dtype)


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Integers in [minval, maxval), all equally probable."""
    return _tensor(_generator(seed).integers(int(minval), int(maxval), tuple(shape)), dtype)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers; what is further than two ``stddev`` from the mean is drawn again."""
    generator = _generator(seed)
    values = generator.standard_normal(tuple(shape))
    outside = np.abs(values) > 2
    while outside.any():
        values[outside] = generator.standard_normal(np.count_nonzero(outside))
        outside = np.abs(values) > 2
    return _tensor(mean + stddev * values, dtype)


def categorical(logits, num_samples, dtype="int32", seed=None):
    """Class indices drawn with the probabilities softmax(logits): (batch, classes) -> (batch, num_samples)."""
    logits = as_tensor(logits).numpy().astype(np.float64)
    if logits.ndim != 2:
        raise ValueError(f"logits must be (batch, classes). Received: logits.shape={logits.shape}")
    noise = _generator(seed).gumbel(size=(len(logits), num_samples, logits.shape[1]))  # its argmax is such a draw
    return _tensor((logits[:, None] + noise).argmax(axis=-1), dtype)


def shuffle(x, axis=0, seed=None):
    """``x`` with its slices along ``axis`` in random order; gradients flow."""
    x = as_tensor(x)
    return ops.take(x, _generator(seed).permutation(x.shape[axis]), axis=axis)


def dropout(inputs, rate, noise_shape=None, seed=None):
    """``inputs`` with the share ``rate`` of their elements set to 0, and the others divided by 1 - rate.

    ``noise_shape`` has 1 for axes along which elements share their fate.
    """
    x = as_tensor(inputs)
    if not 0 <= rate < 1:
        raise ValueError(f"rate must lie in [0, 1). Received: rate={rate!r}")
    shape = x.shape if noise_shape is None else tuple(m or n for m, n in zip(noise_shape, x.shape, strict=True))
    kept = _generator(seed).uniform(size=shape) >= rate
    return ops.multiply(x, _tensor(kept / (1 - rate), x.dtype if x.dtype.kind == "f" else None))


def gamma(shape, alpha, dtype=None, seed=None):
    """Numbers of the gamma distribution of shape ``alpha`` and scale 1."""
    return _tensor(_generator(seed).gamma(as_tensor(alpha).numpy(), size=tuple(shape)), dtype)


def beta(shape, alpha, beta, dtype=None, seed=None):
    """Numbers of the beta distribution, in (0, 1)."""
    a, b = as_tensor(alpha).numpy(), as_tensor(beta).numpy()
    return _tensor(_generator(seed).beta(a, b, size=tuple(shape)), dtype)


def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """Numbers of successes in ``counts`` trials that succeed with ``probabilities``."""
    n, p = as_tensor(counts).numpy(), as_tensor(probabilities).numpy()
    return _tensor(_generator(seed).binomial(n.astype(np.int64), p, size=tuple(shape)), dtype)
