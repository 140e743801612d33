"""Small layers: Identity, Masking, Lambda, RepeatVector, ActivityRegularization, CategoryEncoding."""

import inspect

from pycnn import ops, registration, regularizers
from pycnn.autograd import MaskedTensor, as_tensor
from pycnn.backend.geometry import is_integer
from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec
from pycnn.registration import register_serializable


@register_serializable("layers")
class Identity(Layer):
    """The inputs, unchanged."""

    supports_masking = True

    def call(self, inputs):
        """Return the inputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


@register_serializable("layers")
class Masking(Layer):
    """Sequences of which the layers behind leave out the steps whose numbers are all ``mask_value``; these become 0.

    Parameters
    ----------
    mask_value : float

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Masking()([[[1.0, 0.0], [0.0, 0.0]]]).mask.tolist()
    [[True, False]]
    """

    _arguments = ("mask_value",)
    _makes_mask = False  # beyond that of call

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs):
        """Compute the output."""
        seen = self.compute_mask(inputs)
        return MaskedTensor(ops.where(ops.expand_dims(seen, -1), inputs, 0.0), seen)

    def compute_mask(self, inputs, mask=None):
        """Return which steps have other numbers, too."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape


@register_serializable("layers")
class ActivityRegularization(Layer):
    """The inputs, unchanged; ``l1 * sum(|x|) + l2 * sum(x**2)`` of them is added to the loss.

    Parameters
    ----------
    l1, l2 : float
    """

    supports_masking = True
    _arguments = ("l1", "l2")

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = self.activity_regularizer.l1, self.activity_regularizer.l2

    def call(self, inputs):
        """Return the inputs."""
        return inputs

    def compute_output_shape(self, input_shape):
        """Return the input's shape."""
        return input_shape

    def get_config(self):
        """Return the arguments that make the same layer."""
        config = super().get_config()
        del config["activity_regularizer"]
        return config


@register_serializable("layers")
class RepeatVector(Layer):
    """Each vector ``n`` times: (batch, features) -> (batch, n, features).

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.RepeatVector(2)([[1.0, 5.0]]).tolist()
    [[[1.0, 5.0], [1.0, 5.0]]]
    """

    _arguments = ("n",)

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        if not is_integer(n) or n < 1:
            raise ValueError(f"n must be an integer >= 1. Received: n={n!r}")
        self.n = int(n)
        self.input_spec = InputSpec(ndim=2, meaning="(batch, features)")

    def call(self, inputs):
        """Compute the output."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, 1)

    def compute_output_shape(self, input_shape):
        """Return (batch, n, features)."""
        return (input_shape[0], self.n, input_shape[1])


@register_serializable("layers")
class Lambda(Layer):
    """A function as a layer: ``Lambda(lambda x: x * 2)``.

    A function that is registered with ``pycnn.utils.register_serializable`` can be saved, by its name. Others cannot,
    nor are they ever read from a file, since that would run code out of the file: write a Layer instead.

    Parameters
    ----------
    function : callable
        Called with the inputs, with ``arguments``, and with ``training`` and ``mask`` if it takes them.
    output_shape : tuple or callable, optional
        Shape of the output without the batch, or a function of the input's shape; found by running the function on
        zeros unless given.
    mask : callable or array, optional
        The mask of the output, or a function of the inputs and their mask (None if they have none) that returns it.
    arguments : dict, optional
        Further keyword arguments of the function.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.Lambda(lambda x: x * 2)([[1.0, 2.0]]).numpy()
    array([[2., 4.]], dtype=float32)
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"function must be callable. Received: function={function!r}")
        self.function, self.mask = function, mask
        self.supports_masking = mask is not None
        self.output_shape_argument = output_shape
        self.arguments = dict(arguments or {})
        try:
            self._wanted = [name for name in ("training", "mask") if name in inspect.signature(function).parameters]
        except ValueError:  # some built-in functions have no signature
            self._wanted = []
        self._takes_mask = "mask" in self._wanted

    def call(self, inputs, mask=None, training=False):
        """Compute the output."""
        known = {"training": training, "mask": mask}
        return self.function(inputs, **self.arguments, **{name: known[name] for name in self._wanted})

    def compute_mask(self, inputs, mask=None):
        """Return the mask that was given, or what the function that was given returns."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape):
        """Return the shape that was given, or that of the function's output for zeros."""
        given = self.output_shape_argument
        if given is None:
            return super().compute_output_shape(input_shape)
        if callable(given):
            return tuple(given(input_shape))
        first = input_shape[0]
        return (first[0] if isinstance(first, (tuple, list)) else first, *given)

    def get_config(self):
        """Return the arguments that make the same layer.

        Raises
        ------
        ValueError
            If the function, or a callable ``output_shape`` or ``mask``, is not registered.
        """
        mask = self.mask if self.mask is None or callable(self.mask) else as_tensor(self.mask).tolist()
        for name, value in (
            ("function", self.function),
            ("output_shape", self.output_shape_argument),
            ("mask", mask),
        ):
            if callable(value) and registration.registered_name(value) is None:
                raise ValueError(
                    f"Layer {self.name!r} (Lambda) cannot be saved, for its {name} is not registered: decorate it with "
                    f"@pycnn.utils.register_serializable(), or write a Layer. Received: {name}={value!r}"
                )
        given = {
            "function": self.function,
            "output_shape": self.output_shape_argument,
            "mask": mask,
            "arguments": self.arguments,
        }
        return {**super().get_config(), **{key: registration.serialize(v) for key, v in given.items()}}

    @classmethod
    def from_config(cls, config):
        """Make a layer of what ``get_config`` returned; the function must be registered under its name."""
        function = config["function"]
        if not isinstance(function, dict) or "function" not in function:
            raise ValueError(f"function must name a registered function. Received: function={function!r}")
        shape = config.get("output_shape")
        read = {
            "function": registration.deserialize(function),
            "output_shape": registration.deserialize(shape),
            "mask": registration.deserialize(config.get("mask")),
            "arguments": registration.deserialize(config.get("arguments")),
        }
        return cls(**{**config, **read})


