"""AlexNet: with it, in 2012, convolutional networks won."""

from pycnn import layers
from pycnn.applications.base import finish, pool_features, read_images

__all__ = ["AlexNet"]


def AlexNet(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="alexnet",
    dropout=0.5,
):
    """AlexNet: five convolutions, three of them in two groups, and three fully connected layers; 60,965,224 parameters.

    Parameters are those of ResNet50, and

    input_shape : tuple (height, width, channels), optional
        (227, 227, 3) unless given; with ``include_top`` it decides the size of ``fc6``.
    dropout : float
        Rate of dropout before ``fc7`` and before the classes.

    Keras has no such network, and torchvision's is a later one, without groups and normalization.

    Notes
    -----
    Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, NeurIPS 2012,
    section 3. The groups are the two GPUs of the paper, whose images are of 227 x 227 pixels (it says 224, which does
    not fit its 55 x 55 maps). Behind ReLU, ``conv1`` and ``conv2`` are normalized and then pooled.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.AlexNet(include_top=False, input_shape=(227, 227, 3))
    >>> model.output_shape, model.count_params()
    ((None, 6, 6, 256), 2334080)
    """
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes)
    images = read_images(*shared, size=227, smallest=67, fixed=True)
    x = _conv(images, 96, 11, "conv1", strides=4)
    x = layers.MaxPooling2D(3, 2, name="pool1")(_normalize(x, "norm1"))
    x = _conv(x, 256, 5, "conv2", padding=2, groups=2)
    x = layers.MaxPooling2D(3, 2, name="pool2")(_normalize(x, "norm2"))
    x = _conv(x, 384, 3, "conv3", padding=1)
    x = _conv(x, 384, 3, "conv4", padding=1, groups=2)
    x = _conv(x, 256, 3, "conv5", padding=1, groups=2)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)
    if not include_top:
        return finish(images, pool_features(x, pooling), weights, name)
    x = layers.Flatten(name="flatten")(x)
    for layer in ("fc6", "fc7"):
        x = layers.Dense(4096, "relu", name=layer)(x)
        x = layers.Dropout(dropout, name=f"{layer}_dropout")(x)
    return finish(images, layers.Dense(classes, classifier_activation, name="predictions")(x), weights, name)


def _conv(x, filters, size, name, strides=1, padding=0, groups=1):
    return layers.Conv2D(
        filters, size, strides, padding, groups=groups, activation="relu", kernel_initializer="he_normal", name=name
    )(x)


def _normalize(x, name):
    """The paper's k = 2, n = 5, alpha = 1e-4, beta = 0.75; its alpha is that of the sum, the layer's of the mean."""
    return layers.LocalResponseNormalization(5, alpha=5e-4, beta=0.75, bias=2.0, name=name)(x)
