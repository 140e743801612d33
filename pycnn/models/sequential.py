"""Sequential: a model whose layers follow one another."""

from pycnn.layers.augment import join_affine
from pycnn.layers.base import Layer, serialize_layer
from pycnn.layers.input import InputLayer
from pycnn.layers.masks import with_masks
from pycnn.layers.naming import name_by_class
from pycnn.layers.structure import flatten_structure, map_structure
from pycnn.layers.symbolic import SymbolicTensor
from pycnn.models.fusion import Fused, fuse_steps
from pycnn.models.model import Model
from pycnn.models.planned import generators_of
from pycnn.registration import custom_object_scope, deserialize, register_serializable


@register_serializable("models")
class Sequential(Model):
    """Layers one after another.

    Parameters
    ----------
    layers : list of Layer, optional
        With ``Input(shape)`` first the weights are made at once, else with the first data or by ``build``.
    name : str, optional

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn import layers
    >>> model = pycnn.Sequential([
    ...     layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(2)])
    >>> model.output_shape, model.count_params()
    ((None, 2), 330)
    >>> model(np.zeros((5, 8, 8, 1))).shape
    (5, 2)
    """

    _untracked = Model._untracked | {"_layers", "_steps", "_symbols", "_entrance"}

    def __init__(self, layers=None, trainable=True, name=None, **kwargs):
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._layers = []
        self._steps = []  # what call does: the layers, some of them joined
        self._first_step = 0  # where a call begins
        self._entrance = None  # the Input: the first of the layers, or one that build made
        self._symbols = []  # what each layer after the Input gives in the graph
        for layer in layers or ():
            self._insert(layer)
        self._reset_step_caches()
        self._try_to_build()

    def add(self, layer):
        """Add a layer at the end."""
        self._insert(layer)
        self._reset_step_caches()
        self._try_to_build()

    def pop(self):
        """Remove the last layer, and return it."""
        if not self.layers:
            raise ValueError(f"There is no layer to remove from the model {self.name!r}")
        layer = self._layers.pop()
        del self._symbols[len(self._after_input) :]
        self._reset_step_caches()
        self._try_to_build()
        return layer

    def _insert(self, layer):
        if isinstance(layer, SymbolicTensor) and isinstance(layer.node.layer, InputLayer):
            layer = layer.node.layer
        if not isinstance(layer, Layer):
            raise TypeError(f"A Sequential is made of layers. Received: layer={layer!r} of type {type(layer).__name__}")
        if not self._layers and layer._input_shape_argument is not None:
            self._layers.append(InputLayer(layer._input_shape_argument))
        if isinstance(layer, InputLayer) and self._layers:
            raise ValueError(
                f"Input must come first in the model {self.name!r}. Received: {len(self._layers)} layers before"
            )
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(
                f"The layers of a model must have different names. Received: name={layer.name!r} twice in {self.name!r}"
            )
        self._layers.append(layer)

    def _try_to_build(self):
        """Build if the input's shape is known, now that the layers have changed."""
        shape = self._layers[0].batch_shape if self._layers and isinstance(self._layers[0], InputLayer) else None
        self.built = False
        self._known_shape = self._build_shape = None
        self._steps = fuse_steps(join_affine(self._layers))
        if shape is not None:
            self.build(shape)

    @property
    def _runs_chain(self):
        """Whether a call is nothing but the layers, one after another."""
        return type(self).call is Sequential.call

    @property
    def layers(self):
        """The layers, without Input."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    @property
    def _after_input(self):
        return self._layers[1:] if self._layers and isinstance(self._layers[0], InputLayer) else self._layers

    @property
    def operations(self):
        """The layers."""
        return self.layers

    @property
    def input(self):
        """The symbolic input; None if the model was not built yet."""
        return self._entrance.output if self.built else None

    @property
    def output(self):
        """The symbolic output; None if the model was not built yet."""
        return (self._symbols[-1] if self._symbols else self._entrance.output) if self.built else None

    @property
    def inputs(self):
        """The symbolic input in a list; None if the model was not built yet."""
        return [self.input] if self.built else None

    @property
    def outputs(self):
        """The symbolic outputs in a flat list; None if the model was not built yet."""
        return flatten_structure(self.output) if self.built else None

    @property
    def input_shape(self):
        """Shape of the input, with None for the batch size; None if the model was not built yet."""
        return self._build_shape

    @property
    def output_shape(self):
        """Shape of the output, with None for the batch size; None if the model was not built yet."""
        return map_structure(lambda y: y.shape, self.output) if self.built else None

    @property
    def _symbolic_outputs(self):
        return self.output

    @property
    def input_names(self):
        """The name of the input in a list; None if the model was not built yet."""
        return [self._entrance.name] if self.built else None

    @property
    def output_names(self):
        """The name of the last layer in a list; None if the model was not built yet."""
        return [y.node.layer.name for y in self.outputs] if self.built else None

    def build(self, input_shape=None):
        """Make the weights of all layers, for inputs of this shape: (None, height, width, channels)."""
        if input_shape is None:
            raise ValueError(f"input_shape must be given to build the model {self.name!r} that has no Input")
        if not self._layers:
            raise ValueError(f"The model {self.name!r} has no layers to build. Received: input_shape={input_shape}")
        if isinstance(self._layers[0], InputLayer):
            entrance = self._layers[0]
        elif self._entrance is not None and self._entrance.batch_shape[1:] == tuple(input_shape)[1:]:
            entrance = self._entrance
        else:
            entrance = InputLayer(batch_shape=(None, *tuple(input_shape)[1:]))
        if entrance is not self._entrance:
            self._entrance = entrance
            self._symbols.clear()
        x = self._symbols[-1] if self._symbols else entrance.output
        for layer in self._after_input[len(self._symbols) :]:
            x = layer(x)
            self._symbols.append(x)

    def call(self, inputs, mask=None):
        """Compute the output."""
        inputs = inputs if mask is None else with_masks(inputs, mask)
        for step in self._steps[self._first_step :]:
            inputs = step(inputs)
        return inputs

    def _random_steps(self):
        steps = []
        for i, step in enumerate(self._steps):
            layer = getattr(step, "func", step)
            if isinstance(step, Fused) or layer.weights or layer.activity_regularizer is not None:
                break
            if generators_of(layer):
                steps = self._steps[: i + 1]
        return steps

    def compute_output_shape(self, input_shape):
        """Return the shape that the last layer gives."""
        for layer in self._layers:
            input_shape = layer.compute_output_shape(input_shape)
        return tuple(input_shape)

    def _sublayers(self):
        """Names by class, counted, so that they do not depend on how many models were made before."""
        return name_by_class(self.layers) + super()._sublayers()

    def get_config(self):
        """Return the layers and their arguments."""
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy.name,
            "layers": [serialize_layer(layer) for layer in self._layers],
        }
        if self._build_shape is not None and not isinstance(self._layers[0], InputLayer):
            config["build_input_shape"] = list(self._build_shape)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Make the model, with new weights, of what ``get_config`` returned.

        ``custom_objects`` maps names in it to classes and functions that were not registered.
        """
        config = dict(config)
        with custom_object_scope(custom_objects or {}):
            layers = [deserialize(layer) for layer in config.pop("layers")]
        shape = config.pop("build_input_shape", None)
        model = cls(layers, **config)
        if shape is not None:
            model.build(tuple(shape))
        return model
