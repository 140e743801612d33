"""The Layer: weights, building on first use, sublayers, configuration. It knows no maths of its own."""

import functools
import inspect
import warnings

import numpy as np

from pycnn import ops, regularizers
from pycnn.autograd import Tensor, Variable, as_tensor, autocast
from pycnn.backend.dtypes import FLOAT32, FLOATS
from pycnn.layers.connected import OUTSIDE, Connectable, call_context
from pycnn.layers.masks import holds_tensors, masks_of, with_masks
from pycnn.layers.naming import snake_case, unique_name
from pycnn.layers.structure import map_structure
from pycnn.layers.weights import WeightOwner
from pycnn.ops.symbolic import has_symbolic
from pycnn.registration import registered_name, serialize

_MISSING = object()


def _building(build):
    """Wrap a class's ``build``: it runs once, marks the layer as built, and its errors carry the layer's name."""

    @functools.wraps(build)
    def build_once(self, input_shape):
        if not self.built:
            locked, Variable.locked = Variable.locked, False  # build may set weights, also while shapes are inferred
            try:
                build(self, input_shape)
            except (ValueError, TypeError) as error:
                self._put_name_on(error)
                raise
            finally:
                Variable.locked = locked
            self.built = True
            self._build_shape = input_shape

    return build_once


