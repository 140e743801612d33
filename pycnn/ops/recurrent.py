"""Recurrent nets over whole sequences: one product for the inputs of all steps, one a step for the states."""

from pycnn.autograd import Function, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.names import FUSED_ACTIVATIONS
from pycnn.ops.promotion import same_float


class _Recurrence(Function):
    """States of all steps. A subclass defines ``_step`` and ``_step_grad``; sequences here are (steps, batch, ...)."""

    def forward(self, x, kernel, recurrent, bias, recurrent_bias, mask, *states):
        x, self.kernel, self.recurrent, bias, self.recurrent_bias, *states = same_float(
            x, kernel, recurrent, bias, recurrent_bias, *states
        )
        xp, units = self.backend.xp, recurrent.shape[0]
        self.x, (batch, steps, size) = xp.ascontiguousarray(x.swapaxes(0, 1)), x.shape
        given = self.backend.matmul(self.x.reshape(steps * batch, size), self.kernel, bias=bias)
        given = given.reshape(steps, batch, self.kernel.shape[1])
        self.mask = None if mask is None else xp.ascontiguousarray(xp.asarray(mask).T[..., None])
        self.h, self.kept = xp.empty((steps + 1, batch, units), x.dtype), []  # the state before each step, and the last
        self.h[0] = states[0]
        for t in range(steps):
            product = self.backend.matmul(self.h[t], self.recurrent, bias=self.recurrent_bias)
            states[0] = self.h[t]
            new, kept = self._step(given[t], product, states, self.h[t + 1])
            self.kept.append(kept)
            if self.mask is not None:
                new = [xp.where(self.mask[t], a, b) for a, b in zip(new, states, strict=True)]
                self.h[t + 1] = new[0]
            states = new
        y = self.h[1:]
        if self.mask is not None:  # before the first step that is seen there is no output
            self.seen = xp.cumsum(self.mask, axis=0) > 0
            y = xp.where(self.seen, y, 0)
        return xp.ascontiguousarray(y.swapaxes(0, 1)), self.h[steps].copy(), *(state.copy() for state in states[1:])

    def backward(self, gy, *gstates):
        backend, xp = self.backend, self.backend.xp
        steps, batch, size = self.x.shape
        dtype, gates = self.x.dtype, self.recurrent.shape[1]
        gx, gr = xp.empty((steps, batch, gates), dtype), []
        if gy is not None:
            gy = xp.ascontiguousarray(gy.swapaxes(0, 1))
            gy = gy if self.mask is None else xp.where(self.seen, gy, 0)
        gstates = [xp.zeros(self.h.shape[1:], dtype) if g is None else g for g in gstates]
        for t in reversed(range(steps)):
            gnow = [gstates[0] if gy is None else gstates[0] + gy[t], *gstates[1:]]
            if self.mask is not None:
                passed = [xp.where(self.mask[t], 0, g) for g in gnow]
                gnow = [xp.where(self.mask[t], g, 0) for g in gnow]
            gproduct, gstates = self._step_grad(self.kept[t], self.h[t], gnow, gx[t])
            gr.append(gproduct)
            through = backend.matmul(gproduct, self.recurrent, transpose_b=True)
            gstates[0] = through if gstates[0] is None else through + gstates[0]
            if self.mask is not None:
                gstates = [g + p for g, p in zip(gstates, passed, strict=True)]
        need_x, need_kernel, need_recurrent, need_bias, need_recurrent_bias, _, *need_states = self.needs_grad
        rows, before = gx.reshape(steps * batch, gates), self.h[:-1].reshape(steps * batch, self.h.shape[2])
        products = rows if self._shares else xp.stack(gr[::-1]).reshape(steps * batch, gates)
        given = backend.matmul(rows, self.kernel, transpose_b=True).reshape(self.x.shape) if need_x else None
        return (
            given.swapaxes(0, 1) if need_x else None,
            backend.matmul(self.x.reshape(steps * batch, size), rows, transpose_a=True) if need_kernel else None,
            backend.matmul(before, products, transpose_a=True) if need_recurrent else None,
            backend.sum_rows(rows) if need_bias else None,
            backend.sum_rows(products) if need_recurrent_bias else None,
            None,
            *(g if need else None for g, need in zip(gstates, need_states, strict=True)),
        )


class _SimpleRNN(_Recurrence):
    _shares = True  # the gradients of both products are the same

    def forward(self, *arrays, activation):
        self.activation = activation
        return super().forward(*arrays)

    def _step(self, x, product, states, out):
        z = self.backend.xp.add(x, product, out=product)
        h = self.backend.activation_forward(z, self.activation, out=out)
        return [h], h

    def _step_grad(self, kept, before, gstates, out):
        return self.backend.activation_grad(gstates[0], None, kept, self.activation, out=out), [None]


class _LSTM(_Recurrence):
    _shares = True  # the gradients of both products are the same

    def _step(self, x, product, states, out):
        h, c, gates = self.backend.lstm_step(x, product, states[1], out=out)
        return [h, c], (gates, states[1], c)

    def _step_grad(self, kept, before, gstates, out):
        gates, c, new_c = kept
        gz, gc = self.backend.lstm_step_grad(gates, c, new_c, *gstates, out=out)
        return gz, [None, gc]


class _GRU(_Recurrence):
    _shares = False

    def _step(self, x, product, states, out):
        h, gates = self.backend.gru_step(x, product, states[0], out=out)
        return [h], (gates, product)

    def _step_grad(self, kept, before, gstates, out):
        gates, product = kept
        _, gr, gh = self.backend.gru_step_grad(gates, product, before, gstates[0], out=out)
        return gr, [gh]


