"""SE-ResNet and SE-Inception: networks whose blocks weigh their channels by what the whole image shows."""

from pycnn.applications.googlenet import GoogLeNet
from pycnn.applications.preprocess import preprocess_torch as preprocess_input
from pycnn.applications.resnet import residual_network

__all__ = ["SEInception", "SEResNet50", "SEResNet101", "SEResNet152", "preprocess_input"]


def SEResNet50(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="seresnet50",
    stride_in_1x1=False,
    reduction=16,
):
    """SE-ResNet-50: a ResNet-50 with a SqueezeExcite in each block; 28,088,024 trainable parameters.

    Keras has no such network. Parameters are those of ResNet50, and

    reduction : int
        Ratio of the channels of a block to the hidden units of its SqueezeExcite.

    Notes
    -----
    Hu, Shen and Sun, Squeeze-and-excitation networks, CVPR 2018, table 1. timm's ``seresnet50`` is the same network;
    that of the authors' own weights, ``legacy_seresnet50``, has its strides in the first 1 x 1 convolutions and pools
    in ceil mode.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.SEResNet50(include_top=False, input_shape=(64, 64, 3))
    >>> model.output_shape, model.get_layer("conv5_block3_se").count_params()
    ((None, 2, 2, 2048), 526464)
    """
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((3, 4, 6, 3), True, *shared, stride_in_1x1, reduction)


def SEResNet101(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="seresnet101",
    stride_in_1x1=False,
    reduction=16,
):
    """SE-ResNet-101: 33 blocks, 49,326,872 trainable parameters. Arguments as SEResNet50's."""
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((3, 4, 23, 3), True, *shared, stride_in_1x1, reduction)


def SEResNet152(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="seresnet152",
    stride_in_1x1=False,
    reduction=16,
):
    """SE-ResNet-152: 50 blocks, 66,821,848 trainable parameters. Arguments as SEResNet50's."""
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return residual_network((3, 8, 36, 3), True, *shared, stride_in_1x1, reduction)


def SEInception(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="seinception",
    auxiliary=False,
    reduction=16,
):
    """SE-Inception: GoogLeNet with a SqueezeExcite behind each of its nine modules; 7,478,655 parameters.

    Keras has no such network. Parameters are those of GoogLeNet.

    Notes
    -----
    Hu, Shen and Sun, Squeeze-and-excitation networks, CVPR 2018, figure 2, on the network of Szegedy et al. 2015.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.SEInception(include_top=False)
    >>> model.output_shape, model.get_layer("inception_5b_se").count_params()
    ((None, None, None, 1024), 132160)
    """
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return GoogLeNet(*shared, auxiliary, reduction)
