"""Parameter updates on the GPU, in place: as many arrays in one launch as its arguments can hold."""

from math import sqrt

import numpy as np

from pycnn.backend.cuda.arrays import contiguous, result, to_numpy, xp
from pycnn.backend.cuda.launch import blocks_for, launch
from pycnn.backend.cuda.sources import MANY

SHARE = 4096  # elements of a block, as in kernels/optimizer.cu


def _groups(*lists):
    """The lists, any of which may be None, in parts of at most MANY arrays of one dtype, none of them empty."""
    for dtype in dict.fromkeys(a.dtype for a in lists[0]):
        chosen = [i for i, a in enumerate(lists[0]) if a.dtype == dtype and a.size]
        for first in range(0, len(chosen), MANY):
            part = chosen[first : first + MANY]
            yield part, [None if a is None else [contiguous(a[i]) for i in part] for a in lists]


def _blocks(arrays):
    """The number of blocks, the sizes of the arrays, and the first block of each."""
    sizes = [a.size for a in arrays]
    ends = np.cumsum([blocks_for(size, SHARE) for size in sizes]).tolist()
    return ends[-1], sizes, [0, *ends[:-1]]


def _update(kernel, lists, *numbers):
    for _, arrays in _groups(*lists):
        blocks, sizes, firsts = _blocks(arrays[0])
        launch("optimizer", kernel, blocks, *arrays, sizes, firsts, len(sizes), *numbers)


def sgd_update(params, grads, velocities, learning_rate, momentum, nesterov, weight_decay):
    keep = 1 - learning_rate * weight_decay
    _update("sgd_update", (params, grads, velocities), learning_rate, momentum, nesterov, keep)


def adam_update(params, grads, m, v, vhat, step, learning_rate, beta_1, beta_2, epsilon, weight_decay):
    rate = learning_rate * sqrt(1 - beta_2**step) / (1 - beta_1**step)
    keep = 1 - learning_rate * weight_decay
    _update("adam_update", (params, grads, m, v, vhat), rate, 1 - beta_1, 1 - beta_2, epsilon, keep)


def rmsprop_update(params, grads, v, momenta, averages, learning_rate, rho, momentum, epsilon, weight_decay):
    keep = 1 - learning_rate * weight_decay
    numbers = (learning_rate, rho, 1 - rho, momentum, epsilon, keep)
    _update("rmsprop_update", (params, grads, v, momenta, averages), *numbers)


def sums_of_squares(arrays):
    totals, found = [0.0] * len(arrays), []
    for part, (group,) in _groups(arrays):
        blocks, sizes, firsts = _blocks(group)
        sums = result((blocks,), np.float64)
        launch("optimizer", "sums_of_squares", blocks, group, sums, sizes, firsts, len(sizes))
        found.append((part, firsts, sums))
    if found:
        on_host, begin = to_numpy(xp.concatenate([sums for *_, sums in found])), 0
        for part, firsts, sums in found:
            for i, of_array in zip(part, np.split(on_host[begin : begin + sums.size], firsts[1:]), strict=True):
                totals[i] = float(of_array.sum())
            begin += sums.size
    return totals
