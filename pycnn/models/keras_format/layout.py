"""Where Keras puts each weight: the order in which it walks through layers, and the names it gives their places.

Keras finds a model's state by its attributes, sorted, private ones last; in a list of layers they go by their
class, counted. So ``layers/conv2d_1/vars/0`` is the first weight of a Sequential's second Conv2D. The first
variables of a layer are those that can be trained.
"""

from pycnn.autograd import Variable
from pycnn.layers.base import Layer
from pycnn.layers.input import InputLayer
from pycnn.layers.naming import snake_case
from pycnn.layers.weights import WeightOwner
from pycnn.models.keras_format.graph import is_functional
from pycnn.models.keras_format.names import FUNCTIONAL
from pycnn.registration import lookup

IGNORED = ("seed_generator", "seed_generators", "metrics", "_metrics", "_loss_tracker", "_compile_metrics")
"""Parts of paths in files of some versions of Keras under which there are no weights."""


def is_sequential(layer):
    """Whether ``layer`` is a Sequential."""
    return isinstance(layer, lookup("Sequential", "models"))


def class_name(layer):
    """The name of a layer's class, as Keras has it."""
    return (
        FUNCTIONAL["class_name"] if is_functional(layer) and type(layer).__name__ == "Model" else type(layer).__name__
    )


def walk(layer):
    """Yield (path, layer) of a layer and all that are in it, each once, in Keras's order."""
    yield from _visit(layer, "", set())


def _visit(layer, path, visited):
    if id(layer) in visited:
        return
    visited.add(id(layer))
    yield path, layer
    for name, value in _parts(layer):
        inner = f"{path}/{name}" if path else name
        if isinstance(value, WeightOwner):
            yield from _visit(value, inner, visited)
        else:
            yield from _visit_container(value, inner, visited)


def _parts(layer):
    """Attributes that are layers, or lists and dicts that may hold some."""
    parts = {
        name: value
        for name, value in vars(layer).items()
        if name not in layer._untracked and isinstance(value, (WeightOwner, list, tuple, dict))
    }
    if not hasattr(layer, "layers"):
        return [(name, parts[name]) for name in sorted(parts, key=_private_last)]
    layers = layer.layers
    if is_sequential(layer) or is_functional(layer):
        parts.pop("layers", None)
        return [("layers", layers), *((name, parts[name]) for name in sorted(parts, key=_private_last))]
    parts["layers"] = layers
    return [(name, parts[name]) for name in sorted(parts, key=_private_last)]


def _private_last(name):
    return f"~{name}" if name.startswith("_") else name


def _visit_container(container, path, visited):
    counts = {}
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, WeightOwner):
            yield from _visit(value, f"{path}/{_counted(snake_case(class_name(value)), counts)}", visited)
        elif isinstance(value, (list, tuple, dict)):
            yield from _visit_container(value, f"{path}/{_counted('container', counts)}", visited)


def _counted(name, counts):
    count = counts[name] = counts.get(name, -1) + 1
    return f"{name}_{count}" if count else name


def own_variables(layer):
    """The weights of a layer without those of layers in it: those that can be trained, then the others."""
    frozen = {id(variable) for variable in layer._frozen}
    own = [variable for _, variable in layer._tracked(Variable)]
    return sorted(own, key=lambda v: not (v.trainable or id(v) in frozen))


def variables_in_order(layer):
    """All weights in the order of Keras's ``model.variables``, which its optimizers follow."""
    found = {}
    _collect(layer, found, set())
    return list(found.values())


def _collect(layer, found, visited):
    if id(layer) in visited:
        return
    visited.add(id(layer))
    for variable in own_variables(layer):
        found.setdefault(id(variable), variable)
    if is_functional(layer) or is_sequential(layer):
        inside = layer.layers
    else:
        inside = [sub for _, sub in layer._sublayers()]
    for sub in inside:
        if isinstance(sub, Layer) and not isinstance(sub, InputLayer):
            _collect(sub, found, visited)
