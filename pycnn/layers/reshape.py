"""Layers that put the same numbers into another shape."""

import math

from pycnn import ops
from pycnn.backend.geometry import is_integer
from pycnn.layers.base import Layer
from pycnn.layers.image import read_data_format
from pycnn.layers.spec import InputSpec
from pycnn.registration import register_serializable


@register_serializable("layers")
class Flatten(Layer):
    """All axes but the batch as one.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        With ``channels_first`` the channels are first moved to the end, so that the Dense layer behind gets the
        same weights in both layouts.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Flatten()(np.zeros((2, 5, 5, 16))).shape
    (2, 400)
    """

    _arguments = ("data_format",)

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = read_data_format(data_format)
        self._first = self.data_format == "channels_first"
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        """Compute the output."""
        if self._first and inputs.ndim > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        shape = inputs.data.shape
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:])))

    def compute_output_shape(self, input_shape):
        """Return (None, product of the other sizes)."""
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else math.prod(sizes))


@register_serializable("layers")
class Reshape(Layer):
    """Another shape of the axes behind the batch; one size may be -1, for what remains.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Reshape((4, -1))(np.zeros((2, 12))).shape
    (2, 4, 3)
    """

    _arguments = ("target_shape",)

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        target_shape = (target_shape,) if is_integer(target_shape) else tuple(target_shape)
        if not all(is_integer(n) and n >= -1 for n in target_shape) or target_shape.count(-1) > 1:
            raise ValueError(
                f"target_shape must hold integers, at most one of them -1. Received: target_shape={target_shape}"
            )
        self.target_shape = tuple(int(n) for n in target_shape)

    def call(self, inputs):
        """Compute the output."""
        shape = self.compute_output_shape(inputs.data.shape)
        return ops.reshape(inputs, (inputs.data.shape[0], *shape[1:]))

    def compute_output_shape(self, input_shape):
        """Return the batch size and ``target_shape``, with -1 replaced by what remains."""
        target, sizes = self.target_shape, input_shape[1:]
        if None in sizes:
            return (input_shape[0], *(None if n == -1 else n for n in target))
        total, known = math.prod(sizes), math.prod(n for n in target if n != -1)
        if total != known if -1 not in target else not known or total % known:
            raise ValueError(
                f"target_shape {target} must hold the {total} elements of each input. "
                f"Received: inputs.shape={tuple(input_shape)}"
            )
        return (input_shape[0], *(total // known if n == -1 else n for n in target))


@register_serializable("layers")
class Permute(Layer):
    """Another order of the axes behind the batch, which count from 1.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Permute((2, 1))(np.zeros((10, 4, 3))).shape
    (10, 3, 4)
    """

    _arguments = ("dims",)

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims must hold each of 1, 2, ... once. Received: dims={dims}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        """Compute the output."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape):
        """Return the sizes in their new order."""
        return (input_shape[0], *(input_shape[i] for i in self.dims))
