"""Operation: a function of pycnn.ops in a graph of layers, such as the sum in ``x + y``."""

import re

from pycnn import ops
from pycnn.layers.base import Layer
from pycnn.layers.naming import unique_name
from pycnn.layers.symbolic import infer
from pycnn.ops.symbolic import has_symbolic, set_connector
from pycnn.registration import register_serializable

_LAYER_NAMES = {"getitem": "get_item"}  # as in Keras


@register_serializable("layers")
class Operation(Layer):
    """A function of ``pycnn.ops`` as part of a graph: what ``x + y`` and ``ops.concatenate`` on symbolic tensors make.

    It is not among ``model.layers``, as in Keras.

    Parameters
    ----------
    function : str
        Its name in ``pycnn.ops``.

    Examples
    --------
    >>> import pycnn
    >>> x = pycnn.Input((3,))
    >>> model = pycnn.Model(x, pycnn.ops.square(x) + 1)
    >>> model([[1.0, 2.0, 3.0]]).numpy()
    array([[ 2.,  5., 10.]], dtype=float32)
    """

    _arguments = ("function",)

    def __init__(self, function, name=None, **kwargs):
        if function not in ops.__all__ or not hasattr(getattr(ops, function), "eager"):
            raise ValueError(f"function must be the name of an operation in pycnn.ops. Received: function={function!r}")
        super().__init__(name=unique_name(_LAYER_NAMES.get(function, function)) if name is None else name, **kwargs)
        self.function = function
        self.run = getattr(ops, function).eager
        self.built = True

    def __call__(self, *args, **kwargs):
        """Compute the outputs, or remember the call if it is on symbolic tensors."""
        if has_symbolic(args) or has_symbolic(kwargs):
            return self._remember(args, kwargs, infer(self.run, args, kwargs))
        return self.run(*args, **kwargs)

    def _specify(self, inputs, args, kwargs):
        return infer(self.run, (inputs, *args), kwargs)


def type_name(layer):
    """The class of a layer, or the name of an operation written like one: ``Add``, ``GetItem``."""
    if not isinstance(layer, Operation):
        return type(layer).__name__
    return "".join(part.capitalize() for part in re.sub(r"_?\d+$", "", layer.name).split("_")) or layer.function


def _connect(name, args, kwargs):
    layer = Operation(name)
    try:
        return layer(*args, **kwargs)
    except (ValueError, TypeError) as error:
        layer._put_name_on(error)
        raise


set_connector(_connect)
