"""The entrance of a model: Input."""

from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec
from pycnn.layers.symbolic import Node, SymbolicTensor
from pycnn.registration import register_serializable


@register_serializable("layers")
class InputLayer(Layer):
    """What ``Input`` puts at the head of a model: checks the shape, casts to the dtype, and passes on."""

    _arguments = ("shape", "batch_size")

    def __init__(self, shape=None, batch_size=None, dtype=None, name=None, batch_shape=None, **kwargs):
        super().__init__(dtype=dtype, name=name, **kwargs)
        if batch_shape is not None:
            batch_size, *shape = batch_shape
        if shape is None or not all(n is None or (isinstance(n, int) and n > 0) for n in shape):
            raise ValueError(f"shape must be a tuple of sizes, without the batch. Received: shape={shape}")
        self.shape = tuple(shape)
        self.batch_size = batch_size
        self.input_spec = InputSpec(shape=self.batch_shape)
        self.built = True
        node = Node(self, ())
        node.outputs = SymbolicTensor(self.batch_shape, self.dtype, self.name, node)
        self._nodes.append(node)

    @property
    def batch_shape(self):
        """Shape with the batch: None, or the ``batch_size`` asked for, comes first."""
        return (self.batch_size, *self.shape)

    @property
    def output(self):
        """The symbolic tensor that stands for the input."""
        return self._nodes[0].outputs

    def call(self, inputs):
        """Return the inputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape, or raise if it is not the one declared."""
        try:
            self.input_spec.check(input_shape)
        except ValueError as error:
            self._put_name_on(error)
            raise
        return tuple(input_shape)


def Input(shape=None, batch_size=None, dtype=None, name=None, batch_shape=None):  # noqa: N802  Keras's name
    """The shape of a model's input, put first in a Sequential, so that its weights are made at once.

    Parameters
    ----------
    shape : tuple of ints
        Without the batch, such as ``(32, 32, 1)``; None for a size that may vary.
    batch_size : int, optional
        The only batch size allowed; any unless given.
    dtype : str, optional
        What inputs are cast to; ``config.floatx()`` unless given.
    name : str, optional
    batch_shape : tuple, optional
        Shape with the batch size, instead of the two.

    Returns
    -------
    SymbolicTensor

    Examples
    --------
    >>> import pycnn
    >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(2)])
    >>> model.count_params()
    8
    """
    return InputLayer(shape, batch_size, dtype, name, batch_shape).output
