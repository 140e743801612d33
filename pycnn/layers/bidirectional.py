"""Sequences read from both ends."""

from pycnn import ops
from pycnn.layers.base import serialize_layer
from pycnn.layers.recurrent import RNN
from pycnn.layers.wrapper import Wrapper
from pycnn.registration import deserialize, register_serializable

_MERGES = ("concat", "sum", "mul", "ave", None)


@register_serializable("layers")
class Bidirectional(Wrapper):
    """A recurrent layer and its mirror image, which reads from the end; their outputs belong to the same steps.

    Parameters
    ----------
    layer : RNN
        It reads forwards.
    merge_mode : {"concat", "sum", "mul", "ave", None}
        What becomes of both outputs; None returns them as a list.
    backward_layer : RNN, optional
        A layer with ``go_backwards``; one of the same arguments as ``layer``'s unless given.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Bidirectional(layers.LSTM(4, return_sequences=True))(np.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    _arguments = ("merge_mode",)
    _makes_mask = False

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        if not isinstance(layer, RNN) or layer.go_backwards:
            raise ValueError(f"layer must be a recurrent layer that reads forwards. Received: layer={layer!r}")
        if merge_mode not in _MERGES:
            raise ValueError(f"merge_mode must be one of {_MERGES}. Received: merge_mode={merge_mode!r}")
        if backward_layer is None:
            config = {**layer.get_config(), "go_backwards": True, "name": f"backward_{layer.name}"}
            backward_layer = type(layer).from_config(config)
        if not isinstance(backward_layer, RNN) or not backward_layer.go_backwards:
            raise ValueError(
                f"backward_layer must be a recurrent layer with go_backwards. Received: {backward_layer!r}"
            )
        for each in (layer, backward_layer):  # as in Keras
            each.zero_output_for_mask = each.return_sequences
        super().__init__(layer, **kwargs)
        self.forward_layer, self.backward_layer, self.merge_mode = layer, backward_layer, merge_mode
        if weights is not None:
            raise ValueError("weights must be None: build the layer, and call set_weights. Received: some")

    def build(self, input_shape):
        """Build both layers."""
        self.forward_layer._ensure_built(input_shape)
        self.backward_layer._ensure_built(input_shape)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Compute the output; of ``initial_state`` the first half is the forward layer's."""
        half = None if initial_state is None else len(initial_state) // 2
        states = (None, None) if half is None else (initial_state[:half], initial_state[half:])
        outputs, last = [], []
        for layer, state in zip((self.forward_layer, self.backward_layer), states, strict=True):
            y = layer(sequences, initial_state=state, mask=mask, training=training)
            y, *more = y if layer.return_state else [y]
            last += more
            outputs.append(ops.flip(y, axis=1) if layer.return_sequences and layer.go_backwards else y)
        y = self._merge(*outputs)
        if not last:
            return y
        return [*(y if self.merge_mode is None else [y]), *last]

    def _merge(self, forward, backward):
        match self.merge_mode:
            case "concat":
                return ops.concatenate([forward, backward], axis=-1)
            case "sum":
                return forward + backward
            case "mul":
                return forward * backward
            case "ave":
                return (forward + backward) / 2
        return [forward, backward]

    def compute_mask(self, inputs, mask=None):
        """Return the mask of sequences, for both if they are not merged; states have none."""
        mask = self.forward_layer.compute_mask(inputs, mask)
        return [mask, mask] if self.merge_mode is None else mask

    def compute_output_shape(self, input_shape):
        """Return the merged output's shape, in a list with those of the states if they are returned."""
        shapes = self.forward_layer.compute_output_shape(input_shape)
        output, *states = shapes if self.forward_layer.return_state else [shapes]
        outputs = [output, output]
        if self.merge_mode is not None:
            outputs = [(*output[:-1], 2 * output[-1]) if self.merge_mode == "concat" else output]
        if len(outputs) == 1 and not states:
            return outputs[0]
        return [*outputs, *states, *states]

    def get_config(self):
        """Return the arguments that make the same layer, and the ones inside."""
        return {**super().get_config(), "backward_layer": serialize_layer(self.backward_layer)}

    @classmethod
    def from_config(cls, config):
        """Make a layer, and the ones inside, of what ``get_config`` returned."""
        backward = config.get("backward_layer")
        return super().from_config({**config, "backward_layer": deserialize(backward) if backward else None})
