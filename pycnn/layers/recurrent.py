"""Recurrent layers: sequences (batch, steps, n), step by step."""

from pycnn import ops
from pycnn.layers.base import Layer, serialize_layer
from pycnn.layers.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from pycnn.layers.spec import InputSpec
from pycnn.registration import deserialize, register_serializable


@register_serializable("layers")
class RNN(Layer):
    """A cell, step by step over sequences.

    Parameters
    ----------
    cell : Cell
        ``SimpleRNNCell``, ``LSTMCell``, ``GRUCell``, or a class made of one of them, with a ``step`` of its own.
    return_sequences : bool
        Whether to return the outputs of all steps, (batch, steps, units), and not the last one only, (batch, units).
    return_state : bool
        Whether to return the last states, too, behind the output.
    go_backwards : bool
        Whether the last step of a sequence is read first; outputs are in the order of reading.
    zero_output_for_mask : bool
        Whether the outputs of masked steps are 0, and not those of before.

    Call arguments: ``mask`` (batch, steps) of bools, steps without which states and output stay as they were, and
    ``initial_state``, a list of (batch, units), zeros unless given. The mask of the inputs is used unless one is given;
    not so with ``initial_state``: as in Keras the call must then say ``mask=``. Of Keras's arguments ``stateful`` must
    be False (give ``initial_state`` instead).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.RNN(layers.LSTMCell(4), return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    _arguments = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
    _makes_mask = False

    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(cell, Cell):
            raise TypeError(f"cell must be one like SimpleRNNCell, LSTMCell or GRUCell. Received: cell={cell!r}")
        if stateful:
            raise ValueError(f"stateful must be False: give initial_state instead. Received: stateful={stateful!r}")
        self.cell = cell
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful, self.unroll = bool(go_backwards), False, bool(unroll)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape):
        """Build the cell."""
        self.cell._ensure_built((input_shape[0], input_shape[2]))

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Compute the output."""
        batch, _, size = sequences.shape
        if initial_state is None:
            initial_state = [ops.zeros((batch, self.cell.units), sequences.dtype)] * self.cell.state_count
        if not isinstance(initial_state, (list, tuple)):
            initial_state = [initial_state]
        drop, recurrent_drop = self.cell.masks(batch, size, training)
        sequences = sequences if drop is None else sequences * drop[:, None]
        if self.go_backwards:
            sequences, mask = sequences[:, ::-1], None if mask is None else ops.convert_to_tensor(mask)[:, ::-1]
        whole = None if recurrent_drop is not None else self.cell.whole(sequences, list(initial_state), mask)
        y, states = whole or self._steps(sequences, list(initial_state), mask, recurrent_drop)
        if self.zero_output_for_mask and mask is not None:
            y = ops.where(ops.convert_to_tensor(mask)[..., None], y, 0.0)
        output = y if self.return_sequences else y[:, -1]
        return [output, *states] if self.return_state else output

    def _steps(self, sequences, states, mask, recurrent_drop):
        outputs = []
        for t in range(sequences.shape[1]):
            output, new = self.cell.step(sequences[:, t], states, recurrent_drop)
            if mask is not None:
                seen = ops.convert_to_tensor(mask)[:, t][:, None]
                new = [ops.where(seen, a, b) for a, b in zip(new, states, strict=True)]
                output = ops.where(seen, output, outputs[-1] if outputs else ops.zeros_like(output))
            outputs.append(output)
            states = new
        return ops.stack(outputs, axis=1), states

    def compute_mask(self, inputs, mask=None):
        """Return the mask of sequences; a single output, and states, have none."""
        return mask if self.return_sequences else None

    def compute_output_shape(self, input_shape):
        """Return the output's shape, in a list with those of the states if they are returned."""
        batch, steps, _ = input_shape
        state = (batch, self.cell.units)
        output = (batch, steps, self.cell.units) if self.return_sequences else state
        return [output, *[state] * self.cell.state_count] if self.return_state else output

    def get_config(self):
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "cell": serialize_layer(self.cell)}

    @classmethod
    def from_config(cls, config):
        """Make a layer, and the cell inside, of what ``get_config`` returned."""
        return cls(**{**config, "cell": deserialize(config["cell"])})


