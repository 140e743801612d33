"""Names of layers, from their classes, counted."""

import re

_name_counts = {}


def unique_name(prefix):
    """Return ``prefix``, ``prefix_1``, ``prefix_2``, ...: a new name at each call."""
    count = _name_counts.get(prefix, 0)
    _name_counts[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def reset_names():
    """Let automatic names start again at their first."""
    _name_counts.clear()


def snake_case(name):
    """``MaxPooling2D`` -> ``max_pooling2d``, Keras's rule."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def name_by_class(layers):
    """Return pairs (name, layer): ``conv2d``, ``conv2d_1``, ..., which do not depend on the models made before."""
    counts, named = {}, []
    for layer in layers:
        name = snake_case(type(layer).__name__)
        count = counts[name] = counts.get(name, -1) + 1
        named.append((f"{name}_{count}" if count else name, layer))
    return named
