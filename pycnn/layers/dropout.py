"""Dropout."""

from pycnn import ops
from pycnn.layers.base import Layer
from pycnn.random import SeedGenerator
from pycnn.registration import register_serializable


@register_serializable("layers")
class Dropout(Layer):
    """In training, set each input to 0 with probability ``rate``, and scale the others by 1/(1 - rate).

    Parameters
    ----------
    rate : float
        In [0, 1].
    noise_shape : tuple, optional
        Shape of the choice, broadcast to the input's: ``(None, 1, 1, None)`` drops whole maps. None stands for
        the input's size.
    seed : int, optional
        For a sequence of choices of the layer's own.

    Notes
    -----
    Srivastava et al., Dropout, JMLR 15, 2014.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Dropout(0.5)([[1.0, 2.0]], training=False).numpy()
    array([[1., 2.]], dtype=float32)
    """

    supports_masking = True
    _arguments = ("rate", "noise_shape", "seed")

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must lie in [0, 1]. Received: rate={rate!r}")
        self.rate = float(rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        self._random = SeedGenerator(seed)

    def call(self, inputs, training=False):
        """Compute the output."""
        if not training or not self.rate:
            return inputs
        if self.rate == 1:
            return inputs * 0.0
        return ops.dropout(inputs, self.rate, self.noise_shape, self._random.generator())

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return tuple(input_shape)
