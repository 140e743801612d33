"""Cross-entropies as Keras's ops have them: along any axis, not smoothed; the binary one is not averaged.

Those of the losses, which are averaged and smoothed, are in ``crossentropy``.
"""

from pycnn import config
from pycnn.autograd import as_tensor
from pycnn.ops import crossentropy
from pycnn.ops.activation import logits_of, softplus
from pycnn.ops.arithmetic import multiply, subtract
from pycnn.ops.axes import normalize_axis
from pycnn.ops.elementwise import clip, log, log1p
from pycnn.ops.loss import matching
from pycnn.ops.shaping import moveaxis


def binary_crossentropy(target, output, from_logits=False):
    """-(target * log(output) + (1 - target) * log(1 - output)), element by element.

    The loss of this name, ``pycnn.losses.binary_crossentropy``, averages over the last axis.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.binary_crossentropy([1.0, 0.0], [0.5, 0.5]).numpy().round(4)
    array([0.6931, 0.6931], dtype=float32)
    """
    t, p = matching(target, output)
    logits = p if from_logits else logits_of(p, "sigmoid")
    if logits is not None:
        return subtract(softplus(logits), multiply(logits, t))
    p = clip(p, config.epsilon(), 1 - config.epsilon())
    return -(t * log(p) + (1 - t) * log1p(-p))


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(output)) along ``axis``, for probabilities or logits; no smoothing."""
    target, output = as_tensor(target), as_tensor(output)
    if normalize_axis(axis, output.ndim) != output.ndim - 1:
        target, output = moveaxis(target, axis, -1), moveaxis(output, axis, -1)
    return crossentropy.categorical_crossentropy(target, output, from_logits)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log of the probability of the class that ``target`` names, with the classes of ``output`` along ``axis``."""
    output = as_tensor(output)
    if normalize_axis(axis, output.ndim) != output.ndim - 1:
        output = moveaxis(output, axis, -1)
    return crossentropy.sparse_categorical_crossentropy(target, output, from_logits)
