"""Model: a layer that can be trained, saved and shown."""

import inspect
import json

import numpy as np

from pycnn.autograd import Tensor, no_grad
from pycnn.layers.base import Layer, serialize_layer
from pycnn.layers.input import InputLayer
from pycnn.layers.masks import with_masks
from pycnn.layers.naming import name_by_class, unique_name
from pycnn.layers.operation import Operation
from pycnn.layers.structure import map_structure
from pycnn.models.batches import map_arrays
from pycnn.models.graph import Graph, unwrap_single
from pycnn.models.graph_config import read_graph, write_graph
from pycnn.models.saving import load_weights, save_model, save_weights
from pycnn.models.summary import summary_text
from pycnn.models.trainer import Trainer
from pycnn.registration import custom_object_scope, register_serializable


@register_serializable("models")
class Model(Trainer, Layer):
    """A layer that can be trained, saved and shown: a graph of layers from inputs to outputs, or what a subclass says.

    A subclass makes its layers in ``__init__``, which calls ``super().__init__()`` first, and uses them in ``call``.

    Parameters
    ----------
    inputs, outputs : SymbolicTensor, or a list, tuple or dict of them, optional
        What ``pycnn.Input`` gave, and what layers called on it gave. ``inputs`` may also lie inside a larger graph.
    name : str, optional

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> inputs = pycnn.Input((8, 8, 3))
    >>> x = layers.Conv2D(3, 3, padding="same")(inputs)
    >>> model = pycnn.Model(inputs, inputs + x)
    >>> model(np.zeros((1, 8, 8, 3))).shape, model.count_params()
    ((1, 8, 8, 3), 84)

    The same by a subclass:

    >>> class Residual(pycnn.Model):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.conv = layers.Conv2D(3, 3, padding="same")
    ...
    ...     def call(self, inputs):
    ...         return inputs + self.conv(inputs)
    >>> model = Residual()
    >>> model(np.zeros((1, 8, 8, 3))).shape, model.count_params()
    ((1, 8, 8, 3), 84)
    """

    autocast = False  # the layers inside cast
    _untracked = Layer._untracked | Trainer._untracked | {"_graph"}
    _graph = None

    def __init__(self, inputs=None, outputs=None, *, trainable=True, dtype=None, name=None):
        if (inputs is None) != (outputs is None):
            raise ValueError(f"Give both inputs and outputs, or none. Received: inputs={inputs}, outputs={outputs}")
        if inputs is not None and name is None and type(self) is Model:
            name = unique_name("functional")
        Layer.__init__(self, trainable=trainable, dtype=dtype, name=name)
        Trainer.__init__(self)
        if inputs is not None:
            self._graph = Graph(inputs, outputs)
            self.built = True
            self._build_shape = self.input_shape
            if not trainable:
                self.trainable = False

    def call(self, inputs, mask=None):
        """Compute the outputs; subclasses without ``inputs`` and ``outputs`` define it."""
        if self._graph is None:
            raise NotImplementedError(
                f"{type(self).__name__} must define call(self, inputs), or get inputs and outputs"
            )
        return self._graph.run(inputs if mask is None else with_masks(inputs, mask))

    def compute_output_shape(self, input_shape):
        """Return the shape of each output, in the structure of the outputs."""
        return (
            super().compute_output_shape(input_shape)
            if self._graph is None
            else self._graph.compute_output_shape(input_shape)
        )

    def _specify(self, inputs, args, kwargs):
        if self._runs_graph and not args and not kwargs:
            return self._graph.specify(inputs)
        return super()._specify(inputs, args, kwargs)

    @property
    def _runs_graph(self):
        """Whether a call is nothing but the graph."""
        return self._graph is not None and type(self).call is Model.call

    @property
    def _inference_graph(self):
        """The graph that a call outside of training is; None if it is something else."""
        return self._graph if self._runs_graph else None

    @property
    def layers(self):
        """The layers directly inside the model; those of a graph with its inputs, in the graph's order."""
        if self._graph is not None:
            return [layer for layer in self._graph.layers if not isinstance(layer, Operation)]
        return [layer for _, layer in self._sublayers() if not isinstance(layer, InputLayer)]

    @property
    def operations(self):
        """The layers, and with them the operations of pycnn.ops in a graph."""
        return self.layers if self._graph is None else list(self._graph.layers)

    def _sublayers(self):
        """Those of a graph are named by class and counted: names in files do not depend on earlier models."""
        if self._graph is None:
            return super()._sublayers()
        layers = [layer for layer in self._graph.layers if not isinstance(layer, (InputLayer, Operation))]
        return name_by_class(layers) + super()._sublayers()

    # The symbolic tensors of a graph

    @property
    def input(self):
        """The symbolic input, or the structure of inputs that the model was made of."""
        return super().input if self._graph is None else self._graph.inputs

    @property
    def output(self):
        """The symbolic output, or the structure of outputs that the model was made of."""
        return super().output if self._graph is None else self._graph.outputs

    @property
    def inputs(self):
        """The symbolic inputs in a flat list; None where the model is no graph."""
        return None if self._graph is None else list(self._graph.flat_inputs)

    @property
    def outputs(self):
        """The symbolic outputs in a flat list; None where the model is no graph."""
        return None if self._graph is None else list(self._graph.flat_outputs)

    @property
    def input_shape(self):
        """Shape of the input, or the structure of shapes, with None for the batch size; None if it is not known."""
        return None if self._graph is None else map_structure(lambda x: x.shape, unwrap_single(self._graph.inputs))

    @property
    def output_shape(self):
        """Shape of the output, or the structure of shapes, with None for the batch size; None if it is not known."""
        return None if self._graph is None else map_structure(lambda y: y.shape, unwrap_single(self._graph.outputs))

    @property
    def _symbolic_outputs(self):
        """What ``call`` will give, as symbolic tensors; None if that is not known."""
        return unwrap_single(self._graph.outputs) if self._runs_graph else None

    @property
    def input_names(self):
        """The names of the inputs; None where the model is no graph."""
        return None if self._graph is None else [layer.name for layer in self._graph.input_layers]

    @property
    def output_names(self):
        """The names of the layers that give the outputs; None where the model is no graph."""
        return None if self._graph is None else [y.node.layer.name for y in self._graph.flat_outputs]

    def get_layer(self, name=None, index=None):
        """Return the layer of this name, or with this number.

        Raises
        ------
        ValueError
            If there is none.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError(f"Give either name or index. Received: name={name!r}, index={index!r}")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"index must lie below the number of layers, {len(layers)}. Received: index={index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"There is no such layer; there are: {', '.join(la.name for la in layers)}. Received: name={name!r}"
        )

    def build(self, input_shape):
        """Make the weights of all layers, by running the model on zeros of this shape: (None, height, ...)."""
        if self._graph is not None:
            return
        with no_grad():
            self.call(_zeros(input_shape, self.dtype))

    def _ensure_built(self, input_shape):
        """The layers build themselves when ``call`` runs: nothing to do before, unless ``build`` was overridden."""
        if not self.built and type(self).build is Model.build:
            self.built, self._build_shape = True, input_shape
        super()._ensure_built(input_shape)

    @property
    def _keeps_inputs_and_outputs(self):
        """Whether the class is made of inputs and outputs, so that the graph is its configuration."""
        parameters = inspect.signature(type(self).__init__).parameters
        return (
            type(self).__init__ is Model.__init__
            or {"inputs", "outputs"} <= set(parameters)
            or (
                {p.kind for p in parameters.values()}
                >= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
            )
        )

    def _graph_arguments(self):
        """What ``__init__`` takes beside inputs and outputs."""
        return {"name": self.name, "trainable": self.trainable}

    def get_config(self):
        """Return what makes the same model, without weights, as JSON values: of a graph the layers and their calls."""
        config = super().get_config()
        if self._graph is not None and self._keeps_inputs_and_outputs:
            config |= write_graph(self._graph)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the model, with new weights, of what ``get_config`` returned.

        ``custom_objects`` maps names in it to classes and functions that were not registered.
        """
        if "calls" not in config:
            return super().from_config(config)
        with custom_object_scope(custom_objects or {}):
            inputs, outputs = read_graph(config)
        rest = {key: value for key, value in config.items() if key not in ("layers", "calls", "inputs", "outputs")}
        return cls(inputs=inputs, outputs=outputs, **rest)

    def to_json(self, **kwargs):
        """Return the model, without weights, as a JSON string, which ``pycnn.models.model_from_json`` reads.

        ``kwargs`` go to ``json.dumps``, such as ``indent=2``.
        """
        return json.dumps(serialize_layer(self), **kwargs)

    def summary(
        self,
        line_length=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
        expand=False,
    ):
        """Print the layers, the shapes of their outputs, the numbers of their parameters, and how they are connected.

        Parameters
        ----------
        line_length : int, optional
            Width of the table.
        print_fn : callable, optional
            Gets the text in place of ``print``.
        expand_nested : bool
            Show the layers inside of layers, too.
        show_trainable : bool
            Show which layers optimizers change.
        layer_range : pair of str, optional
            Show the layers from one to another: names, or regular expressions that they match.
        expand : bool
            Show what each layer costs, too, and the totals: multiply-adds, the memory of its output, both for one input
            and over all its calls, and that of its weights. Nothing is run for it. Multiply-adds are counted as
            ``pycnn.explain`` does. Keras has no such argument.
        """
        (print_fn or print)(summary_text(self, line_length, expand_nested, show_trainable, layer_range, expand))

    def save(self, filepath, overwrite=True, include_optimizer=True):
        """Write the model to one file: layers, weights, how it was compiled, and the optimizer's state.

        Parameters
        ----------
        filepath : str or path
            By custom ends in ``.pycnn``. With a name that ends in ``.keras`` it is written in Keras 3's own format (by
            ``pip install 'pycnn[keras]'``), which Keras's ``load_model`` reads; a ValueError says what Keras lacks.
        overwrite : bool
            Whether to replace a file that exists.
        include_optimizer : bool
            Whether to write the optimizer's state, with which training goes on as if it had not stopped.

        Examples
        --------
        >>> import pycnn
        >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(2)])
        >>> model.save("model.pycnn")
        >>> pycnn.models.load_model("model.pycnn").count_params()
        8
        """
        save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath, overwrite=True):
        """Write the weights alone to a file; one whose name ends in ``.weights.h5`` is laid out as Keras 3 does."""
        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath):
        """Read the weights from a file of ``save`` or ``save_weights`` of a model with the same layers.

        Files of Keras 3, ``.weights.h5`` and ``.keras``, hold the optimizer's state, too, which a compiled model reads.
        """
        load_weights(self, filepath)


def _zeros(shape, dtype):
    """Zeros of a shape, or of a list or dict of shapes; a batch size of None becomes 1."""
    if isinstance(shape, dict):
        return {key: _zeros(value, dtype) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)) and shape and isinstance(shape[0], (list, tuple)):
        return [_zeros(value, dtype) for value in shape]
    return map_arrays(Tensor, np.zeros([1 if n is None else n for n in shape], dtype))
