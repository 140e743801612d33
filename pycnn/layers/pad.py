"""Layers that add or remove rows and columns at the edges of images."""

from pycnn import ops
from pycnn.backend.geometry import is_integer
from pycnn.layers.image import ImageLayer
from pycnn.registration import register_serializable


def _sides(argument, value):
    """Return ``value`` (an integer, a pair, or a pair of pairs) as ((top, bottom), (left, right))."""
    pair = (value, value) if is_integer(value) else value
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        both = [(n, n) if is_integer(n) else n for n in pair]
        if all(isinstance(s, (tuple, list)) and len(s) == 2 and all(is_integer(n) and n >= 0 for n in s) for s in both):
            return tuple((int(a), int(b)) for a, b in both)
    raise ValueError(
        f"{argument} must be an integer >= 0, a pair (height, width) or ((top, bottom), (left, right)). "
        f"Received: {argument}={value!r}"
    )


@register_serializable("layers")
class ZeroPadding2D(ImageLayer):
    """Rows and columns of zeros around images.

    Parameters
    ----------
    padding : int, pair of ints or pair of pairs
        All four sides, (height, width), or ((top, bottom), (left, right)).
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.ZeroPadding2D(((1, 0), (2, 2)))(np.ones((1, 4, 4, 3))).shape
    (1, 5, 8, 3)
    """

    _arguments = ("padding",)

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = _sides("padding", padding)

    def call_nhwc(self, inputs):
        """Compute the output."""
        return ops.pad(inputs, ((0, 0), *self.padding, (0, 0)))

    def output_shape_nhwc(self, input_shape):
        """Return the larger shape."""
        batch, height, width, channels = input_shape
        (top, bottom), (left, right) = self.padding
        return (batch, height + top + bottom, width + left + right, channels)


@register_serializable("layers")
class Cropping2D(ImageLayer):
    """Images without some rows and columns at their edges.

    Parameters
    ----------
    cropping : int, pair of ints or pair of pairs
        All four sides, (height, width), or ((top, bottom), (left, right)).
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from pycnn import layers
    >>> layers.Cropping2D(1)(np.ones((1, 5, 6, 3))).shape
    (1, 3, 4, 3)
    """

    _arguments = ("cropping",)

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.cropping = _sides("cropping", cropping)

    def call_nhwc(self, inputs):
        """Compute the output."""
        _, height, width, _ = self.output_shape_nhwc(inputs.shape)
        (top, _), (left, _) = self.cropping
        return inputs[:, top : top + height, left : left + width]

    def output_shape_nhwc(self, input_shape):
        """Return the smaller shape, or raise if nothing would remain."""
        batch, height, width, channels = input_shape
        (top, bottom), (left, right) = self.cropping
        shape = (batch, height - top - bottom, width - left - right, channels)
        if min(shape[1:3]) < 1:
            raise ValueError(
                f"cropping would leave nothing of the images. Received: cropping={self.cropping}, "
                f"input size={(height, width)}"
            )
        return shape