class _Named(RNN):
    """A layer that is known by its cell, and takes the cell's arguments beside its own."""

    def get_config(self):
        """Return the arguments that make the same layer."""
        config = super().get_config()
        del config["cell"]
        return {**self.cell.get_config(), **config}

    @classmethod
    def from_config(cls, config):
        """Make a layer from what ``get_config`` returned."""
        return cls(**config)


_OWN = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "activity_regularizer")


def _parts(cell_type, arguments):
    """What ``RNN`` takes, of all arguments of a layer: the cell, and what is not the cell's."""
    given = {k: v for k, v in arguments.items() if k not in ("self", "kwargs", "__class__", "use_cudnn")}
    own = {k: given.pop(k) for k in _OWN}
    cell = cell_type(**given, dtype=arguments["kwargs"].get("dtype"))
    return {"cell": cell, **own, **arguments["kwargs"]}


@register_serializable("layers")
class SimpleRNN(_Named):
    """The plain recurrent layer: ``h = activation(x @ kernel + h @ recurrent_kernel + bias)`` (Elman 1990).

    Parameters
    ----------
    units : int
    activation : str or callable
    use_bias : bool
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
    kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, recurrent_constraint, bias_constraint : callable, optional
    dropout, recurrent_dropout : float
        In training, the parts of the inputs and of the state that are 0, the same ones at all steps.
    seed : int, optional
        Of these.
    return_sequences, return_state, go_backwards
        As in ``RNN``, which explains the call's arguments, too. Of Keras's, ``stateful`` must be False; ``unroll``
        changes nothing.

    Input (batch, steps, n), output (batch, units) or (batch, steps, units).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.SimpleRNN(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(**_parts(SimpleRNNCell, locals()))


@register_serializable("layers")
class LSTM(_Named):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; the forget gate of Gers et al. 2000).

    Parameters
    ----------
    units : int
    activation, recurrent_activation : str or callable
        Of the state's numbers, and of the gates. With the defaults one kernel does all that follows a step's products.
    use_bias : bool
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
    unit_forget_bias : bool
        Whether the forget gate's bias begins at 1.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, recurrent_constraint, bias_constraint : callable, optional
    dropout, recurrent_dropout : float
        In training, the parts of the inputs and of the state that are 0, the same ones at all steps.
    seed : int, optional
        Of these.
    return_sequences, return_state, go_backwards
        As in ``RNN``, which explains the call's arguments, too. Of Keras's, ``stateful`` must be False; ``unroll`` and
        ``use_cudnn`` change nothing.

    The weights are those of the gates i, f, c, o side by side: the kernel (n, 4 units), the recurrent kernel (units,
    4 units), the bias (4 units,). States are h and c.

    Input (batch, steps, n), output (batch, units) or (batch, steps, units).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> y, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
    >>> y.shape, h.shape
    ((2, 5, 4), (2, 4))
    """

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        use_cudnn="auto",
        **kwargs,
    ):
        super().__init__(**_parts(LSTMCell, locals()))


@register_serializable("layers")
class GRU(_Named):
    """Gated recurrent units (Cho et al. 2014).

    Parameters
    ----------
    units : int
    activation, recurrent_activation : str or callable
        Of the state's numbers, and of the gates. With the defaults one kernel does all that follows a step's products.
    use_bias : bool
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
    reset_after : bool
        Whether the reset gate comes behind the product with the recurrent kernel, which then has a bias of its own.
    kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, recurrent_constraint, bias_constraint : callable, optional
    dropout, recurrent_dropout : float
        In training, the parts of the inputs and of the state that are 0, the same ones at all steps.
    seed : int, optional
        Of these.
    return_sequences, return_state, go_backwards
        As in ``RNN``, which explains the call's arguments, too. Of Keras's, ``stateful`` must be False; ``unroll`` and
        ``use_cudnn`` change nothing.

    The weights are those of the gates z, r, h side by side: the kernel (n, 3 units), the recurrent kernel (units,
    3 units), the bias (2, 3 units), of inputs and of the state, or (3 units,) without ``reset_after``.

    Input (batch, steps, n), output (batch, units) or (batch, steps, units).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.GRU(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        reset_after=True,
        use_cudnn="auto",
        **kwargs,
    ):
        super().__init__(**_parts(GRUCell, locals()))
