"""Parameter updates on the CPU, in place."""

from math import sqrt

from pycnn_ext import optimizer as ext


def sgd_update(params, grads, velocities, learning_rate, momentum, nesterov, weight_decay):
    grads = _contiguous(grads)
    ext.sgd(params, grads, velocities, learning_rate, momentum, nesterov, weight_decay)


def adam_update(params, grads, m, v, vhat, step, learning_rate, beta_1, beta_2, epsilon, weight_decay):
    rate = learning_rate * sqrt(1 - beta_2**step) / (1 - beta_1**step)
    keep = 1 - learning_rate * weight_decay
    ext.adam(params, _contiguous(grads), m, v, vhat, rate, beta_1, beta_2, epsilon, keep)


def rmsprop_update(params, grads, v, momenta, averages, learning_rate, rho, momentum, epsilon, weight_decay):
    ext.rmsprop(params, _contiguous(grads), v, momenta, averages, learning_rate, rho, momentum, epsilon, weight_decay)


def clip_norms(arrays, limit, together):
    squares = ext.sums_of_squares(_contiguous(arrays))
    if together:
        squares = [sum(squares)] * len(arrays)
    return [a if s <= limit * limit else a * (limit / sqrt(s)) for a, s in zip(arrays, squares, strict=True)]


def _contiguous(arrays):
    return [a if a.flags.c_contiguous else a.copy() for a in arrays]
