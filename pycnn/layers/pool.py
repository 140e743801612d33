"""Pooling layers: the largest, smallest or mean value of windows, and of whole maps."""

from pycnn import ops
from pycnn.backend.geometry import pair, pool_geometry
from pycnn.layers.image import ImageLayer, read_padding, write_padding
from pycnn.registration import register_serializable


class _Pooling2D(ImageLayer):
    """Sliding windows without weights; a subclass names the operation."""

    _arguments = ("pool_size", "strides", "ceil_mode")

    def __init__(
        self,
        pool_size=(2, 2),
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        ceil_mode=False,
        **kwargs,
    ):
        super().__init__(data_format, name=name, **kwargs)
        self.pool_size = pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair("strides", strides)
        self.padding = read_padding(padding)
        self.ceil_mode = bool(ceil_mode)

    def output_shape_nhwc(self, input_shape):
        """Return the output's shape, or raise if the window does not fit."""
        geometry = pool_geometry(input_shape, self.pool_size, self.strides, self.padding, self.ceil_mode)
        return geometry.output_shape(None, input_shape[-1])

    def get_config(self):
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "padding": write_padding(self.padding)}


@register_serializable("layers")
class MaxPooling2D(_Pooling2D):
    """Largest value of each window.

    Parameters
    ----------
    pool_size : int or pair of ints
    strides : int or pair of ints, optional
        Defaults to ``pool_size``.
    padding : str, int, pair, pair of pairs or TotalPadding
        ``"valid"``, ``"same"``, and what else ``pycnn.backend.geometry`` lists. Padding never wins.
    data_format : {"channels_last", "channels_first"}, optional
    ceil_mode : bool
        Keep a last window that only partly lies on the input (Keras has no such argument).

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).numpy()[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]], dtype=float32)
    """

    def call_nhwc(self, inputs):
        """Compute the output."""
        return ops.max_pool2d(inputs, self.pool_size, self.strides, self.padding, self.ceil_mode)


@register_serializable("layers")
class MinPooling2D(_Pooling2D):
    """Smallest value of each window; the arguments are those of MaxPooling2D. Keras has no such layer.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.MinPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).numpy()[0, :, :, 0]
    array([[ 0.,  2.],
           [ 8., 10.]], dtype=float32)
    """

    def call_nhwc(self, inputs):
        """Compute the output."""
        return ops.min_pool2d(inputs, self.pool_size, self.strides, self.padding, self.ceil_mode)


@register_serializable("layers")
class AveragePooling2D(_Pooling2D):
    """Mean of each window; the arguments are those of MaxPooling2D, and one more.

    Parameters
    ----------
    count_include_pad : bool
        Whether the places of the padding count in the mean; False, the only way in Keras, unless given.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.AveragePooling2D()(np.arange(16.0).reshape(1, 4, 4, 1)).numpy()[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]], dtype=float32)
    """

    _arguments = ("count_include_pad",)

    def __init__(
        self,
        pool_size=(2, 2),
        strides=None,
        padding="valid",
        data_format=None,
        name=None,
        count_include_pad=False,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
        self.count_include_pad = bool(count_include_pad)

    def call_nhwc(self, inputs):
        """Compute the output."""
        return ops.avg_pool2d(
            inputs, self.pool_size, self.strides, self.padding, self.ceil_mode, self.count_include_pad
        )


class _GlobalPooling2D(ImageLayer):
    """One value of each map; a subclass names the operation."""

    _arguments = ("keepdims",)

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(data_format, **kwargs)
        self.keepdims = bool(keepdims)

    def pool(self, inputs):
        """Reduce a channels_last input to (batch, 1, 1, channels) or (batch, channels)."""
        raise NotImplementedError(f"{type(self).__name__} must define pool(self, inputs)")

    def call(self, inputs):
        """Compute the output."""
        if not self._first:
            return self.pool(inputs)
        outputs = self.pool(ops.transpose(inputs, (0, 2, 3, 1)))
        return ops.transpose(outputs, (0, 3, 1, 2)) if self.keepdims else outputs

    def compute_output_shape(self, input_shape):
        """Return (None, channels), or with ``keepdims`` four axes, of which height and width are 1."""
        self.input_spec.check(input_shape)
        channels = self._shape_last(input_shape)[-1]
        return self._shape_first((None, 1, 1, channels)) if self.keepdims else (None, channels)


@register_serializable("layers")
class GlobalMaxPooling2D(_GlobalPooling2D):
    """Largest value of each map: (batch, height, width, channels) -> (batch, channels).

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Keep height and width as axes of size 1.
    """

    def pool(self, inputs):
        """Reduce height and width."""
        return ops.global_max_pool2d(inputs, self.keepdims)


@register_serializable("layers")
class GlobalMinPooling2D(_GlobalPooling2D):
    """Smallest value of each map; the arguments are those of GlobalMaxPooling2D. Keras has no such layer."""

    def pool(self, inputs):
        """Reduce height and width."""
        return ops.global_min_pool2d(inputs, self.keepdims)


@register_serializable("layers")
class GlobalAveragePooling2D(_GlobalPooling2D):
    """Mean of each map; the arguments are those of GlobalMaxPooling2D.

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.GlobalAveragePooling2D()(np.ones((2, 7, 7, 5))).shape
    (2, 5)
    """

    def pool(self, inputs):
        """Reduce height and width."""
        return ops.global_avg_pool2d(inputs, self.keepdims)
