"""Where layers take their random numbers from."""

import numpy as np

from pycnn import config
from pycnn.backend.geometry import is_integer


class RandomSource:
    """A generator of the layer's own if it was given a seed, else the one of ``pycnn.utils.set_random_seed``."""

    def __init__(self, seed=None):
        if seed is not None and (not is_integer(seed) or seed < 0):
            raise ValueError(f"seed must be an integer >= 0 or None. Received: seed={seed!r}")
        self._own = None if seed is None else np.random.default_rng(int(seed))

    def generator(self):
        """Return the ``numpy.random.Generator`` to draw from now."""
        return config.generator() if self._own is None else self._own

    @property
    def state(self):
        """Where the layer's own sequence stands, as JSON values; None if it has no sequence of its own."""
        return None if self._own is None else self._own.bit_generator.state

    @state.setter
    def state(self, state):
        self._own.bit_generator.state = state
