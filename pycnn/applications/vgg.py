"""VGG: 3 x 3 convolutions alone, and three large fully connected layers."""

from pycnn import layers
from pycnn.applications.base import finish, pool_features, read_images
from pycnn.applications.preprocess import preprocess_caffe as preprocess_input

__all__ = ["VGG16", "VGG19", "preprocess_input"]


def VGG16(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="vgg16",
    dropout=0.0,
):
    """VGG-16: 13 convolutions and 3 fully connected layers; 138,357,544 parameters.

    Parameters are those of ResNet50, and

    include_top : bool
        Whether to end in the layers ``flatten``, ``fc1``, ``fc2`` and ``predictions``; the size of the images must be
        known then, and decides the size of ``fc1``.
    dropout : float
        Rate of dropout behind ``fc1`` and ``fc2``: in the paper 0.5, in Keras there is none.

    Notes
    -----
    Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015, table 1,
    configuration D. Layers have Keras's names.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.VGG16(include_top=False)
    >>> model.output_shape, model.count_params()
    ((None, None, None, 512), 14714688)
    """
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return _vgg((2, 2, 3, 3, 3), *shared, dropout)


def VGG19(
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name="vgg19",
    dropout=0.0,
):
    """VGG-19: 16 convolutions and 3 fully connected layers; 143,667,240 parameters. Arguments as VGG16's."""
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    return _vgg((2, 2, 4, 4, 4), *shared, dropout)


def _vgg(
    convolutions,
    include_top,
    weights,
    input_tensor,
    input_shape,
    pooling,
    classes,
    classifier_activation,
    name,
    dropout,
):
    """A VGG of five blocks, with ``convolutions[i]`` convolutions in block i."""
    images = x = read_images(include_top, weights, input_tensor, input_shape, pooling, classes, fixed=True)
    for block, (count, filters) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), 1):
        for i in range(count):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{i + 1}")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    if include_top:
        x = layers.Flatten(name="flatten")(x)
        for i in (1, 2):
            x = layers.Dense(4096, "relu", name=f"fc{i}")(x)
            if dropout:
                x = layers.Dropout(dropout, name=f"dropout{i}")(x)
        x = layers.Dense(classes, classifier_activation, name="predictions")(x)
    else:
        x = pool_features(x, pooling)
    return finish(images, x, weights, name)
