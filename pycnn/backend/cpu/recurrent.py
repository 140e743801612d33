"""Steps of recurrent nets on the CPU."""

import numpy as np

from pycnn_ext import recurrent as ext


def lstm_step(x, r, c, out=None):
    x, r, c = map(np.ascontiguousarray, (x, r, c))
    out = np.empty_like(c) if out is None else out
    new_c, gates = np.empty_like(c), np.empty_like(x)
    ext.lstm_step(x, r, c, out, new_c, gates)
    return out, new_c, gates


def lstm_step_grad(gates, c, new_c, gh, gc, out=None):
    gates, c, new_c, gh, gc = map(np.ascontiguousarray, (gates, c, new_c, gh, gc))
    out = np.empty_like(gates) if out is None else out
    gc_before = np.empty_like(c)
    ext.lstm_step_grad(gates, c, new_c, gh, gc, out, gc_before)
    return out, gc_before


def gru_step(x, r, h, out=None):
    x, r, h = map(np.ascontiguousarray, (x, r, h))
    out = np.empty_like(h) if out is None else out
    gates = np.empty_like(x)
    ext.gru_step(x, r, h, out, gates)
    return out, gates


def gru_step_grad(gates, r, h, gh, out=None):
    gates, r, h, gh = map(np.ascontiguousarray, (gates, r, h, gh))
    out = np.empty_like(gates) if out is None else out
    gr, gh_before = np.empty_like(gates), np.empty_like(h)
    ext.gru_step_grad(gates, r, h, gh, out, gr, gh_before)
    return out, gr, gh_before
