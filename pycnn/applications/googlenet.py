"""GoogLeNet: modules of parallel convolutions of several sizes, and outputs halfway that help to train."""

from pycnn import layers
from pycnn.applications.base import finish, pool_features, read_images
from pycnn.backend.geometry import is_integer

__all__ = ["GoogLeNet", "MiniGoogLeNet", "inception_module"]

_WIDTHS = {
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
"""Filters of 1x1; 3x3 and the 1x1 before it (first); 5x5 and the 1x1 before it (first); the 1x1 behind the pool."""


def GoogLeNet(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="googlenet",
    auxiliary=False,
    reduction=None,
):
    """GoogLeNet, or Inception v1: nine inception modules; 6,998,552 parameters.

    Parameters are those of ResNet50, and

    auxiliary : bool
        Whether to have two further outputs, behind the modules 4a and 4d, for training alone; with them there are
        13,378,280 parameters. ``fit(x, y)`` adds 0.3 times their losses (see ``models.AuxiliaryModel``), while
        ``predict`` and ``evaluate`` know nothing of them. It needs ``include_top`` and images of at least 80 x 80
        pixels, whose size decides that of their dense layers.
    reduction : int, optional
        Ratio of a SqueezeExcite behind each module; none unless given.

    Keras has no such network, and torchvision's is another one (3x3 in the place of 5x5, batch normalization).

    Notes
    -----
    Szegedy et al., Going deeper with convolutions, CVPR 2015, table 1 and section 5. As in the authors' network the
    pools go beyond the edge (ceil mode), and local response normalization stands before and behind ``conv2``. One image
    of 224 x 224 pixels takes 1.58 billion multiply-adds in its convolutions and its dense layer.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.GoogLeNet(include_top=False)
    >>> model.output_shape, model.count_params()
    ((None, None, None, 1024), 5973552)
    """
    _check_auxiliary(auxiliary, include_top)
    images = read_images(
        include_top, weights, input_tensor, input_shape, pooling, classes, smallest=80 if auxiliary else 32,
        fixed=auxiliary,
    )  # fmt: skip
    x = _conv(images, 64, 7, 2, "conv1")
    x = layers.MaxPooling2D(3, 2, ceil_mode=True, name="pool1")(x)
    x = layers.LocalResponseNormalization(name="norm1")(x)
    x = _conv(x, 64, 1, 1, "conv2_reduce")
    x = _conv(x, 192, 3, 1, "conv2")
    x = layers.LocalResponseNormalization(name="norm2")(x)
    x = layers.MaxPooling2D(3, 2, ceil_mode=True, name="pool2")(x)
    stages = (("3a", "3b"), ("4a", "4b", "4c", "4d", "4e"), ("5a", "5b"))
    x, heads = _stages(x, stages, ("4a", "4d") if auxiliary else (), _WIDTHS, reduction, False)
    outputs = _outputs(x, heads, include_top, pooling, classes, classifier_activation, (0.4, 0.7), (128, 1024), False)
    return finish(images, outputs, weights, name)


def MiniGoogLeNet(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=10,
    classifier_activation="softmax",
    name="mini_googlenet",
    auxiliary=False,
    reduction=None,
    divisor=4,
    batch_norm=True,
    dropout=0.1,
):
    """A GoogLeNet for small images: a stem, the modules 3a, 3b and 4a, and auxiliary outputs behind 3a and 3b.

    Parameters are those of GoogLeNet, and

    input_shape : tuple (height, width, channels), optional
        (32, 32, 3) unless given.
    divisor : int
        All layers have so many times fewer channels than GoogLeNet's: 1, 2, 4 or 8.
    batch_norm : bool
        Whether batch normalization stands behind each convolution, which then has no bias (Ioffe and Szegedy, Batch
        normalization, ICML 2015, section 4.2): it learns in a fraction of the time.
    dropout : float
        Rate before the classes of all outputs.

    The stem is GoogLeNet's, but for a first convolution of 3x3 without strides, so that modules see maps of 8 x 8, and
    without local response normalization.

    Examples
    --------
    >>> from pycnn import applications
    >>> applications.MiniGoogLeNet(auxiliary=True).output_shape
    (None, 10)
    """
    _check_auxiliary(auxiliary, include_top)
    if not is_integer(divisor) or divisor not in (1, 2, 4, 8):
        raise ValueError(f"divisor must be 1, 2, 4 or 8. Received: divisor={divisor!r}")
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes)
    images = read_images(*shared, size=32, smallest=20 if auxiliary else 16, fixed=auxiliary)
    widths = {module: tuple(n // divisor for n in counts) for module, counts in _WIDTHS.items()}
    x = _conv(images, 64 // divisor, 3, 1, "conv1", batch_norm)
    x = layers.MaxPooling2D(3, 2, ceil_mode=True, name="pool1")(x)
    x = _conv(x, 64 // divisor, 1, 1, "conv2_reduce", batch_norm)
    x = _conv(x, 192 // divisor, 3, 1, "conv2", batch_norm)
    x = layers.MaxPooling2D(3, 2, ceil_mode=True, name="pool2")(x)
    x, heads = _stages(x, (("3a", "3b"), ("4a",)), ("3a", "3b") if auxiliary else (), widths, reduction, batch_norm)
    sizes, top = (128 // divisor, 1024 // divisor), (include_top, pooling, classes, classifier_activation)
    return finish(images, _outputs(x, heads, *top, (dropout, dropout), sizes, batch_norm), weights, name)


def inception_module(x, filters, name, reduction=None, batch_norm=False):
    """Four ways side by side, whose maps are put one behind the other: 1x1, 3x3 and 5x5 convolutions, and a max pool.

    Parameters
    ----------
    x : SymbolicTensor
    filters : six ints
        Of the 1x1 convolution; of the 1x1 before the 3x3, and the 3x3; of the 1x1 before the 5x5, and the 5x5; of the
        1x1 behind the pool.
    name : str
        What the names of the layers begin with.
    reduction : int, optional
        Ratio of a SqueezeExcite behind the module.
    batch_norm : bool
        Whether batch normalization stands behind each convolution, which then has no bias.

    Examples
    --------
    >>> import pycnn
    >>> from pycnn.applications.googlenet import inception_module
    >>> inception_module(pycnn.Input((28, 28, 192)), (64, 96, 128, 16, 32, 32), "3a").shape
    (None, 28, 28, 256)
    """
    small, reduce3, middle, reduce5, large, project = filters

    def conv(x, count, size, kind):
        return _conv(x, count, size, 1, f"{name}_{kind}", batch_norm)

    ways = [
        conv(x, small, 1, "1x1"),
        conv(conv(x, reduce3, 1, "3x3_reduce"), middle, 3, "3x3"),
        conv(conv(x, reduce5, 1, "5x5_reduce"), large, 5, "5x5"),
        conv(layers.MaxPooling2D(3, 1, "same", name=f"{name}_pool")(x), project, 1, "pool_proj"),
    ]
    x = layers.Concatenate(name=f"{name}_output")(ways)
    return x if reduction is None else layers.SqueezeExcite(reduction, name=f"{name}_se")(x)


def _check_auxiliary(auxiliary, include_top):
    if not isinstance(auxiliary, bool) or (auxiliary and include_top is False):
        raise ValueError(
            "auxiliary must be True or False, and False with include_top=False, for its outputs are classes. "
            f"Received: auxiliary={auxiliary!r}"
        )


def _stages(x, stages, with_head, widths, reduction, batch_norm):
    """Modules, with a pool between the stages; return the last maps, and those that auxiliary heads begin with."""
    heads = []
    for i, modules in enumerate(stages):
        if i:
            x = layers.MaxPooling2D(3, 2, ceil_mode=True, name=f"pool{i + 2}")(x)
        for module in modules:
            x = inception_module(x, widths[module], f"inception_{module}", reduction, batch_norm)
            if module in with_head:
                heads.append(x)
    return x, heads


def _outputs(x, heads, include_top, pooling, classes, activation, dropout, sizes, batch_norm):
    """The network's output, or where there are heads a list of it and theirs."""
    if not include_top:
        return pool_features(x, pooling)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(dropout[0], name="dropout")(x)
    x = layers.Dense(classes, activation, name="predictions")(x)
    if not heads:
        return x
    top = (sizes, classes, activation, dropout[1], batch_norm)
    return [x, *(_auxiliary_head(maps, f"auxiliary{i}", *top) for i, maps in enumerate(heads, 1))]


def _auxiliary_head(x, name, sizes, classes, activation, dropout, batch_norm):
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = _conv(x, sizes[0], 1, 1, f"{name}_conv", batch_norm)
    x = layers.Dense(sizes[1], "relu", name=f"{name}_fc")(layers.Flatten(name=f"{name}_flatten")(x))
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Dense(classes, activation, name=f"{name}_predictions")(x)


def _conv(x, filters, size, strides, name, batch_norm=False):
    shared = {"strides": strides, "padding": size // 2, "kernel_initializer": "he_normal", "name": name}
    if not batch_norm:
        return layers.Conv2D(filters, size, activation="relu", **shared)(x)
    x = layers.Conv2D(filters, size, use_bias=False, **shared)(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
