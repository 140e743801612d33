"""Cells: one step of a recurrent net, with its weights."""

from pycnn import constraints, initializers, ops, regularizers
from pycnn.backend.names import FUSED_ACTIVATIONS
from pycnn.layers.activation import read_activation
from pycnn.layers.base import Layer
from pycnn.layers.conv import count
from pycnn.ops.activation import activation as apply_activation
from pycnn.random import SeedGenerator
from pycnn.registration import register_serializable


class Cell(Layer):
    """Base of cells: (inputs (batch, n), states) -> (output (batch, units), states), all states (batch, units).

    A subclass defines ``step``; ``gates``, how many times ``units`` numbers its products give; and ``state_count``. It
    may define ``whole``, all steps at once: what it inherits of that is not used with a ``step`` of its own.
    """

    gates = 1
    state_count = 1
    _arguments = (
        "units",
        "activation",
        "use_bias",
        "kernel_initializer",
        "recurrent_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "recurrent_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "recurrent_constraint",
        "bias_constraint",
        "dropout",
        "recurrent_dropout",
        "seed",
    )

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__ and "whole" not in cls.__dict__:
            cls.whole = Cell.whole

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
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = count("units", units)
        self.activation = read_activation(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        for name, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            if not 0 <= rate < 1:
                raise ValueError(f"{name} must lie in [0, 1). Received: {name}={rate!r}")
        self.dropout, self.recurrent_dropout, self.seed = float(dropout), float(recurrent_dropout), seed
        self._random = SeedGenerator(seed)
        self.kernel = self.recurrent_kernel = self.bias = None

    def build(self, input_shape):
        """Make the weights: of all gates side by side."""
        size, width = input_shape[-1], self.gates * self.units
        if size is None:
            raise ValueError(f"The size of the last axis must be known. Received: input_shape={tuple(input_shape)}")
        self.kernel = self.add_weight(
            (size, width),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(),
                self._start_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _bias_shape(self):
        return (self.gates * self.units,)

    def _start_bias(self, shape, dtype=None):
        return self.bias_initializer(shape, dtype=dtype)

    def _activate(self, x):
        return x if self.activation is None else apply_activation(x, self.activation)

    def masks(self, batch, size, training):
        """Factors of the inputs (batch, size) and of the state (batch, units), for all steps; None where all are 1."""
        rates = (self.dropout, size), (self.recurrent_dropout, self.units)
        if not training:
            return None, None
        return [
            ops.dropout(ops.ones((batch, n), self.compute_dtype), rate, None, self._random.generator())
            if rate
            else None
            for rate, n in rates
        ]

    def call(self, inputs, states, training=False):
        """Compute a step; return the output and the list of states."""
        drop, recurrent_drop = self.masks(*inputs.shape, training)
        inputs = inputs if drop is None else inputs * drop
        return self.step(inputs, states, recurrent_drop)

    def whole(self, inputs, states, mask):
        """Return (outputs of all steps, the last states), or None if it goes step by step only."""

    def step(self, inputs, states, recurrent_drop=None):
        """Compute a step whose inputs are dropped out already."""
        raise NotImplementedError(f"{type(self).__name__} must define step(self, inputs, states, recurrent_drop)")

    def compute_output_shape(self, input_shape):
        """Return the output's shape, and those of the states."""
        state = (input_shape[0], self.units)
        return state, [state] * self.state_count


@register_serializable("layers")
class SimpleRNNCell(Cell):
    """A step of ``SimpleRNN``: ``activation(x @ kernel + h @ recurrent_kernel + bias)``; arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> y, states = layers.SimpleRNNCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
    >>> y.shape, len(states)
    ((2, 4), 1)
    """

    def whole(self, inputs, states, mask):
        """States of all steps (batch, steps, units), and the last one; None if there is no kernel for it."""
        activation = self.activation or "linear"
        if activation not in FUSED_ACTIVATIONS:
            return None
        y, h = ops.simple_rnn(inputs, self.kernel, self.recurrent_kernel, self.bias, states[0], mask, activation)
        return y, [h]

    def step(self, inputs, states, recurrent_drop=None):
        """Compute a step whose inputs are dropped out already."""
        h = states[0] if recurrent_drop is None else states[0] * recurrent_drop
        h = self._activate(ops.dense(inputs, self.kernel, self.bias) + ops.matmul(h, self.recurrent_kernel))
        return h, [h]


class _GatedCell(Cell):
    """A cell with gates, which have an activation of their own."""

    _arguments = (*Cell._arguments, "recurrent_activation")

    def _gate(self, x):
        return x if self.recurrent_activation is None else apply_activation(x, self.recurrent_activation)

    def _is_usual(self):
        """Whether a kernel computes the whole sequence at once."""
        return (self.activation, self.recurrent_activation) == ("tanh", "sigmoid")


@register_serializable("layers")
class LSTMCell(_GatedCell):
    """A step of ``LSTM``; arguments are the same. States are h and c.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> y, states = layers.LSTMCell(4)(np.ones((2, 3)), [np.zeros((2, 4))] * 2)
    >>> y.shape, len(states)
    ((2, 4), 2)
    """

    gates = 4
    state_count = 2
    _arguments = (*_GatedCell._arguments, "unit_forget_bias")

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
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.recurrent_activation = read_activation(recurrent_activation)
        self.unit_forget_bias = bool(unit_forget_bias)

    def _start_bias(self, shape, dtype=None):
        """Ones at the forget gate (Jozefowicz et al. 2015)."""
        start = self.bias_initializer(shape, dtype=dtype)
        if not self.unit_forget_bias:
            return start
        is_forget = ops.arange(shape[0]) // self.units == 1
        return ops.where(is_forget, ops.ones_like(start), start)

    def whole(self, inputs, states, mask):
        """States of all steps (batch, steps, units), and the last ones; None if there is no kernel for it."""
        if not self._is_usual():
            return None
        y, *states = ops.lstm(inputs, self.kernel, self.recurrent_kernel, self.bias, states, mask)
        return y, states

    def step(self, inputs, states, recurrent_drop=None):
        """Compute a step whose inputs are dropped out already."""
        h = states[0] if recurrent_drop is None else states[0] * recurrent_drop
        z = ops.dense(inputs, self.kernel, self.bias) + ops.matmul(h, self.recurrent_kernel)
        i, f, g, o = ops.split(z, 4, axis=1)
        c = self._gate(f) * states[1] + self._gate(i) * self._activate(g)
        h = self._gate(o) * self._activate(c)
        return h, [h, c]


@register_serializable("layers")
class GRUCell(_GatedCell):
    """A step of ``GRU``; arguments are the same.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> y, states = layers.GRUCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
    >>> y.shape, len(states)
    ((2, 4), 1)
    """

    gates = 3
    _arguments = (*_GatedCell._arguments, "reset_after")

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
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        reset_after=True,
        seed=None,
        **kwargs,
    ):
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.recurrent_activation = read_activation(recurrent_activation)
        self.reset_after = bool(reset_after)

    def _bias_shape(self):
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _biases(self):
        if self.bias is None:
            return None, None
        return (self.bias[0], self.bias[1]) if self.reset_after else (self.bias, None)

    def whole(self, inputs, states, mask):
        """States of all steps (batch, steps, units), and the last one; None if there is no kernel for it."""
        if not self._is_usual() or not self.reset_after:
            return None
        y, h = ops.gru(inputs, self.kernel, self.recurrent_kernel, *self._biases(), states[0], mask)
        return y, [h]

    def step(self, inputs, states, recurrent_drop=None):
        """Compute a step whose inputs are dropped out already."""
        h = states[0] if recurrent_drop is None else states[0] * recurrent_drop
        bias, recurrent_bias = self._biases()
        xz, xr, xg = ops.split(ops.dense(inputs, self.kernel, bias), 3, axis=1)
        u = self.units
        if self.reset_after:
            rz, rr, rg = ops.split(ops.dense(h, self.recurrent_kernel, recurrent_bias), 3, axis=1)
            z = self._gate(xz + rz)
            g = self._activate(xg + self._gate(xr + rr) * rg)
        else:
            rz, rr = ops.split(ops.matmul(h, self.recurrent_kernel[:, : 2 * u]), 2, axis=1)
            z = self._gate(xz + rz)
            g = self._activate(xg + ops.matmul(self._gate(xr + rr) * h, self.recurrent_kernel[:, 2 * u :]))
        h = z * states[0] + (1 - z) * g
        return h, [h]
