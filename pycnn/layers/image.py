"""What layers of images share: their maths is channels_last, and channels_first is a transposition at their edge."""

from pycnn import config, ops
from pycnn.backend.geometry import TotalPadding
from pycnn.layers.base import Layer
from pycnn.layers.spec import InputSpec

_UNKNOWN = 1 << 14  # stands for a height or width that is not known yet


class ImageLayer(Layer):
    """A layer whose input is (batch, height, width, channels), or with ``channels_first`` (batch, channels, ...).

    Subclasses define ``build_nhwc``, ``call_nhwc`` and ``output_shape_nhwc``, which see channels_last only.
    """

    _arguments = ("data_format",)

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = read_data_format(data_format)
        self._first = self.data_format == "channels_first"
        self._expect_channels(None)

    def build_nhwc(self, input_shape):
        """Make the weights, for a shape (None, height, width, channels)."""

    def call_nhwc(self, inputs):
        """Compute the output, channels_last, of an input that is channels_last."""
        raise NotImplementedError(f"{type(self).__name__} must define call_nhwc(self, inputs)")

    def output_shape_nhwc(self, input_shape):
        """Return the shape of the output, channels_last."""
        return input_shape

    def build(self, input_shape):
        """Make the weights."""
        self.input_spec.check(input_shape)
        self.build_nhwc(self._shape_last(input_shape))

    def call(self, inputs):
        """Compute the output."""
        if self._first:
            return ops.transpose(self.call_nhwc(ops.transpose(inputs, (0, 2, 3, 1))), (0, 3, 1, 2))
        return self.call_nhwc(inputs)

    def compute_output_shape(self, input_shape):
        """Return the shape of the output; heights and widths that are None stay None."""
        try:
            self.input_spec.check(input_shape)
            batch, height, width, channels = self._shape_last(input_shape)
            shape = self.output_shape_nhwc((batch, height or _UNKNOWN, width or _UNKNOWN, channels))
        except (ValueError, TypeError) as error:
            self._put_name_on(error)
            raise
        return self._shape_first(self._forget_unknown(shape, height, width))

    def _forget_unknown(self, shape, height, width):
        """None where the output's size follows from an input's size that is not known."""
        _, out_height, out_width, channels = shape
        return (None, out_height if height else None, out_width if width else None, channels)

    def _shape_last(self, shape):
        return (shape[0], shape[2], shape[3], shape[1]) if self._first else tuple(shape)

    def _shape_first(self, shape):
        return (shape[0], shape[3], shape[1], shape[2]) if self._first else tuple(shape)

    def _expect_channels(self, channels):
        """From now on accept only inputs with so many channels (None: any)."""
        meaning = "(batch, channels, height, width)" if self._first else "(batch, height, width, channels)"
        axes = {1 if self._first else -1: channels} if channels is not None else None
        self.input_spec = InputSpec(ndim=4, axes=axes, meaning=meaning)

    def _known_channels(self, input_shape):
        """Return the channels of ``input_shape``, which weights need to be made."""
        if input_shape[-1] is None:
            raise ValueError(f"The number of channels must be known. Received: input_shape={tuple(input_shape)}")
        return input_shape[-1]


def read_data_format(data_format):
    """Return ``data_format``, or ``config.image_data_format()`` for None."""
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(
            f"data_format must be 'channels_last' or 'channels_first'. Received: data_format={data_format!r}"
        )
    return data_format or config.image_data_format()


def read_padding(padding):
    """Return ``padding`` as ``geometry`` takes it; ``{"total": [h, w]}`` is how files write a TotalPadding."""
    if isinstance(padding, str):
        return padding.lower()
    return TotalPadding(*padding["total"]) if isinstance(padding, dict) else padding


def write_padding(padding):
    """Return ``padding`` as a JSON value that ``read_padding`` understands."""
    return {"total": [padding.height, padding.width]} if isinstance(padding, TotalPadding) else padding
