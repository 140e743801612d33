"""RadialBasis: how near an input is to fixed patterns."""

import numpy as np

from pycnn import ops
from pycnn.autograd import as_tensor
from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec
from pycnn.registration import register_serializable


@register_serializable("layers")
class RadialBasis(Layer):
    """Minus the squared Euclidean distance of the input to each of several fixed centres; nothing is learned.

    Keras has no such layer. In LeNet-5 the output units are these, and give the distance itself, a penalty; here it is
    negative, so that the largest output is the most likely class, as metrics and losses expect (they are logits:
    ``SparseCategoricalCrossentropy(from_logits=True)``, or ``RubbishCrossentropy``, the paper's own).

    Parameters
    ----------
    centres : (units, n) array

    Notes
    -----
    Input (batch, ..., n), output (batch, ..., units). LeCun, Bottou, Bengio and Haffner, Gradient-based learning
    applied to document recognition, Proceedings of the IEEE 86 (1998), section II.B, equation 7.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.RadialBasis([[1.0, 1.0], [1.0, -1.0]])([[0.0, 1.0]]).numpy()
    array([[-1., -5.]], dtype=float32)
    """

    _arguments = ("centres",)

    def __init__(self, centres, **kwargs):
        super().__init__(**kwargs)
        values = np.asarray(centres, dtype=np.float64)
        if values.ndim != 2 or not values.size or not np.isfinite(values).all():
            raise ValueError(f"centres must be numbers (units, n). Received: centres of shape {values.shape}")
        self.centres = values.tolist()
        self._values = values
        self.input_spec = InputSpec(min_ndim=2, axes={-1: values.shape[1]})

    def call(self, inputs):
        """Compute the output."""
        centres = as_tensor(self._values.astype(self.compute_dtype))
        return -ops.sum(ops.square(ops.expand_dims(inputs, -2) - centres), axis=-1)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with a number for each centre on the last axis."""
        return (*input_shape[:-1], len(self.centres))
