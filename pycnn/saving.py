"""What Keras has in ``keras.saving``: models in files, and the names that files may use for classes and functions."""

from pycnn.models.saving import load_model, load_weights, save_model, save_weights
from pycnn.registration import (
    custom_object_scope,
    deserialize,
    lookup,
    register_serializable,
    registered_name,
    serialize,
)

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "register_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

CustomObjectScope = custom_object_scope
deserialize_keras_object = deserialize
register_keras_serializable = register_serializable
serialize_keras_object = serialize


def get_registered_name(obj):
    """Return ``"package>name"`` of a registered class or function, else its own name.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.saving.get_registered_name(pycnn.layers.Dense)
    'layers>Dense'
    """
    known = registered_name(obj)
    return obj.__name__ if known is None else ">".join(known)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """Return the class or function registered under a name like ``"Custom>Gain"``, or None if there is none.

    Parameters
    ----------
    name : str
        Without ``>`` a name in the package ``"Custom"``.
    custom_objects, module_objects : dict, optional
        Further names, looked up before and after the registered ones.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.saving.get_registered_object("layers>Dense")
    <class 'pycnn.layers.dense.Dense'>
    """
    package, _, own_name = name.rpartition(">")
    if custom_objects and name in custom_objects:
        return custom_objects[name]
    try:
        return lookup(own_name, package or "Custom", custom_objects)
    except ValueError:
        return (module_objects or {}).get(name)
