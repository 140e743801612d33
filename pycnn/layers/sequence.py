"""What layers of sequences share, and those without filters: pooling, padding, cropping, repeating.

A sequence (batch, steps, channels) is an image of one row, and the operations on images do the work.
"""

from pycnn import ops
from pycnn.backend.geometry import is_integer, pool_geometry
from pycnn.layers.base import Layer
from pycnn.layers.conv import count
from pycnn.layers.image import read_data_format
from pycnn.layers.spec import InputSpec
from pycnn.registration import register_serializable

_UNKNOWN = 1 << 14  # stands for a number of steps that is not known yet


class SequenceLayer(Layer):
    """A layer whose input is (batch, steps, channels), or with ``channels_first`` (batch, channels, steps).

    Subclasses define ``build_nsc``, ``call_nsc`` and ``steps_out``, which see channels_last only.
    """

    _arguments = ("data_format",)

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = read_data_format(data_format)
        self._first = self.data_format == "channels_first"
        self._expect_channels(None)

    def build_nsc(self, channels):
        """Make the weights, for so many channels (None if that is not known)."""

    def call_nsc(self, inputs):
        """Compute the output, channels_last, of an input that is channels_last."""
        raise NotImplementedError(f"{type(self).__name__} must define call_nsc(self, inputs)")

    def steps_out(self, steps, channels):
        """Return the number of steps and of channels of the output."""
        return steps, channels

    def build(self, input_shape):
        """Make the weights."""
        self.input_spec.check(input_shape)
        self.build_nsc(input_shape[1 if self._first else 2])

    def call(self, inputs):
        """Compute the output."""
        if self._first:
            return ops.transpose(self.call_nsc(ops.transpose(inputs, (0, 2, 1))), (0, 2, 1))
        return self.call_nsc(inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of the output; a number of steps that is None stays None."""
        try:
            self.input_spec.check(input_shape)
            _, a, b = input_shape
            known, channels = (b, a) if self._first else (a, b)
            steps, channels = self.steps_out(known or _UNKNOWN, channels)
        except (ValueError, TypeError) as error:
            self._put_name_on(error)
            raise
        steps = steps if known else None
        return (input_shape[0], channels, steps) if self._first else (input_shape[0], steps, channels)

    def _expect_channels(self, channels):
        meaning = "(batch, channels, steps)" if self._first else "(batch, steps, channels)"
        axes = {1 if self._first else -1: channels} if channels is not None else None
        self.input_spec = InputSpec(ndim=3, axes=axes, meaning=meaning)


def single(argument, value):
    """Return ``value``, an integer >= 1 or a tuple of one, as an integer."""
    return count(argument, value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value)


def as_rows(sequences):
    """View (batch, steps, channels) as images of one row."""
    batch, steps, channels = sequences.data.shape
    return ops.reshape(sequences, (batch, 1, steps, channels))


def as_sequences(images):
    """View images of one row as (batch, steps, channels)."""
    batch, _, steps, channels = images.data.shape
    return ops.reshape(images, (batch, steps, channels))


class _Pooling1D(SequenceLayer):
    """Sliding windows without weights; a subclass names the operation on images."""

    _arguments = ("pool_size", "strides", "padding")

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(data_format, name=name, **kwargs)
        if padding not in ("valid", "same"):
            raise ValueError(f"padding must be 'valid' or 'same'. Received: padding={padding!r}")
        self.pool_size = single("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else single("strides", strides)
        self.padding = padding

    def call_nsc(self, inputs):
        """Compute the output."""
        return as_sequences(self.pool(as_rows(inputs), (1, self.pool_size), (1, self.strides), self.padding))

    def steps_out(self, steps, channels):
        """Return the number of windows."""
        geometry = pool_geometry((1, 1, steps, channels), (1, self.pool_size), (1, self.strides), self.padding, False)
        return geometry.output_size[1], channels


@register_serializable("layers")
class MaxPooling1D(_Pooling1D):
    """Largest value of each window of steps.

    Parameters
    ----------
    pool_size : int
    strides : int, optional
        Defaults to ``pool_size``.
    padding : {"valid", "same"}
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.MaxPooling1D()([[[1.0], [3.0], [2.0], [0.0]]]).tolist()
    [[[3.0], [2.0]]]
    """

    pool = staticmethod(ops.max_pool2d)


@register_serializable("layers")
class AveragePooling1D(_Pooling1D):
    """Mean of each window of steps; the arguments are those of MaxPooling1D."""

    pool = staticmethod(ops.avg_pool2d)

    def __init__(self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class _GlobalPooling1D(SequenceLayer):
    """One value of each channel; a subclass names the reduction."""

    _arguments = ("keepdims",)

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, **kwargs)
        self.keepdims = bool(keepdims)

    def call(self, inputs):
        """Compute the output."""
        return self.reduce(inputs, 2 if self._first else 1, self.keepdims)

    def compute_output_shape(self, input_shape):
        """Return (batch, channels), or with ``keepdims`` three axes, of which that of the steps is 1."""
        self.input_spec.check(input_shape)
        batch, a, b = input_shape
        if not self.keepdims:
            return (batch, a if self._first else b)
        return (batch, a, 1) if self._first else (batch, 1, b)


@register_serializable("layers")
class GlobalMaxPooling1D(_GlobalPooling1D):
    """Largest value of each channel: (batch, steps, channels) -> (batch, channels).

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep the steps as an axis of size 1.
    """

    reduce = staticmethod(ops.max)


@register_serializable("layers")
class GlobalAveragePooling1D(_GlobalPooling1D):
    """Mean of each channel, over the steps that a mask (batch, steps) does not hide; arguments as GlobalMaxPooling1D.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.GlobalAveragePooling1D()([[[1.0, 5.0], [3.0, 5.0]]]).tolist()
    [[2.0, 5.0]]
    """

    reduce = staticmethod(ops.mean)
    _makes_mask = False

    def call(self, inputs, mask=None):
        """Compute the output."""
        if mask is None:
            return super().call(inputs)
        steps, channels = (2, 1) if self._first else (1, 2)
        seen = ops.expand_dims(ops.cast(mask, "bool"), channels)
        total = ops.sum(ops.where(seen, inputs, 0.0), steps, self.keepdims)
        return total / ops.sum(ops.cast(seen, inputs.dtype), steps, self.keepdims)

    def compute_mask(self, inputs, mask=None):
        """Return None: the output has no steps."""


def _ends(argument, value):
    """Return ``value``, an integer or a pair of integers >= 0, as (before, after)."""
    pair = (value, value) if is_integer(value) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(is_integer(n) and n >= 0 for n in pair):
        raise ValueError(f"{argument} must be an integer >= 0 or a pair of them. Received: {argument}={value!r}")
    return tuple(int(n) for n in pair)


@register_serializable("layers")
class ZeroPadding1D(SequenceLayer):
    """Steps of zeros before and after sequences.

    Parameters
    ----------
    padding : int or pair of ints
    data_format : {"channels_last", "channels_first"}, optional
    """

    _arguments = ("padding",)

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = _ends("padding", padding)

    def call_nsc(self, inputs):
        """Compute the output."""
        return ops.pad(inputs, ((0, 0), self.padding, (0, 0)))

    def steps_out(self, steps, channels):
        """Return the larger number of steps."""
        return steps + sum(self.padding), channels


class _LastOnly(SequenceLayer):
    """Keras's layers of sequences that know no other layout than channels_last."""

    def __init__(self, **kwargs):
        super().__init__("channels_last", **kwargs)

    def get_config(self):
        """Return the arguments that make the same layer."""
        config = super().get_config()
        del config["data_format"]
        return config


@register_serializable("layers")
class Cropping1D(_LastOnly):
    """Sequences without some steps at their beginning and end.

    Parameters
    ----------
    cropping : int or pair of ints
    """

    _arguments = ("cropping",)

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(**kwargs)
        self.cropping = _ends("cropping", cropping)

    def call_nsc(self, inputs):
        """Compute the output."""
        before, after = self.cropping
        steps = inputs.data.shape[1]
        self.steps_out(steps, None)
        return inputs[:, before : steps - after]

    def steps_out(self, steps, channels):
        """Return the smaller number of steps, or raise if none would remain."""
        if steps <= sum(self.cropping):
            raise ValueError(f"cropping would leave nothing. Received: cropping={self.cropping}, steps={steps}")
        return steps - sum(self.cropping), channels


@register_serializable("layers")
class UpSampling1D(_LastOnly):
    """Each step ``size`` times.

    Examples
    --------
    >>> from pycnn import layers
    >>> layers.UpSampling1D(2)([[[1.0], [3.0]]]).tolist()
    [[[1.0], [1.0], [3.0], [3.0]]]
    """

    _arguments = ("size",)

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        self.size = single("size", size)

    def call_nsc(self, inputs):
        """Compute the output."""
        return ops.repeat(inputs, self.size, 1)

    def steps_out(self, steps, channels):
        """Return the larger number of steps."""
        return steps * self.size, channels
