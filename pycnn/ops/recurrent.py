"""Recurrent nets over whole sequences: one product for the inputs of all steps, one a step for the states."""

from pycnn.autograd import Function, as_tensor
from pycnn.backend import get_backend
from pycnn.backend.names import FUSED_ACTIVATIONS
from pycnn.ops.promotion import same_float


class _Recurrence(Function):
    """States of all steps. A subclass runs the kernels, which take the inputs' products and leave h in ``self.y``."""

    def forward(self, x, kernel, recurrent, bias, recurrent_bias, mask, *states):
        self.x, self.kernel, self.recurrent, bias, recurrent_bias, *self.states = same_float(
            x, kernel, recurrent, bias, recurrent_bias, *states
        )
        xp, (batch, steps, size) = self.backend.xp, x.shape
        given = self.backend.matmul(self.x.reshape(batch * steps, size), self.kernel, bias=bias)
        given = given.reshape(batch, steps, self.kernel.shape[1])
        self.mask = None if mask is None else xp.asarray(mask, bool)
        last = self._run(given, recurrent_bias)
        y = self.y
        if mask is not None:  # before the first step that is seen there is no output
            self.seen = xp.cumsum(self.mask, axis=1)[..., None] > 0
            y = xp.where(self.seen, y, 0)
        return y, *((all_states[:, -1] if steps else s).copy() for all_states, s in zip(last, self.states, strict=True))

    def backward(self, gy, gh, *gstates):
        backend, xp = self.backend, self.backend.xp
        batch, steps = self.y.shape[:2]
        gates = self.recurrent.shape[1]
        if gy is None:
            gy = xp.zeros(self.y.shape, self.y.dtype)
        elif self.mask is not None:
            gy = xp.where(self.seen, gy, 0)
        if gh is not None and steps:
            gy = gy.copy()
            gy[:, -1] += gh
        gx, gr, *gbefore = self._run_back(gy, *gstates)
        if gh is not None and not steps:
            gbefore[0] = gh
        need_x, need_kernel, need_recurrent, need_bias, need_recurrent_bias, _, *need_states = self.needs_grad
        rows, products = gx.reshape(batch * steps, gates), gr.reshape(batch * steps, gates)
        before = xp.concatenate([self.states[0][:, None], self.y], axis=1)[:, :steps] if need_recurrent else None
        return (
            backend.matmul(rows, self.kernel, transpose_b=True).reshape(self.x.shape) if need_x else None,
            self._against(self.x, rows) if need_kernel else None,
            self._against(before, products) if need_recurrent else None,
            backend.sum_rows(rows) if need_bias else None,
            backend.sum_rows(products) if need_recurrent_bias else None,
            None,
            *(g if need else None for g, need in zip(gbefore, need_states, strict=True)),
        )

    def _against(self, x, gradients):
        """Gradient of the matrix that ``x``, (batch, steps, ...), was multiplied by."""
        return self.backend.matmul(x.reshape(len(gradients), x.shape[2]), gradients, transpose_a=True)


class _SimpleRNN(_Recurrence):
    def forward(self, *arrays, activation):
        self.activation = activation
        return super().forward(*arrays)

    def _run(self, given, recurrent_bias):
        backend, (h,) = self.backend, self.states
        self.y = backend.xp.empty_like(given)
        for t in range(given.shape[1]):
            z = backend.matmul(h, self.recurrent)
            z += given[:, t]
            new = backend.activation_forward(z, self.activation, out=z)
            h = self.y[:, t] = new if self.mask is None else backend.xp.where(self.mask[:, t, None], new, h)
        return (self.y,)

    def _run_back(self, gy):
        backend, xp = self.backend, self.backend.xp
        gx, gh = xp.empty_like(self.y), xp.zeros_like(self.states[0])
        for t in reversed(range(gy.shape[1])):
            g = gh + gy[:, t]
            gz = backend.activation_grad(g, None, xp.ascontiguousarray(self.y[:, t]), self.activation)
            if self.mask is not None:
                seen = self.mask[:, t, None]
                gz, g = xp.where(seen, gz, 0), xp.where(seen, 0, g)
            gx[:, t] = gz
            gh = backend.matmul(gz, self.recurrent, transpose_b=True)
            gh = gh if self.mask is None else gh + g
        return gx, gx, gh


class _LSTM(_Recurrence):
    def _run(self, given, recurrent_bias):
        self.y, self.c, self.gates = self.backend.lstm_forward(given, self.recurrent, *self.states, self.mask)
        return self.y, self.c

    def _run_back(self, gy, gc):
        gc = self.backend.xp.zeros_like(self.states[1]) if gc is None else gc
        gx, *gbefore = self.backend.lstm_grad(self.gates, self.recurrent, self.states[1], self.c, gy, gc, self.mask)
        return gx, gx, *gbefore


class _GRU(_Recurrence):
    def _run(self, given, recurrent_bias):
        self.y, self.gates, self.inner = self.backend.gru_forward(
            given, self.recurrent, *self.states, recurrent_bias, self.mask
        )
        return (self.y,)

    def _run_back(self, gy):
        return self.backend.gru_grad(self.gates, self.inner, self.recurrent, self.states[0], self.y, gy, self.mask)


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