class Layer(WeightOwner, Connectable):
    """What all layers, and models, are: weights and a computation that uses them.

    A subclass defines ``__init__`` (which calls ``super().__init__(**kwargs)``), ``build(input_shape)`` where it
    needs the input's shape to make its weights by ``add_weight``, ``call(inputs)`` with the computation, and
    ``get_config`` if it shall be saved. Layers, and lists or dicts of layers, that are attributes become part of it.
    A ``training`` argument of ``call`` gets True in ``fit`` and False in ``evaluate`` and ``predict``; a ``mask``
    argument gets the mask of the inputs, if they have one, unless the call has other tensors than ``inputs``.
    What mask the outputs have is said by ``supports_masking`` and ``compute_mask``.

    Parameters
    ----------
    activity_regularizer : str or Regularizer, optional
        Its value at the layer's output is added to the loss.
    trainable : bool
        Whether optimizers change the layer's weights.
    dtype : str or DTypePolicy, optional
        ``"float32"`` or ``"float64"``, of the weights and the computation, or ``"mixed_float16"`` or
        ``"mixed_bfloat16"`` (see ``config.set_dtype_policy``); ``config.dtype_policy()`` unless given.
        Inputs of other dtypes are cast to that of the computation.
    name : str, optional
        Made from the class's name unless given: ``"conv2d"``, ``"conv2d_1"``, ...

    Examples
    --------
    >>> import pycnn
    >>> class Scale(pycnn.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight((input_shape[-1],), initializer="ones", name="factor")
    ...
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> layer = Scale()
    >>> layer([[1.0, 2.0]]).numpy()
    array([[1., 2.]], dtype=float32)
    >>> layer.count_params()
    2
    """

    autocast = True  # whether inputs are cast to the dtype of the layer's computation
    input_spec = None  # InputSpec that inputs are checked with
    supports_masking = False  # whether outputs have the mask that compute_mask says, the inputs' own unless overridden
    _arguments = ()  # arguments of __init__ that get_config reads from attributes of the same name

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _building(cls.__dict__["build"])
        if "call" in cls.__dict__:
            parameter = inspect.signature(cls.call).parameters.get("training")
            cls._takes_training = parameter is not None
            cls._own_training = None if parameter is None or parameter.default is parameter.empty else parameter.default
            cls._takes_mask = "mask" in inspect.signature(cls.call).parameters
        if "compute_mask" in cls.__dict__:
            cls._makes_mask = cls.__dict__.get("_makes_mask", True)
            cls.supports_masking = cls.__dict__.get("supports_masking", True)

    def __init__(
        self,
        *,
        activity_regularizer=None,
        trainable=True,
        dtype=None,
        name=None,
        input_shape=None,
        input_dim=None,
    ):
        super().__init__(trainable)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be a string. Received: name={name!r}")
        self.name = unique_name(snake_case(type(self).__name__)) if name is None else name
        self.dtype_policy = dtype
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self._losses = []
        self._loss_owners = []  # layers that added losses during the last call from outside
        self._nodes = []
        self._build_shape = None
        self._known_shape = self._known_dtype = None  # of the last input that was checked
        shape = (input_dim,) if input_dim is not None else input_shape
        self._input_shape_argument = None if shape is None else tuple(shape)

    # What subclasses define

    _takes_training = False
    _own_training = None  # default of the argument ``training`` of ``call``
    _takes_mask = False
    _makes_mask = False  # whether outputs may have a mask where inputs have none

    def build(self, input_shape):
        """Make the weights, by ``add_weight``. ``input_shape`` has None for the batch size."""

    def call(self, inputs):
        """Compute the outputs. ``inputs`` is a Tensor of ``compute_dtype``, or a list or dict of them."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, inputs)")

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the outputs (None: none), or a list of them; ``mask`` is that of the inputs."""
        return mask

    def get_config(self):
        """Return the arguments that make the same layer, without weights, as JSON values.

        Raises
        ------
        NotImplementedError
            If the class takes arguments that this method, not overridden, knows nothing of.
        """
        own = {"name": self.name, "trainable": self._trainable, "dtype": self.dtype_policy.name}
        if self.activity_regularizer is not None:
            own["activity_regularizer"] = serialize(self.activity_regularizer)
        for cls in type(self).__mro__:
            own |= {name: serialize(getattr(self, name)) for name in cls.__dict__.get("_arguments", ())}
        if type(self).get_config is Layer.get_config:
            parameters = inspect.signature(type(self).__init__).parameters.values()
            needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
            unknown = [p.name for p in needed if p.name not in (*own, "self")]
            if unknown:
                raise NotImplementedError(
                    f"{type(self).__name__}.__init__ takes {', '.join(unknown)}: to save it, define get_config(), "
                    "so that it returns {**super().get_config(), 'argument': self.argument}"
                )
        return own

    @classmethod
    def from_config(cls, config):
        """Make a layer, without its weights, of what ``get_config`` returned."""
        parameters = inspect.signature(cls.__init__).parameters
        later = {}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):  # __init__ does not pass on what is common
            later = {
                key: config[key] for key in ("name", "trainable", "dtype") if key in config and key not in parameters
            }
        layer = cls(**{key: value for key, value in config.items() if key not in later})
        for key, value in later.items():
            setattr(layer, "dtype_policy" if key == "dtype" else key, value)
        return layer

    # Calling

    def __call__(self, inputs=_MISSING, *args, training=None, **kwargs):
        """Compute the outputs, building the layer at the first call.

        Parameters
        ----------
        inputs : Tensor, array or SymbolicTensor, or a list or dict of them
            On symbolic tensors nothing is computed but shapes; the call becomes part of a graph (see ``Model``).
        *args, **kwargs
            Further arguments of ``call``, tensors among them.
        training : bool, optional
            Passed on to every layer inside. Where nobody gives it, each layer has the default of its ``call``: False
            for Dropout and others, but True for augmentation, as in Keras.
        """
        context = call_context
        if context.half is not self._dtype_policy.half or (training is not None and training is not context.training):
            return self._enter(inputs, args, training, kwargs)
        mask = None
        try:
            if (
                type(inputs) is not Tensor
                or inputs.data.shape[1:] != self._known_shape
                or inputs.data.dtype is not self._known_dtype
            ):
                if inputs is _MISSING or has_symbolic(inputs):
                    return self._enter(inputs, args, training, kwargs)
                mask = masks_of(inputs)
                inputs = self._admit(inputs)
            if args or kwargs:
                args, kwargs = self._convert_arguments(args, kwargs)
                mask = mask if kwargs.get("mask") is None else kwargs["mask"]
            if mask is not None and self._takes_mask and not holds_tensors((args, kwargs)):
                kwargs = {**kwargs, "mask": mask}
            if self._takes_training:
                training = context.training
                outputs = self.call(
                    inputs, *args, training=self._own_training if training is None else training, **kwargs
                )
            else:
                outputs = self.call(inputs, *args, **kwargs)
            if self.activity_regularizer is not None:
                with autocast(FLOAT32):
                    map_structure(lambda y: self.add_loss(self.activity_regularizer(y)), outputs)
            if mask is not None or self._makes_mask:
                outputs = self._hand_on(mask, inputs, outputs)
            return outputs
        except (ValueError, TypeError) as error:
            self._put_name_on(error)
            raise

    def _enter(self, inputs, args, training, kwargs):
        """Call from outside, of another dtype, or with another ``training``: set what holds for all calls inside."""
        if inputs is _MISSING:
            inputs, kwargs = self._first_by_keyword(kwargs)
        if has_symbolic(inputs) or has_symbolic(args) or has_symbolic(kwargs):
            return self._connect(inputs, args, training, kwargs)
        context = call_context
        entry, outside = context.entry, context.half
        if entry is None:
            context.entry = self
            for owner in self._loss_owners:
                owner._losses.clear()
            self._loss_owners.clear()
        if training is not None:
            before, context.training = context.training, bool(training)
        half = context.half = self._dtype_policy.half
        try:
            if half is None and outside is OUTSIDE:
                return self(inputs, *args, **kwargs)
            with autocast(half):
                return self(inputs, *args, **kwargs)
        finally:
            context.entry, context.half = entry, outside
            if training is not None:
                context.training = before

    def _hand_on(self, mask, inputs, outputs):
        """Return the outputs with their masks, which those of the inputs become."""
        if isinstance(inputs, Tensor) and mask is not None:
            mask = as_tensor(mask)
        if self.supports_masking:
            return with_masks(outputs, self.compute_mask(inputs, mask))
        if mask is not None and not self._takes_mask:
            warnings.warn(
                f"Layer {self.name!r} ({type(self).__name__}) does not support masks: that of its inputs ends here",
                stacklevel=3,
            )
        return outputs

    def admit(self, x):
        """Return a tensor as the layer's ``call`` gets it: checked, and cast, if it is not like the last."""
        known = x.data.shape[1:] == self._known_shape and x.data.dtype is self._known_dtype
        return x if known else self._admit(x)

    def _admit(self, inputs):
        """Convert, cast and check inputs of a kind not seen at the last call; build the layer if need be."""
        inputs = map_structure(self._convert, inputs)
        if self.input_spec is not None:  # also before build: a wrong rank is better reported here
            map_structure(lambda x: self.input_spec.check(x.shape), inputs)
        if not self.built:
            self._ensure_built(map_structure(lambda x: (None, *x.shape[1:]), inputs))
            if self.input_spec is not None:
                map_structure(lambda x: self.input_spec.check(x.shape), inputs)
        if type(inputs) is Tensor:
            self._known_shape, self._known_dtype = inputs.data.shape[1:], inputs.data.dtype
        return inputs

    def _convert(self, x):
        x = as_tensor(x)
        if self.autocast and x.data.dtype != self.compute_dtype:
            x = ops.cast(x, self.compute_dtype)
        return x

    def _ensure_built(self, input_shape):
        if not self.built:
            self.build(input_shape)
            self.built = True  # where build is not overridden
            self._build_shape = input_shape

    def _convert_arguments(self, args, kwargs):
        """Convert arrays, and cast floats, among the arguments behind the first."""

        def convert(value):
            if isinstance(value, np.ndarray):
                value = as_tensor(value)
            if isinstance(value, Tensor) and value.data.dtype.kind in FLOATS:
                return self._convert(value)
            return value

        return tuple(map_structure(convert, a) for a in args), {k: map_structure(convert, v) for k, v in kwargs.items()}

    def _first_by_keyword(self, kwargs):
        """Return the first argument of ``call``, given by its name, and the other ones."""
        first = next(iter(inspect.signature(self.call).parameters), "inputs")
        if first not in kwargs:
            raise TypeError(f"Layer {self.name!r} must be called on inputs. Received: arguments {sorted(kwargs)}")
        return kwargs[first], {key: value for key, value in kwargs.items() if key != first}

    def _put_name_on(self, error):
        """Say at the head of an error's message which layer it comes from; the innermost one only."""
        if getattr(error, "layer", None) is None:
            error.layer = self
            error.args = (f"Layer {self.name!r} ({type(self).__name__}): {error}", *error.args[1:])

    # Losses

    def add_loss(self, loss):
        """Inside ``call``: add a scalar tensor, or a list of them, to the loss of the step."""
        losses = loss if isinstance(loss, (list, tuple)) else [loss]
        self._losses.extend(losses)
        entry = self if call_context.entry is None else call_context.entry
        entry._loss_owners.append(self)

    @property
    def losses(self):
        """What regularizers and ``add_loss`` add to the loss: a list of scalar tensors."""
        added = [loss for layer in self.flatten_layers() for loss in layer._losses]
        return added + [w.regularizer(w) for w in self.trainable_weights if w.regularizer is not None]

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def serialize_layer(layer):
    """Return a layer as a dict of package, class name and configuration.

    A class that was not registered is written by its name; who reads it gives it in ``custom_objects``.
    """
    if registered_name(type(layer)) is not None:
        return serialize(layer)
    return {"package": "Custom", "class_name": type(layer).__name__, "config": layer.get_config()}
