"""MobileNet: each convolution is split into one of each channel by itself and one of 1 x 1 over all channels."""

from pycnn import layers
from pycnn.applications.base import finish, pool_features, read_images
from pycnn.applications.preprocess import preprocess_tf as preprocess_input

__all__ = ["MobileNet", "preprocess_input"]

_FILTERS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


def MobileNet(
    input_shape=None,
    alpha=1.0,
    depth_multiplier=1,
    dropout=1e-3,
    include_top=True,
    weights=None,
    input_tensor=None,
    pooling=None,
    classes=1000,
    classifier_activation="softmax",
    name=None,
):
    """MobileNet, the first version: 13 depthwise separable convolutions; 4,231,976 trainable parameters.

    Parameters are those of ResNet50, in Keras's order, and

    alpha : float
        Width of the network: each layer has ``int(filters * alpha)`` filters.
    depth_multiplier : int
        Filters of the depthwise convolutions for each channel.
    dropout : float
        Rate of dropout before the last layer.
    name : str, optional
        Made of ``alpha`` and the height of the images unless given.

    Notes
    -----
    Howard et al., MobileNets: efficient convolutional neural networks for mobile vision applications, 2017, table 1.
    As in PyTorch (timm's ``mobilenetv1_100``), and other than in Keras, the padding is the same on all sides, epsilon
    and momentum of the batch normalization are 1e-5 and 0.9, and the last layer is dense: weights that were trained
    with Keras give other outputs here. Layers have Keras's names.

    Examples
    --------
    >>> from pycnn import applications
    >>> model = applications.MobileNet(alpha=0.25, classes=10)
    >>> model.name, model.output_shape, model.count_params()
    ('mobilenet_0.25_224', (None, 10), 221114)
    """
    if not 0 < alpha < float("inf"):
        raise ValueError(f"alpha must be a positive number. Received: alpha={alpha!r}")
    images = read_images(include_top, weights, input_tensor, input_shape, pooling, classes)
    stem = layers.Conv2D(
        max(int(32 * alpha), 1), 3, 2, padding=1, use_bias=False, kernel_initializer="he_normal", name="conv1"
    )
    x = _norm_relu(stem(images), "conv1")
    before = 0
    for i, filters in enumerate(_FILTERS, 1):
        strides = 2 if before and filters > before else 1
        depthwise = layers.DepthwiseConv2D(
            3,
            strides,
            padding=1,
            depth_multiplier=depth_multiplier,
            use_bias=False,
            depthwise_initializer="he_normal",
            name=f"conv_dw_{i}",
        )
        pointwise = layers.Conv2D(
            max(int(filters * alpha), 1), 1, use_bias=False, kernel_initializer="he_normal", name=f"conv_pw_{i}"
        )
        x = _norm_relu(depthwise(x), f"conv_dw_{i}")
        x = _norm_relu(pointwise(x), f"conv_pw_{i}")
        before = filters
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Dense(classes, classifier_activation, name="predictions")(x)
    else:
        x = pool_features(x, pooling)
    if name is None:
        name = "_".join(["mobilenet", f"{alpha:.2f}", *(str(n) for n in images.shape[1:2] if n is not None)])
    return finish(images, x, weights, name)


def _norm_relu(x, name):
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
