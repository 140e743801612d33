"""Convolutions before the parts that detect: written as tables, or any model that gives maps."""

from pycnn import layers
from pycnn.models import Model

VGG16 = (
    *("64x3", "64x3", "pool", "128x3", "128x3", "pool"),
    *("256x3", "256x3", "256x3", "pool", "512x3", "512x3", "512x3", "pool", "512x3", "512x3", "512x3"),
)
"""VGG-16 up to conv5_3 (Simonyan and Zisserman, 2015): strides of 16."""
SMALL = ("24x3", "24x3", "pool", "48x3", "48x3", "pool", "64x3", "64x3")
"""For small images: strides of 4."""


def convolutions(x, table, normalized, activation="relu"):
    """Stack convolutions on ``x``.

    Parameters
    ----------
    x : SymbolicTensor
    table : sequence of str
        ``"64x7/2"`` is a convolution of 64 filters 7 x 7 with strides of 2, ``"pool"`` max pooling 2 x 2, whose last
        window may be half empty (ceil mode).
    normalized : bool
        Whether batch normalization, in the place of a bias, follows each convolution.
    activation : str or callable
        Behind each.
    """
    for entry in table:
        if entry == "pool":
            x = layers.MaxPooling2D(2, padding="same")(x)
            continue
        size, _, stride = entry.partition("/")
        filters, kernel = map(int, size.split("x"))
        x = layers.Conv2D(filters, kernel, int(stride or 1), padding="same", use_bias=not normalized)(x)
        x = layers.BatchNormalization(momentum=0.9)(x) if normalized else x
        x = layers.Activation(activation)(x) if isinstance(activation, str) else activation(x)
    return x


def backbone_model(backbone, input_shape):
    """Return a Model from images, in 0..255, to maps.

    Parameters
    ----------
    backbone : {"vgg16", "small"} or Model
        A model's own input may be of any size, such as those of ``pycnn.applications`` with ``include_top=False``.
    input_shape : (height, width, channels)
    """
    images = layers.Input(input_shape)
    if backbone == "vgg16":
        return Model(images, convolutions(layers.Rescaling(1 / 255)(images), VGG16, normalized=False), name="backbone")
    if backbone == "small":
        x = convolutions(layers.Rescaling(1 / 127.5, -1)(images), SMALL, normalized=True)
        return Model(images, x, name="backbone")
    if not isinstance(backbone, Model):
        raise ValueError(f"backbone must be 'vgg16', 'small' or a Model. Received: backbone={backbone!r}")
    maps = backbone(images)
    if len(maps.shape) != 4 or None in maps.shape[1:]:
        raise ValueError(f"backbone must give maps (height, width, channels). Received: shape {maps.shape}")
    return Model(images, maps, name="backbone")


def stride_of(backbone, input_shape):
    """How many pixels of the image are one of the maps: a power of two, the same in both directions.

    Examples
    --------
    >>> stride_of(backbone_model("vgg16", (600, 1000, 3)), (600, 1000, 3))
    16
    """
    maps = backbone.output_shape[1:3]
    stride = 1
    while -(-input_shape[0] // stride) > maps[0]:
        stride *= 2
    if any(-(-n // stride) != m for n, m in zip(input_shape, maps, strict=False)):
        raise ValueError(
            "backbone must halve height and width some times, and nothing else. "
            f"Received: maps of {maps[0]} x {maps[1]} from images of {input_shape[0]} x {input_shape[1]}"
        )
    return stride
