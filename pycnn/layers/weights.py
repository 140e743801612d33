"""What a layer owns: its weights and sublayers, found by looking at its attributes."""

import math
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from pycnn import constraints, dtype_policies, initializers, regularizers
from pycnn.autograd import Variable

_limit = ContextVar("pycnn_weight_limit", default=None)  # [numbers that weights may still have], or None


@contextmanager
def weights_limited_to(count):
    """Inside a ``with`` block refuse to make weights of more than ``count`` numbers in all: files may claim any shape.

    Raises
    ------
    ValueError
        By the layer that goes beyond it, before any memory is taken.
    """
    token = _limit.set([count])
    try:
        yield
    finally:
        _limit.reset(token)


def _spend(limit, name, shape):
    limit[0] -= math.prod(shape)
    if limit[0] < 0:
        raise ValueError(f"The weight {name!r} is larger than all that there is for it. Received: shape={shape}")


class WeightOwner:
    """The half of a Layer that holds weights: making them, finding them in sublayers, freezing, reading, setting."""

    _untracked = frozenset({"_nodes", "_loss_owners", "_frozen"})  # attributes whose layers are not sublayers

    def __init__(self, trainable):
        if not isinstance(trainable, bool):
            raise TypeError(f"trainable must be a boolean. Received: trainable={trainable!r}")
        self._trainable = trainable
        self._weights = []
        self._frozen = []  # weights that were trainable before the layer was frozen

    def add_weight(
        self,
        shape=(),
        initializer="glorot_uniform",
        dtype=None,
        trainable=True,
        regularizer=None,
        constraint=None,
        autocast=True,
        name=None,
    ):
        """Make a weight of the layer.

        Parameters
        ----------
        shape : tuple of ints
        initializer : str or Initializer
        dtype : str, optional
            The layer's unless given.
        trainable : bool
            False for state that optimizers shall leave alone, such as moving means.
        regularizer : str or Regularizer, optional
            Its value at the weight is added to the loss.
        constraint : callable, optional
            Applied to the weight after each step of the optimizer.
        autocast : bool
            Whether it is rounded to the dtype that the layer computes in, where that is not the weight's.
        name : str, optional
            What it is called inside the layer, such as ``"kernel"``.

        Returns
        -------
        Variable
        """
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(n is None for n in shape):
            raise ValueError(f"The shape of a weight must be known. Received: shape={shape}, name={name!r}")
        if (limit := _limit.get()) is not None:
            _spend(limit, name, shape)
        initializer = initializers.get(initializer)
        value = initializer(shape, dtype or self.dtype)
        name = name or f"weight_{len(self._weights)}"
        regularizer, constraint = regularizers.get(regularizer), constraints.get(constraint)
        variable = Variable(value, name, trainable, regularizer, constraint, autocast=autocast)
        self._weights.append(variable)
        if trainable and not self._trainable:
            self._freeze(variable)
        return variable

    @property
    def dtype_policy(self):
        """The dtypes of weights and computation, a ``DTypePolicy``; assign its name, or another one."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, policy):
        self._dtype_policy = policy = dtype_policies.get(policy)
        self.dtype = policy.variable_dtype
        self._known_dtype = None

    @property
    def compute_dtype(self):
        """Dtype of the computation, which inputs are cast to."""
        return self._dtype_policy.compute_dtype

    @property
    def variable_dtype(self):
        """Dtype of the weights: ``dtype``."""
        return self.dtype

    def _freeze(self, variable):
        variable.trainable = False
        self._frozen.append(variable)

    @property
    def trainable(self):
        """Whether optimizers change the layer's weights; setting it sets it for all sublayers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = value = bool(value)
        if value:
            for variable in self._frozen:
                variable.trainable = True
            self._frozen.clear()
        else:
            for variable in self._own_weights():
                if variable.trainable:
                    self._freeze(variable)
        for _, layer in self._sublayers():
            layer.trainable = value

    def _tracked(self, kind):
        """Pairs (name, thing of this kind) from all attributes, and lists and dicts in attributes, each thing once."""
        found = {}
        for attribute, value in self.__dict__.items():
            if type(value) not in _PLAIN and attribute not in self._untracked:
                _search(attribute, value, kind, found)
        return list(found.values())

    def _own_weights(self):
        return [variable for _, variable in self._tracked(Variable)]

    def _sublayers(self):
        """Pairs (name, layer) of the layers directly inside this one; the names lead to weights in files."""
        return self._tracked(WeightOwner)

    def flatten_layers(self):
        """Return this layer and all inside it, at any depth, each once."""
        found, seen, queue = [], set(), [self]
        while queue:
            layer = queue.pop(0)
            if id(layer) not in seen:
                seen.add(id(layer))
                found.append(layer)
                queue[:0] = [sub for _, sub in layer._sublayers()]
        return found

    def named_weights(self):
        """Return a dict of all weights, the sublayers' too: ``"kernel"`` or ``"block/conv2d/kernel"`` -> Variable."""
        named = {}
        self._collect_weights("", named, set())
        return named

    def _collect_weights(self, prefix, named, seen):
        if id(self) in seen:
            return
        seen.add(id(self))
        for variable in self._own_weights():
            if id(variable) not in seen:
                seen.add(id(variable))
                name = path = prefix + variable.name
                count = 0
                while path in named:
                    count += 1
                    path = f"{name}_{count}"
                named[path] = variable
        for name, sublayer in self._sublayers():
            sublayer._collect_weights(f"{prefix}{name}/", named, seen)

    @property
    def weights(self):
        """All weights: the layer's own in the order of their making, then those of its sublayers."""
        return list(self.named_weights().values())

    @property
    def trainable_weights(self):
        """The weights that optimizers change."""
        return [w for w in self.weights if w.trainable]

    @property
    def non_trainable_weights(self):
        """The weights that optimizers leave alone: frozen ones, and state such as moving means."""
        return [w for w in self.weights if not w.trainable]

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def count_params(self):
        """Return the number of numbers in all weights.

        Raises
        ------
        ValueError
            If the layer was not built yet.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.name!r} has no weights to count yet: call it on data, or build(input_shape), first"
            )
        return sum(w.size for w in self.weights)

    def get_weights(self):
        """Return copies of all weights, in the order of ``weights``, as a list of ``numpy.ndarray``."""
        return [np.array(w.numpy()) for w in self.weights]

    def set_weights(self, weights):
        """Set all weights to the arrays in ``weights``, a list in the order of ``get_weights``.

        Raises
        ------
        ValueError
            If their number or a shape does not fit.
        """
        own = self.weights
        if len(weights) != len(own):
            raise ValueError(
                f"Layer {self.name!r} has {len(own)} weights, so weights must be a list of as many arrays. "
                f"Received: len(weights)={len(weights)}"
            )
        for i, (variable, value) in enumerate(zip(own, weights, strict=True)):
            if np.shape(value) != variable.shape:
                raise ValueError(
                    f"weights[{i}] must have the shape {variable.shape} of weight {variable.name!r} "
                    f"of layer {self.name!r}. Received: weights[{i}].shape={np.shape(value)}"
                )
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)


_PLAIN = frozenset({bool, int, float, str, type(None)})  # most attributes: passed over quickly


def _search(name, value, kind, found):
    """Put things of a kind into ``found``: id -> (name, thing). Lists and dicts are searched, too."""
    if isinstance(value, kind):
        found.setdefault(id(value), (name, value))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            if type(item) not in _PLAIN:
                _search(f"{name}/{i}", item, kind, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            if type(item) not in _PLAIN:
                _search(f"{name}/{key}", item, kind, found)
