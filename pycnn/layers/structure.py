"""One thing, or a list, tuple or dict of things: what layers with several inputs or outputs are called with."""

import numpy as np


def is_shape(value):
    """Whether ``value`` is one shape, not a list or dict of shapes."""
    return isinstance(value, (tuple, list)) and all(n is None or isinstance(n, (int, np.integer)) for n in value)


def map_structure(function, value, is_leaf=None):
    """Apply ``function`` to one thing, or to each of a list, tuple or dict of things, and return the same structure."""
    if is_leaf is not None and is_leaf(value):
        return function(value)
    if isinstance(value, dict):
        return {key: map_structure(function, item, is_leaf) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and (is_leaf is not None or _holds_arrays(value)):
        return type(value)(map_structure(function, item, is_leaf) for item in value)
    return function(value)


def _holds_arrays(value):
    """Whether a list holds tensors or arrays, and is not itself an array written as nested lists."""
    return bool(value) and not isinstance(value[0], (int, float, list)) and hasattr(value[0], "shape")
