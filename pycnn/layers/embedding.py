"""Embedding: integers as vectors that are learned."""

from pycnn import constraints, initializers, ops, regularizers
from pycnn.autograd import as_tensor
from pycnn.backend.recording import check
from pycnn.layers.base import Layer
from pycnn.layers.conv import count
from pycnn.registration import register_serializable


@register_serializable("layers")
class Embedding(Layer):
    """A vector for each of the integers 0, 1, ..., input_dim - 1.

    Parameters
    ----------
    input_dim : int
        How many integers there are.
    output_dim : int
        Length of the vectors.
    embeddings_initializer : str or Initializer
    embeddings_regularizer : str or Regularizer, optional
    embeddings_constraint : callable, optional
    mask_zero : bool
        Whether 0 stands for no input: the layers behind leave out what comes of it.
    weights : array (input_dim, output_dim), optional
        The vectors to begin with.

    Raises
    ------
    ValueError
        When called with an integer out of range.

    Examples
    --------
    >>> from pycnn import layers
    >>> layer = layers.Embedding(3, 2, weights=[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> layer([[2, 0]]).tolist()
    [[[4.0, 5.0], [0.0, 1.0]]]
    """

    autocast = False
    _arguments = (
        "input_dim",
        "output_dim",
        "embeddings_initializer",
        "embeddings_regularizer",
        "embeddings_constraint",
        "mask_zero",
    )

    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        weights=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.input_dim = count("input_dim", input_dim)
        self.output_dim = count("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = self._makes_mask = bool(mask_zero)
        self.embeddings = None
        if weights is not None:
            self.build((None,))
            as_list = isinstance(weights, (list, tuple)) and len(weights) == 1
            self.embeddings.assign(weights[0] if as_list else weights)

    def build(self, input_shape):
        """Make the vectors."""
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs):
        """Look the vectors up."""
        ids = as_tensor(inputs).data
        if ids.dtype.kind not in "iu":
            ids = ids.astype("int64")
        check(self._check_range, ids)
        return ops.take(self.embeddings, ids, 0)

    def _check_range(self, ids):
        if ids.size and not (ids.min() >= 0 and ids.max() < self.input_dim):
            raise ValueError(
                f"inputs must lie in [0, input_dim={self.input_dim}). "
                f"Received: inputs from {int(ids.min())} to {int(ids.max())}"
            )

    def compute_mask(self, inputs, mask=None):
        """Return where the inputs are not 0, if 0 is to be left out."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        """Return the input's shape and ``output_dim``."""
        return (*input_shape, self.output_dim)
