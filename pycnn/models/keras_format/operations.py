"""Functions of ``pycnn.ops`` in a graph, such as the sum in ``x + y``, which Keras has as classes of operations."""

from pycnn.registration import registered_objects


def is_operation(layer):
    """Whether ``layer`` is a function in a graph, and no layer of a model."""
    cls = registered_objects("layers").get("Operation")
    return cls is not None and isinstance(layer, cls)


def write_operation(layer, calls):
    raise ValueError


def read_operation(described):
    return None
