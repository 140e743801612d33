"""ResNet: each block adds something to what came in, so that very deep networks can be trained."""

from pycnn import layers, ops
from pycnn.applications.base import finish, pooled_head, read_images
from pycnn.applications.preprocess import preprocess_caffe as preprocess_input
from pycnn.backend.geometry import is_integer

__all__ = [
    "CifarResNet",
    "ResNet18",
    "ResNet20",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "SEResNet20",
    "preprocess_input",
]


def ResNet18(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet18",
):
    """ResNet-18: blocks of two 3 x 3 convolutions; 11,689,512 trainable parameters. Arguments as ResNet50's.

    Keras has no such network.
    """
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((2, 2, 2, 2), False, *shared)


def ResNet34(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet34",
):
    """ResNet-34: blocks of two 3 x 3 convolutions; 21,797,672 trainable parameters. Arguments as ResNet50's.

    Keras has no such network.
    """
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((3, 4, 6, 3), False, *shared)


def ResNet50(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet50",
    stride_in_1x1=False,
):
    """ResNet-50: 16 blocks of 1 x 1, 3 x 3 and 1 x 1 convolutions; 25,557,032 trainable parameters.

    Parameters
    ----------
    include_top : bool
        Whether to end in the mean of each map and a dense layer, ``predictions``.
    weights : str or path, optional
        A file of ``model.save_weights``, or the state_dict of a PyTorch model, saved with safetensors (see
        ``load_torch_weights``). Otherwise the weights are random: pycnn distributes none, so that the default is not
        Keras's ``"imagenet"``.
    input_tensor : SymbolicTensor, optional
        The images, in place of a new ``pycnn.Input``; the model begins at the inputs that it depends on.
    input_shape : tuple (height, width, channels), optional
        (224, 224, 3) unless given, and with ``include_top=False`` any size of at least 32 x 32.
    pooling : {None, "avg", "max"}
        What ``include_top=False`` gives: the last maps, or the mean or largest value of each.
    classes : int
    classifier_activation : str or callable, optional
        None for logits.
    name : str
    stride_in_1x1 : bool
        Whether a block that halves the size does so in its first 1 x 1 convolution, as in the paper and in Keras, or
        in its 3 x 3 convolution, as in PyTorch and in most later work, with 6 % more multiply-adds in all.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        If an argument is none of those allowed, or a file does not fit.

    Notes
    -----
    He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016, table 1. As in PyTorch, and other
    than in Keras, the convolutions have no biases, and epsilon and momentum of the batch normalization are 1e-5 and
    0.9. Layers have Keras's names.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.ResNet50(include_top=False, input_shape=(64, 64, 3), pooling="avg")
    >>> model.output_shape, sum(w.size for w in model.trainable_weights)
    ((None, 2048), 23508032)
    """
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((3, 4, 6, 3), True, *shared, stride_in_1x1)


def ResNet101(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet101",
    stride_in_1x1=False,
):
    """ResNet-101: 33 blocks, 44,549,160 trainable parameters. Arguments as ResNet50's."""
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((3, 4, 23, 3), True, *shared, stride_in_1x1)


def ResNet152(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="resnet152",
    stride_in_1x1=False,
):
    """ResNet-152: 50 blocks, 60,192,808 trainable parameters. Arguments as ResNet50's."""
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((3, 8, 36, 3), True, *shared, stride_in_1x1)


def residual_network(
    blocks,
    bottleneck,
    include_top,
    weights,
    input_tensor,
    input_shape,
    pooling,
    classes,
    classifier_activation,
    name,
    stride_in_1x1=False,
    reduction=None,
):
    """A ResNet of four stages, with ``blocks[i]`` blocks in stage i.

    The first two arguments and the last are its own, the others are ResNet50's: ``bottleneck`` says whether blocks are
    of three convolutions, with four times as many channels after the last one, or of two 3 x 3 ones; with
    ``reduction`` there is a SqueezeExcite of this ratio in each block, before the addition.
    """
    images = read_images(include_top, weights, input_tensor, input_shape, pooling, classes)
    x = _conv_bn_relu(images, 64, 7, 2, "conv1")
    x = layers.MaxPooling2D(3, 2, padding=1, name="pool1_pool")(x)
    for stage, count in enumerate(blocks):
        for i in range(count):
            strides = 2 if stage > 0 and i == 0 else 1
            name_of_block = f"conv{stage + 2}_block{i + 1}"
            if bottleneck:
                x = _bottleneck(x, 64 * 2**stage, strides, name_of_block, stride_in_1x1, reduction)
            else:
                x = _basic_block(x, 64 * 2**stage, strides, name_of_block, reduction)
    x = pooled_head(x, include_top, pooling, classes, classifier_activation)
    return finish(images, x, weights, name)


