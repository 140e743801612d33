"""Parameter updates, in place."""

import numpy as np


def sgd_update(params, grads, velocities, learning_rate, momentum, nesterov, weight_decay):
    for i, (p, g) in enumerate(zip(params, grads, strict=True)):
        p -= learning_rate * weight_decay * p
        if velocities is None:
            p -= learning_rate * g
            continue
        v = velocities[i]
        v[...] = momentum * v - learning_rate * g
        p += momentum * v - learning_rate * g if nesterov else v


def adam_update(params, grads, m, v, vhat, step, learning_rate, beta_1, beta_2, epsilon, weight_decay):
    rate = learning_rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    for i, (p, g) in enumerate(zip(params, grads, strict=True)):
        p -= learning_rate * weight_decay * p
        m[i] += (g - m[i]) * (1 - beta_1)
        v[i] += (g * g - v[i]) * (1 - beta_2)
        second = v[i]
        if vhat is not None:
            second = np.maximum(vhat[i], v[i], out=vhat[i])
        p -= rate * m[i] / (np.sqrt(second) + epsilon)


def rmsprop_update(params, grads, v, momenta, averages, learning_rate, rho, momentum, epsilon, weight_decay):
    for i, (p, g) in enumerate(zip(params, grads, strict=True)):
        p -= learning_rate * weight_decay * p
        v[i][...] = rho * v[i] + (1 - rho) * g * g
        denominator = v[i] + epsilon
        if averages is not None:
            averages[i][...] = rho * averages[i] + (1 - rho) * g
            denominator = denominator - averages[i] ** 2
        step = learning_rate * g / np.sqrt(denominator)
        if momenta is not None:
            momenta[i][...] = momentum * momenta[i] + step
            step = momenta[i]
        p -= step


def clip_norms(arrays, limit, together):
    norms = [np.sqrt((a.astype(np.float64) ** 2).sum()) for a in arrays]
    if together:
        norms = [np.sqrt(np.square(norms).sum())] * len(arrays)
    return [a if norm <= limit else a * a.dtype.type(limit / norm) for a, norm in zip(arrays, norms, strict=True)]