def simple_rnn(x, kernel, recurrent_kernel, bias=None, initial_state=None, mask=None, activation="tanh"):
    """The plain recurrent net over sequences: h = act(x @ kernel + h @ recurrent_kernel + bias), at all steps.

    Parameters
    ----------
    x : (batch, steps, inputs)
    kernel : (inputs, units)
    recurrent_kernel : (units, units)
    bias : (units,), optional
    initial_state : (batch, units), optional
        Zeros unless given.
    mask : (batch, steps) bools, optional
        Where it is False the state stays as it was; before the first step that is True outputs are 0.
    activation : {"tanh", "relu", "relu6", "sigmoid", "linear"}

    Returns
    -------
    Tensor (batch, steps, units), Tensor (batch, units)
        The state of each step, and the last one.

    Notes
    -----
    Elman, Finding structure in time, 1990.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> y, h = pycnn.ops.simple_rnn(np.ones((1, 4, 1)), [[1.0]], [[2.0]], activation="linear")
    >>> y[0, :, 0].numpy()
    array([ 1.,  3.,  7., 15.])
    """
    if activation not in FUSED_ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(FUSED_ACTIVATIONS)}. Received: {activation=}")
    x, states = _check(x, kernel, recurrent_kernel, 1, None if initial_state is None else [initial_state], 1)
    return _SimpleRNN.apply(x, kernel, recurrent_kernel, bias, None, mask, *states, activation=activation)


def lstm(x, kernel, recurrent_kernel, bias=None, initial_state=None, mask=None):
    """Long short-term memory over sequences: the states of all steps.

    Of each step z = x @ kernel + h @ recurrent_kernel + bias, in which the gates i, f, c, o lie one behind the other;
    c = sigmoid(f) * c + sigmoid(i) * tanh(c's), h = sigmoid(o) * tanh(c).

    Parameters
    ----------
    x : (batch, steps, inputs)
    kernel : (inputs, 4 units)
    recurrent_kernel : (units, 4 units)
    bias : (4 units,), optional
    initial_state : (h, c), optional
        Each (batch, units); zeros unless given.
    mask : (batch, steps) bools, optional
        Where it is False the states stay as they were; before the first step that is True outputs are 0.

    Returns
    -------
    Tensor (batch, steps, units), Tensor (batch, units), Tensor (batch, units)
        h of each step; the last h and the last c.

    Notes
    -----
    Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; Gers et al. 2000 (the forget gate).

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> y, h, c = pycnn.ops.lstm(np.ones((2, 5, 3)), np.zeros((3, 8)), np.zeros((2, 8)), np.ones(8))
    >>> y.shape, bool((y[:, -1] == h).all())
    ((2, 5, 2), True)
    """
    x, states = _check(x, kernel, recurrent_kernel, 4, initial_state, 2)
    return _LSTM.apply(x, kernel, recurrent_kernel, bias, None, mask, *states)


def gru(x, kernel, recurrent_kernel, bias=None, recurrent_bias=None, initial_state=None, mask=None):
    """Gated recurrent units over sequences: the states of all steps.

    Of each step x @ kernel + bias and h @ recurrent_kernel + recurrent_bias, in which the gates z, r, h lie one behind
    the other; z and r are sigmoids of the sums, g = tanh(x's h + r * the state's h), and the state z * h + (1 - z) * g.

    Parameters
    ----------
    x : (batch, steps, inputs)
    kernel : (inputs, 3 units)
    recurrent_kernel : (units, 3 units)
    bias, recurrent_bias : (3 units,), optional
    initial_state : (batch, units), optional
        Zeros unless given.
    mask : (batch, steps) bools, optional
        Where it is False the state stays as it was; before the first step that is True outputs are 0.

    Returns
    -------
    Tensor (batch, steps, units), Tensor (batch, units)
        The state of each step, and the last one.

    Notes
    -----
    Cho et al. 2014, with the gate r behind the matrix product: Keras's ``reset_after``.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> y, h = pycnn.ops.gru(np.ones((2, 5, 3)), np.zeros((3, 6)), np.zeros((2, 6)), initial_state=np.ones((2, 2)))
    >>> y[0, :, 0].numpy()
    array([0.5    , 0.25   , 0.125  , 0.0625 , 0.03125])
    """
    x, states = _check(x, kernel, recurrent_kernel, 3, None if initial_state is None else [initial_state], 1)
    return _GRU.apply(x, kernel, recurrent_kernel, bias, recurrent_bias, mask, *states)


def _check(x, kernel, recurrent_kernel, gates, states, count):
    """Raise if shapes disagree; return x, and zeros for states that are not given."""
    x, kernel, recurrent_kernel = as_tensor(x), as_tensor(kernel), as_tensor(recurrent_kernel)
    units = recurrent_kernel.shape[0]
    if x.ndim != 3 or kernel.shape != (x.shape[2], gates * units) or recurrent_kernel.shape != (units, gates * units):
        raise ValueError(
            f"x must be (batch, steps, inputs), kernel (inputs, {gates} * units) and recurrent_kernel "
            f"(units, {gates} * units). Received: x.shape={x.shape}, kernel.shape={kernel.shape}, "
            f"recurrent_kernel.shape={recurrent_kernel.shape}"
        )
    if states is None:
        return x, [get_backend().xp.zeros((x.shape[0], units), kernel.dtype)] * count
    states = [as_tensor(state) for state in states]
    if len(states) != count or any(state.shape != (x.shape[0], units) for state in states):
        raise ValueError(
            f"initial_state must be {count} times (batch, units) = {(x.shape[0], units)}. "
            f"Received: shapes {[state.shape for state in states]}"
        )
    return x, states
