"""Keras's activations by name: those of ``pycnn.ops``, where gelu is exact unless told otherwise.

Layers take any of them, a name such as ``"relu"``, or a function of your own.
"""

from pycnn import registration
from pycnn.ops.activation import (
    elu,
    get_activation,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from pycnn.ops.activation import exact_gelu as gelu
from pycnn.ops.nonlinearity import (
    celu,
    exponential,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    lecun_tanh,
    log_sigmoid,
    mish,
    soft_shrink,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)

hard_swish, swish = hard_silu, silu

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "lecun_tanh",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def get(identifier):
    """Return the function that ``identifier`` names: None (linear), a string, what ``serialize`` gave, or a callable.

    Examples
    --------
    >>> from pycnn import activations
    >>> activations.get("mish") is activations.mish
    True
    """
    return get_activation(deserialize(identifier) if isinstance(identifier, dict) else identifier)


def serialize(activation):
    """Return the name of one of these functions, and plain JSON for one of your own that is registered."""
    known = registration.registered_name(activation)
    return known[1] if known is not None and known[0] == "activations" else registration.serialize(activation)


def deserialize(config, custom_objects=None):
    """Return the function that ``serialize`` turned into ``config``."""
    if isinstance(config, str) and custom_objects and config in custom_objects:
        return custom_objects[config]
    return get_activation(config) if isinstance(config, str) else registration.deserialize(config, custom_objects)


__getattr__ = registration.hint_names(__name__, __all__)
