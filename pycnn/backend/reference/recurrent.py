"""Recurrent nets over whole sequences, step by step, as their papers write them."""

import numpy as np

from pycnn.backend.reference.activation import activation_forward
from pycnn.backend.reference.result import deliver


def _sigmoid(x):
    return activation_forward(x, "sigmoid")


def _seen(mask, step):
    """A column that tells which samples see the step."""
    return True if mask is None else np.asarray(mask)[:, step, None]


def _stacked(steps, like):
    """Results of all steps, side by side."""
    return np.stack(steps, axis=1) if steps else np.zeros_like(like)


def lstm_forward(x, recurrent, h, c, mask=None, out=None):
    """Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000."""
    all_h, all_c, all_gates = [], [], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] + h @ recurrent, 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        new_c = f * c + i * g
        seen = _seen(mask, t)
        h, c = np.where(seen, o * np.tanh(new_c), h), np.where(seen, new_c, c)
        all_h.append(h)
        all_c.append(c)
        all_gates.append(np.concatenate([i, f, g, o], axis=1))
    empty = np.zeros((*x.shape[:2], h.shape[1]), x.dtype)
    return deliver(_stacked(all_h, empty), out, x.dtype), _stacked(all_c, empty), _stacked(all_gates, x)


def lstm_grad(gates, recurrent, c, all_c, gy, gc, mask=None, out=None):
    gh, gx = np.zeros_like(c), np.zeros_like(gates)
    for t in reversed(range(gates.shape[1])):
        i, f, g, o = np.split(gates[:, t], 4, axis=1)
        shown, seen = np.tanh(all_c[:, t]), _seen(mask, t)
        gh = gh + gy[:, t]
        inside = gc + gh * o * (1 - shown**2)
        parts = inside * g * i * (1 - i), inside * (all_c[:, t - 1] if t else c) * f * (1 - f)
        parts += inside * i * (1 - g**2), gh * shown * o * (1 - o)
        gx[:, t] = np.where(seen, np.concatenate(parts, axis=1), 0)
        gh, gc = np.where(seen, gx[:, t] @ recurrent.T, gh), np.where(seen, inside * f, gc)
    return deliver(gx, out, gates.dtype), gh, np.array(gc)


def gru_forward(x, recurrent, h, bias=None, mask=None, out=None):
    """Cho et al., 2014, with the gate behind the matrix product (Keras's ``reset_after``)."""
    all_h, all_gates, all_inner = [], [], []
    for t in range(x.shape[1]):
        product = h @ recurrent + (0 if bias is None else bias)
        (xz, xk, xg), (rz, rk, inner) = np.split(x[:, t], 3, axis=1), np.split(product, 3, axis=1)
        z, k = _sigmoid(xz + rz), _sigmoid(xk + rk)
        g = np.tanh(xg + k * inner)
        h = np.where(_seen(mask, t), z * h + (1 - z) * g, h)
        all_h.append(h)
        all_gates.append(np.concatenate([z, k, g], axis=1))
        all_inner.append(inner)
    empty = np.zeros((*x.shape[:2], h.shape[1]), x.dtype)
    return deliver(_stacked(all_h, empty), out, x.dtype), _stacked(all_gates, x), _stacked(all_inner, empty)


def gru_grad(gates, inner, recurrent, h, all_h, gy, mask=None, out=None):
    gh, gx, gr = np.zeros_like(h), np.zeros_like(gates), np.zeros_like(gates)
    for t in reversed(range(gates.shape[1])):
        z, k, g = np.split(gates[:, t], 3, axis=1)
        seen, gh = _seen(mask, t), gh + gy[:, t]
        gg = gh * (1 - z) * (1 - g**2)
        gz, gk = gh * ((all_h[:, t - 1] if t else h) - g) * z * (1 - z), gg * inner[:, t] * k * (1 - k)
        gx[:, t] = np.where(seen, np.concatenate([gz, gk, gg], axis=1), 0)
        gr[:, t] = np.where(seen, np.concatenate([gz, gk, gg * k], axis=1), 0)
        gh = np.where(seen, gh * z + gr[:, t] @ recurrent.T, gh)
    return deliver(gx, out, gates.dtype), gr, gh
