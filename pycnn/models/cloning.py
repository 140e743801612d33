"""Models made of other models' configurations: clones, and models from JSON."""

import json

from pycnn.layers.base import Layer
from pycnn.layers.input import InputLayer
from pycnn.models.graph_config import replay
from pycnn.models.model import Model
from pycnn.models.sequential import Sequential
from pycnn.registration import custom_object_scope, deserialize


def clone_model(model, input_tensors=None, clone_function=None, recursive=False):
    """Return a model of the same layers with new weights.

    Parameters
    ----------
    model : Model
    input_tensors : list of SymbolicTensor, optional
        Inputs to use in the place of new ones.
    clone_function : callable, optional
        Called with each layer (Inputs excepted); what it returns takes the layer's place. By default a layer made
        of the layer's ``get_config()``.
    recursive : bool
        Whether ``clone_function`` sees the layers inside of models inside of the model, too.

    Examples
    --------
    >>> import pycnn
    >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(2)])
    >>> clone = pycnn.models.clone_model(model)
    >>> clone.count_params(), clone.layers[0] is model.layers[0]
    (8, False)
    """
    if not isinstance(model, Model):
        raise ValueError(f"model must be a Model. Received: model={model!r} of type {type(model).__name__}")
    is_graph = model._graph is not None and model._keeps_inputs_and_outputs
    if not is_graph and not isinstance(model, Sequential):
        if input_tensors is not None or clone_function is not None:
            raise ValueError(
                "input_tensors and clone_function need a Sequential or a model made of inputs and outputs. "
                f"Received: model {model.name!r} of type {type(model).__name__}"
            )
        return type(model).from_config(model.get_config())

    def copy(layer):
        if isinstance(layer, InputLayer) or clone_function is None:
            return type(layer).from_config(layer.get_config())
        if recursive and isinstance(layer, Model) and (layer._graph is not None or isinstance(layer, Sequential)):
            return clone_model(layer, clone_function=clone_function, recursive=True)
        clone = clone_function(layer)
        if not isinstance(clone, Layer):
            raise ValueError(f"clone_function must return a layer. Received: {clone!r} for {layer!r}")
        return clone

    if isinstance(model, Sequential):
        layers = [copy(layer) for layer in model._layers]
        if input_tensors is not None:
            tensor = input_tensors[0] if isinstance(input_tensors, (list, tuple)) else input_tensors
            layers = [tensor, *(layer for layer in layers if not isinstance(layer, InputLayer))]
        return type(model)(layers, name=model.name, trainable=model.trainable)
    if input_tensors is not None and not isinstance(input_tensors, (list, tuple)):
        input_tensors = [input_tensors]
    copies = {layer: copy(layer) for layer in model._graph.layers}
    inputs, outputs = replay(model._graph, copies, input_tensors)
    return type(model)(inputs=inputs, outputs=outputs, **model._graph_arguments())


def model_from_json(json_string, custom_objects=None):
    """Make a model, with new weights, of what ``model.to_json()`` returned.

    Examples
    --------
    >>> import pycnn
    >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(2)])
    >>> pycnn.models.model_from_json(model.to_json()).count_params()
    8
    """
    with custom_object_scope(custom_objects or {}):
        return deserialize(json.loads(json_string))
