"""Layers around another layer."""

from pycnn import ops, registration
from pycnn.autograd import as_tensor
from pycnn.layers.base import Layer, serialize_layer
from pycnn.registration import register_serializable


@register_serializable("layers")
class Wrapper(Layer):
    """Base class of layers that hold one other layer, ``self.layer``, and save it with themselves."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise TypeError(f"layer must be a Layer. Received: layer={layer!r}")
        self.layer = layer

    def build(self, input_shape):
        """Build the layer inside."""
        self.layer._ensure_built(input_shape)

    def get_config(self):
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "layer": serialize_layer(self.layer)}

    @classmethod
    def from_config(cls, config):
        """Make a layer, and the one inside, of what ``get_config`` returned."""
        return cls(**{**config, "layer": registration.deserialize(config["layer"])})


@register_serializable("layers")
class TimeDistributed(Wrapper):
    """A layer applied to each step of a sequence: (batch, steps, ...) -> (batch, steps, ...).

    All steps of all samples go through the layer as one batch; Keras calls it once a step, so that a
    BatchNormalization inside averages over each step there and over all of them here.

    A ``mask`` (batch, steps, ...) is that of the output, too; the layer gets that of its steps if its ``call`` takes
    it. The output of masked steps is computed like others.

    Parameters
    ----------
    layer : Layer

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.TimeDistributed(layers.Conv2D(4, 3))(np.zeros((2, 10, 8, 8, 3))).shape
    (2, 10, 6, 6, 4)
    """

    supports_masking = True

    def build(self, input_shape):
        """Build the layer inside for one step."""
        self.layer._ensure_built(self._of_a_step(input_shape))

    def call(self, inputs, mask=None):
        """Compute the output."""
        batch, steps, *sizes = inputs.data.shape
        options = {}
        if mask is not None:
            mask = as_tensor(mask)
            if mask.shape[:2] != (batch, steps):
                raise ValueError(
                    f"mask must be (batch, steps, ...) as the inputs are. Received: mask.shape={mask.shape}, "
                    f"inputs.shape={inputs.shape}"
                )
            if self.layer._takes_mask:
                options = {"mask": ops.reshape(mask, (batch * steps, *mask.shape[2:]))}
        outputs = self.layer(ops.reshape(inputs, (batch * steps, *sizes)), **options)
        return ops.reshape(outputs, (batch, steps, *outputs.data.shape[1:]))

    def compute_output_shape(self, input_shape):
        """Return the batch size, the number of steps, and the sizes that the layer gives."""
        batch, *sizes = self.layer.compute_output_shape(self._of_a_step(input_shape))
        return (batch, input_shape[1], *sizes)

    def _of_a_step(self, shape):
        if len(shape) < 3:
            raise ValueError(f"inputs must have at least 3 axes (batch, steps, ...). Received: inputs.shape={shape}")
        return (shape[0], *shape[2:])
