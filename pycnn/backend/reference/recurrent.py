"""Steps of recurrent nets, as their papers write them."""

import numpy as np

from pycnn.backend.reference.activation import activation_forward
from pycnn.backend.reference.result import deliver


def _sigmoid(x):
    return activation_forward(x, "sigmoid")


def lstm_step(x, r, c, out=None):
    """Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000."""
    i, f, g, o = np.split(x + r, 4, axis=1)
    i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
    new_c = f * c + i * g
    return deliver(o * np.tanh(new_c), out, x.dtype), new_c, np.concatenate([i, f, g, o], axis=1)


def lstm_step_grad(gates, c, new_c, gh, gc, out=None):
    i, f, g, o = np.split(gates, 4, axis=1)
    gc = gc + gh * o * (1 - np.tanh(new_c) ** 2)
    parts = gc * g * i * (1 - i), gc * c * f * (1 - f), gc * i * (1 - g**2), gh * np.tanh(new_c) * o * (1 - o)
    return deliver(np.concatenate(parts, axis=1), out, gates.dtype), gc * f


def gru_step(x, r, h, out=None):
    """Cho et al., 2014, with the gate behind the matrix product (Keras's ``reset_after``)."""
    (xz, xk, xg), (rz, rk, rg) = np.split(x, 3, axis=1), np.split(r, 3, axis=1)
    z, k = _sigmoid(xz + rz), _sigmoid(xk + rk)
    g = np.tanh(xg + k * rg)
    return deliver(z * h + (1 - z) * g, out, x.dtype), np.concatenate([z, k, g], axis=1)


def gru_step_grad(gates, r, h, gh, out=None):
    z, k, g = np.split(gates, 3, axis=1)
    gg = gh * (1 - z) * (1 - g**2)
    gz, gk = gh * (h - g) * z * (1 - z), gg * np.split(r, 3, axis=1)[2] * k * (1 - k)
    gx = deliver(np.concatenate([gz, gk, gg], axis=1), out, gates.dtype)
    return gx, np.concatenate([gz, gk, gg * k], axis=1), gh * z
