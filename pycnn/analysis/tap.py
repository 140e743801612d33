"""Layers of a model overheard while it runs, wherever they are: in a sequence, a graph, a model in a model, a subclass.

A tap stands in for ``layer.call`` on the layer itself, for as long as a ``with`` block lasts.
"""

from contextlib import contextmanager

from pycnn.autograd import Tensor, no_grad


@contextmanager
def tapped(layers, listen):
    """Inside a ``with`` block, call ``listen(layer, output)`` whenever one of ``layers`` has computed its output.

    What ``listen`` returns goes on through the model in place of the output.
    """

    def tap(layer):
        call = layer.call

        def listening(*args, **kwargs):
            return listen(layer, call(*args, **kwargs))

        return listening

    layers = list({id(layer): layer for layer in layers}.values())
    for layer in layers:
        vars(layer)["call"] = tap(layer)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["call"]


def outputs_of_layers(model, x, layers=None):
    """Run a model, without a tape and not as in training, and return what its layers gave, in the order of the calls.

    Parameters
    ----------
    model : Model or Layer
    x : (batch, ...)
    layers : list of Layer, optional
        All inside the model unless given, but not the model itself.

    Returns
    -------
    list of (Layer, Tensor)
        A layer that is called several times is there as often; layers that give several tensors are left out.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([layers.Dense(3, name="one"), layers.Dense(2, name="two")])
    >>> [(layer.name, y.shape) for layer, y in outputs_of_layers(model, np.ones((1, 4)))]
    [('one', (1, 3)), ('two', (1, 2))]
    """
    heard = []

    def listen(layer, output):
        if isinstance(output, Tensor):
            heard.append((layer, output))
        return output

    if layers is None:
        if not model.built:
            with no_grad():
                model(x, training=False)  # a subclass may make layers in its first call
        layers = model.flatten_layers()[1:] or [model]
    with no_grad(), tapped(layers, listen):
        model(x, training=False)
    return heard


def layer_inside(model, layer):
    """Return the layer of a model that a name, a number or the layer itself stands for; names also deep inside.

    Raises
    ------
    ValueError
        If there is none, or, inside of models in the model, several of this name.
    """
    if isinstance(layer, int):
        return model.get_layer(index=layer)
    inside = model.flatten_layers()
    if not isinstance(layer, str):
        if not any(layer is other for other in inside):
            raise ValueError(f"layer must be one inside of the model {model.name!r}. Received: layer={layer!r}")
        return layer
    direct = [other for other in model.layers if other.name == layer]
    named = direct or [other for other in inside[1:] if other.name == layer]
    if len(named) != 1:
        many = "There are several of this name: give the layer itself." if named else "There is no such layer."
        raise ValueError(
            f"layer must be one inside of the model {model.name!r}. {many} "
            f"There are: {', '.join(other.name for other in inside[1:])}. Received: layer={layer!r}"
        )
    return named[0]