@register_serializable("layers")
class CategoryEncoding(Layer):
    """Integers below ``num_tokens`` as vectors of zeros and ones, or of counts.

    Parameters
    ----------
    num_tokens : int
    output_mode : {"multi_hot", "one_hot", "count"}
        One vector for each sample that tells which integers occur in it; one for each integer; or one for each sample
        that tells how often each occurs.
    sparse : bool
        Keras's argument; only False.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.CategoryEncoding(4)([[0, 1, 1]]).numpy()
    array([[1., 1., 0., 0.]], dtype=float32)
    >>> layers.CategoryEncoding(4, "count")([[0, 1, 1]]).numpy()
    array([[1., 2., 0., 0.]], dtype=float32)
    """

    autocast = False
    _arguments = ("num_tokens", "output_mode", "sparse")

    def __init__(self, num_tokens=None, output_mode="multi_hot", sparse=False, **kwargs):
        super().__init__(**kwargs)
        if not is_integer(num_tokens) or num_tokens < 1:
            raise ValueError(f"num_tokens must be an integer >= 1. Received: num_tokens={num_tokens!r}")
        if output_mode not in ("multi_hot", "one_hot", "count"):
            raise ValueError(
                f"output_mode must be 'multi_hot', 'one_hot' or 'count'. Received: output_mode={output_mode!r}"
            )
        if sparse:
            raise ValueError(f"sparse must be False: pycnn has no sparse tensors. Received: sparse={sparse!r}")
        self.num_tokens = int(num_tokens)
        self.output_mode = output_mode
        self.sparse = False

    def call(self, inputs, count_weights=None):
        """Compute the output; ``count_weights``, of the inputs' shape, weighs each integer in a count."""
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f"count_weights is for output_mode='count'. Received: count_weights of output_mode={self.output_mode!r}"
            )
        ids = as_tensor(inputs).data.astype("int64")
        if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < self.num_tokens:
            raise ValueError(
                f"inputs must lie in [0, num_tokens={self.num_tokens}). "
                f"Received: inputs from {int(ids.min())} to {int(ids.max())}"
            )
        if self.output_mode == "one_hot" and ids.ndim > 1 and ids.shape[-1] == 1:
            ids = ids[..., 0]
        hot = ops.one_hot(ids, self.num_tokens, dtype=self.compute_dtype)
        if self.output_mode == "one_hot" or ids.ndim == 0:
            return hot
        if count_weights is not None:
            hot = hot * ops.expand_dims(ops.cast(count_weights, self.compute_dtype), -1)
        return ops.sum(hot, -2) if self.output_mode == "count" else ops.max(hot, -2)

    def compute_output_shape(self, input_shape):
        """Return the input's shape with ``num_tokens`` for the last axis, or behind it."""
        sizes = tuple(input_shape)
        if self.output_mode == "one_hot" and (len(sizes) == 1 or sizes[-1] != 1):
            return (*sizes, self.num_tokens)
        return (*sizes[:-1], self.num_tokens)
