"""The entrance of a model: Input."""

import numpy as np

from pycnn import config, ops
from pycnn.autograd import Tensor
from pycnn.backend.dtypes import is_number
from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec
from pycnn.layers.structure import map_structure
from pycnn.layers.symbolic import SymbolicTensor
from pycnn.registration import register_serializable


@register_serializable("layers")
class InputLayer(Layer):
    """What ``Input`` puts at the head of a model: checks the shape, casts to the dtype, and passes on."""

    supports_masking = True
    _arguments = ("shape", "batch_size", "dtype")

    def __init__(
        self, shape=None, batch_size=None, dtype=None, name=None, batch_shape=None, input_shape=None, **kwargs
    ):
        super().__init__(name=name, **kwargs)
        self.dtype = _dtype_name(dtype)
        if batch_shape is not None:
            batch_size, *shape = batch_shape
        elif shape is None:
            shape = input_shape
        if shape is None or not all(n is None or (isinstance(n, int) and n > 0) for n in shape):
            raise ValueError(f"shape must be a tuple of sizes, without the batch. Received: shape={shape}")
        self.shape = tuple(shape)
        self.batch_size = batch_size
        self.input_spec = InputSpec(shape=self.batch_shape)
        self.built = True
        self._remember((), {}, SymbolicTensor(self.batch_shape, self.dtype))

    @property
    def compute_dtype(self):
        """What inputs are cast to: ``dtype``, whatever the policy of layers that compute."""
        return self.dtype

    @property
    def batch_shape(self):
        """Shape with the batch: None, or the ``batch_size`` asked for, comes first."""
        return (self.batch_size, *self.shape)

    @property
    def input(self):
        """The symbolic tensor that stands for the input."""
        return self.output

    def _admit(self, inputs):
        """Convert and check inputs; an axis of size 1 at the end may be missing, or be too many, as in Keras."""
        inputs = map_structure(self._convert, inputs)
        if type(inputs) is Tensor:
            ndim = len(self.batch_shape)
            if inputs.ndim == ndim - 1 and self.batch_shape[-1] == 1:
                inputs = ops.expand_dims(inputs, -1)
            elif inputs.ndim == ndim + 1 and inputs.shape[-1] == 1:
                inputs = ops.squeeze(inputs, -1)
        return super()._admit(inputs)

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


def _dtype_name(dtype):
    dtype = np.dtype(config.floatx() if dtype is None else dtype)
    if not is_number(dtype):
        raise ValueError(f"dtype must be that of floats, integers or bool. Received: dtype={dtype.name!r}")
    return dtype.name


def Input(shape=None, batch_size=None, dtype=None, name=None, batch_shape=None):  # noqa: N802  Keras's name
    """The place of a model's input: put first in a Sequential, or given to layers to make a graph (see ``Model``).

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
