"""Parameter updates on the GPU, in place: as many arrays in one launch as its arguments can hold."""

from math import sqrt

import numpy as np

from pycnn.backend.cuda.arrays import contiguous, result
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


def clip_norms(arrays, limit, together):
    groups = [(part, group, _blocks(group)) for part, (group,) in _groups(arrays)]
    total = sum(blocks for *_, (blocks, _, _) in groups)
    squares, clipped, begin = result((total,), np.float64), list(arrays), 0
    for _, group, (blocks, sizes, firsts) in groups:
        of_blocks = squares[begin : begin + blocks]
        launch("optimizer", "sums_of_squares", blocks, group, of_blocks, sizes, firsts, len(sizes))
        begin += blocks
    begin = 0
    for part, group, (blocks, sizes, firsts) in groups:
        made = [result(a.shape, a.dtype) for a in group]
        of_blocks = squares if together else squares[begin : begin + blocks]
        numbers = (len(sizes), total if together else 0, limit)
        launch("optimizer", "clip_norms", blocks, group, made, of_blocks, sizes, firsts, *numbers)
        begin += blocks
        for i, array in zip(part, made, strict=True):
            clipped[i] = array
    return clipped
