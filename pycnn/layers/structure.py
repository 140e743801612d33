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
    """Whether a list holds tensors or arrays, or lists or dicts of them; an array written as nested lists does not."""
    first = value[0] if value else None
    return (
        hasattr(first, "shape")
        or isinstance(first, dict)
        or (isinstance(first, (list, tuple)) and _holds_arrays(first))
    )


def flatten_structure(value, is_leaf=None):
    """Return the things in nested lists, tuples and dicts as one list, dicts in the order of their sorted keys."""
    if is_leaf is not None and is_leaf(value):
        return [value]
    if isinstance(value, dict):
        return [leaf for key in sorted_keys(value) for leaf in flatten_structure(value[key], is_leaf)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten_structure(item, is_leaf)]
    return [value]


def sorted_keys(value):
    """The keys of a dict, sorted where they can be: Keras's order."""
    try:
        return sorted(value)
    except TypeError:
        return list(value)
