"""Inception modules, and the body that GoogLeNet and SEInception share."""

from pycnn import layers

MODULES = {  # filters of 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; the projection behind the pooling
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def inception_module(x, filters, name, reduction=None):
    """Look at the same maps with windows of several sizes, and join what was seen.

    Parameters
    ----------
    x : SymbolicTensor
        (batch, height, width, channels).
    filters : six ints
        Of a 1 x 1 convolution; of a 1 x 1 convolution that reduces the channels, and of the 3 x 3 one behind it; of
        both with 5 x 5; and of a 1 x 1 convolution behind a 3 x 3 max pooling. All have ReLU.
    name : str
        What the names of all layers begin with.
    reduction : int, optional
        Ratio of a SqueezeExcite of the whole module's output; none unless given.

    Returns
    -------
    SymbolicTensor
        (batch, height, width, filters[0] + filters[2] + filters[4] + filters[5]).

    Notes
    -----
    Szegedy et al., Going deeper with convolutions, CVPR 2015, figure 2b; with SqueezeExcite Hu, Shen and Sun,
    Squeeze-and-excitation networks, CVPR 2018, figure 2.

    Examples
    --------
    >>> import pycnn
    >>> from pycnn.applications.inception import MODULES, inception_module
    >>> inception_module(pycnn.Input((28, 28, 192)), MODULES["3a"], "inception_3a").shape
    (None, 28, 28, 256)
    """
    one, three_reduce, three, five_reduce, five, projection = filters
    branches = [
        conv_relu(x, one, 1, f"{name}_1x1"),
        conv_relu(conv_relu(x, three_reduce, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
        conv_relu(conv_relu(x, five_reduce, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
        conv_relu(layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x), projection, 1, f"{name}_proj"),
    ]
    x = layers.Concatenate(name=f"{name}_output")(branches)
    return x if reduction is None else layers.SqueezeExcite(reduction, name=f"{name}_se")(x)


def inception_body(images, reduction=None):
    """GoogLeNet up to its last maps: the outputs of its nine modules, by their names ``"3a"`` to ``"5b"``.

    ``reduction`` is that of ``inception_module``.

    Notes
    -----
    Szegedy et al. 2015, table 1. Poolings are in ceil mode: 224 -> 112 -> 56 -> 28 -> 14 -> 7.
    """
    x = conv_relu(images, 64, 7, "conv1", strides=2)
    x = _pool(x, "pool1")
    x = layers.LocalResponseNormalization(5, name="norm1")(x)
    x = conv_relu(conv_relu(x, 64, 1, "conv2_reduce"), 192, 3, "conv2")
    x = layers.LocalResponseNormalization(5, name="norm2")(x)
    x = _pool(x, "pool2")
    outputs = {}
    for module, filters in MODULES.items():
        if module in ("4a", "5a"):
            x = _pool(x, f"pool{int(module[0]) - 1}")
        x = outputs[module] = inception_module(x, filters, f"inception_{module}", reduction)
    return outputs


def conv_relu(x, filters, size, name, strides=1):
    """A convolution with bias and ReLU that, with strides of 1, keeps height and width."""
    return layers.Conv2D(filters, size, strides, padding=size // 2, activation="relu", name=name)(x)


def _pool(x, name):
    return layers.MaxPooling2D(3, 2, ceil_mode=True, name=name)(x)