def _bottleneck(x, filters, strides, name, stride_in_1x1, reduction):
    first, second = (strides, 1) if stride_in_1x1 else (1, strides)
    shortcut = _project(x, 4 * filters, strides, name)
    x = _conv_bn_relu(x, filters, 1, first, f"{name}_1")
    x = _conv_bn_relu(x, filters, 3, second, f"{name}_2")
    x = _conv_bn(x, 4 * filters, 1, 1, f"{name}_3")
    return _add(shortcut, x, name, reduction)


def _basic_block(x, filters, strides, name, reduction, project=None):
    shortcut = (project or _project)(x, filters, strides, name)
    x = _conv_bn_relu(x, filters, 3, strides, f"{name}_1")
    x = _conv_bn(x, filters, 3, 1, f"{name}_2")
    return _add(shortcut, x, name, reduction)


def _add(shortcut, x, name, reduction):
    if reduction is not None:
        x = layers.SqueezeExcite(reduction, name=f"{name}_se")(x)
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _project(x, filters, strides, name):
    """The shortcut: the input itself, or where sizes change a 1 x 1 convolution of it (the paper's option B)."""
    if strides == 1 and x.shape[-1] == filters:
        return x
    return _conv_bn(x, filters, 1, strides, f"{name}_0")


def _conv_bn_relu(x, filters, size, strides, name):
    return layers.ReLU(name=f"{name}_relu")(_conv_bn(x, filters, size, strides, name))


def _conv_bn(x, filters, size, strides, name):
    x = layers.Conv2D(
        filters, size, strides, size // 2, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)


def ResNet20(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=10,
    classifier_activation="softmax",
    name="resnet20",
):
    """ResNet-20 for images of 32 x 32 pixels: ``CifarResNet(20)``, 269,722 trainable parameters."""
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return CifarResNet(20, *shared)


def SEResNet20(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=10,
    classifier_activation="softmax",
    name="seresnet20",
    reduction=16,
):
    """SE-ResNet-20 for images of 32 x 32 pixels: ``CifarResNet(20, reduction=16)``, 272,095 trainable parameters."""
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return CifarResNet(20, *shared, reduction)


def CifarResNet(
    depth=20,
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=10,
    classifier_activation="softmax",
    name=None,
    reduction=None,
):
    """A ResNet for small images: three stages of 16, 32 and 64 channels. Keras has no such network.

    Parameters are those of ResNet50, and

    depth : int
        Number of layers, 6n + 2, with n blocks of two 3 x 3 convolutions a stage: 20, 32, 44, 56, 110.
    input_shape : tuple (height, width, channels), optional
        (32, 32, 3) unless given.
    reduction : int, optional
        Ratio of a SqueezeExcite in each block, before the addition; none unless given.

    Notes
    -----
    He et al. 2016, section 4.2. Where a stage begins, the shortcut takes every other pixel and adds channels of zeros
    (option A): all shortcuts are without parameters.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.CifarResNet(20)
    >>> sum(w.size for w in model.trainable_weights)
    269722
    """
    if not is_integer(depth) or depth < 8 or depth % 6 != 2:
        raise ValueError(f"depth must be 6n + 2, such as 20, 32, 44, 56. Received: depth={depth!r}")
    images = read_images(include_top, weights, input_tensor, input_shape, pooling, classes, size=32, smallest=8)
    x = _conv_bn_relu(images, 16, 3, 1, "conv1")
    for stage in range(3):
        for i in range(depth // 6):
            strides = 2 if stage > 0 and i == 0 else 1
            x = _basic_block(x, 16 * 2**stage, strides, f"conv{stage + 2}_block{i + 1}", reduction, _subsample)
    x = pooled_head(x, include_top, pooling, classes, classifier_activation)
    return finish(images, x, weights, name or f"{'se' if reduction else ''}resnet{depth}")


def _subsample(x, filters, strides, name):
    """The shortcut without parameters: every other pixel, and channels of zeros added (the paper's option A)."""
    if strides == 1:
        return x
    x = layers.MaxPooling2D(1, strides, name=f"{name}_0_pool")(x)
    return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))
