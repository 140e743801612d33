"""LeNet-5, which reads handwritten digits: as it was in 1998, and as it is built today."""

import numpy as np

from pycnn import layers
from pycnn.applications.base import finish, pool_features, read_images

__all__ = ["DIGIT_BITMAPS", "LeNet5"]

VARIANTS = ("original", "modern", "caffe")

C3_CONNECTIONS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)),
)
"""For each map of C3 the maps of S2 that it sees: table I of the paper."""

_FONT = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
..###..  ...#...  .#####.  #######  .....#.  #######  ..####.  #######  .#####.  .#####.
.#...#.  ..##...  #.....#  .....#.  ....##.  #......  .#.....  ......#  #.....#  #.....#
#.....#  .#.#...  ......#  ....#..  ...#.#.  #......  #......  .....#.  #.....#  #.....#
#.....#  ...#...  .....#.  ...#...  ..#..#.  ######.  #......  ....#..  .#...#.  #.....#
#.....#  ...#...  ....#..  ..####.  .#...#.  ......#  ######.  ....#..  ..###..  .######
#.....#  ...#...  ...#...  ......#  #######  ......#  #.....#  ...#...  .#...#.  ......#
#.....#  ...#...  ..#....  ......#  .....#.  ......#  #.....#  ...#...  #.....#  ......#
.#...#.  ...#...  .#.....  #.....#  .....#.  #.....#  #.....#  ..#....  #.....#  .....#.
..###..  .#####.  #######  .#####.  .....#.  .#####.  .#####.  ..#....  .#####.  .####..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""

DIGIT_BITMAPS = np.stack(
    [
        [[1.0 if pixel == "#" else -1.0 for pixel in line.split()[digit]] for line in _FONT.split("\n")[1:-1]]
        for digit in range(10)
    ]
)
"""(10, 12, 7): the digits as pictures of 12 x 7 pixels, 1 in strokes and -1 elsewhere, which F6 is to draw.

They are drawn in the manner of the paper's figure 3, which no file holds.
"""


def LeNet5(
    variant="modern",
    include_top=True,
    weights=None,
    input_tensor=None,
    input_shape=None,
    pooling=None,
    classes=10,
    classifier_activation="softmax",
    name="lenet5",
    subsampling="max",
):
    """LeNet-5 in one of three variants, for grey images of digits, white on black. Keras has no such network.

    ``"original"`` has 60,000 parameters and is that of the paper: sparse connections into C3, subsampling with weights,
    1.7159 tanh(2x/3), and an output of radial basis units that compare F6 with a small picture of each digit.
    ``"modern"`` (61,706): all connections, tanh, pooling without weights, softmax. ``"caffe"`` (431,080): that of
    Caffe's MNIST example, wider, with one fully connected layer less, and one activation, the ReLU there.

    Parameters
    ----------
    variant : {"modern", "original", "caffe"}
    include_top : bool
        Whether to end in the fully connected layers, or in the maps of S4 (``pool2`` in Caffe).
    weights : str or path, optional
        A file of ``model.save_weights``; random unless given.
    input_tensor : SymbolicTensor, optional
        The images, in place of a new ``pycnn.Input``.
    input_shape : tuple (height, width, channels), optional
        (32, 32, 1) unless given, and (28, 28, 1) in Caffe's variant.
    pooling : {None, "avg", "max"}
        What ``include_top=False`` gives: the last maps, or the mean or largest value of each.
    classes : int
        10, other numbers not in the original, whose outputs are pictures of the digits.
    classifier_activation : str or callable, optional
        None for logits. The original has none: it gives minus the squared distance to each picture (see
        ``layers.RadialBasis``), for the loss ``RubbishCrossentropy`` or ``SparseCategoricalCrossentropy(True)``.
    name : str
    subsampling : {"max", "average"}
        The modern variant's pooling.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        If an argument is none of those allowed, or a file does not fit.

    Notes
    -----
    LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proceedings of the
    IEEE 86 (1998), section II.B. The original's 340,908 connections and its parameters are those that the paper prints
    layer by layer. Its weights begin as appendix A says, but with the standard deviation 1 / sqrt(inputs) that LeCun et
    al., Efficient backprop (1998), derive. In the paper the background of images is -0.1 and ink is 1.175.

    Examples
    --------
    >>> from pycnn import applications
    >>> [applications.LeNet5(variant).count_params() for variant in ("original", "modern", "caffe")]
    [60000, 61706, 431080]
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}. Received: variant={variant!r}")
    if subsampling not in ("max", "average"):
        raise ValueError(f"subsampling must be 'max' or 'average'. Received: subsampling={subsampling!r}")
    if variant == "original" and include_top and classes != len(DIGIT_BITMAPS):
        raise ValueError(f"The original LeNet-5 has an output for each of the 10 digits. Received: classes={classes!r}")
    size = 28 if variant == "caffe" else 32
    smallest = 10 if not include_top else 32 if variant == "original" else 16
    if input_shape is None and input_tensor is None:
        input_shape = (size, size, 1)
    shared = (include_top, weights, input_tensor, input_shape, pooling, classes)
    images = read_images(*shared, size, smallest, fixed=True)
    if variant == "original":
        x = _original(images, include_top)
    elif variant == "modern":
        x = _modern(images, include_top, subsampling, classes, classifier_activation)
    else:
        x = _caffe(images, include_top, classes, classifier_activation)
    return finish(images, x if include_top else pool_features(x, pooling), weights, name)


def _original(x, include_top):
    shared = {"activation": "lecun_tanh", "kernel_initializer": "lecun_uniform"}
    x = layers.Conv2D(6, 5, name="c1", **shared)(x)
    x = layers.Subsampling2D(2, "lecun_tanh", name="s2")(x)
    x = layers.SparseConv2D(C3_CONNECTIONS, 5, name="c3", **shared)(x)
    x = layers.Subsampling2D(2, "lecun_tanh", name="s4")(x)
    if not include_top:
        return x
    x = layers.Conv2D(120, 5, name="c5", **shared)(x)
    x = layers.Dense(84, name="f6", **shared)(layers.Flatten(name="flatten")(x))
    return layers.RadialBasis(DIGIT_BITMAPS.reshape(10, 84), name="output")(x)


def _modern(x, include_top, subsampling, classes, classifier_activation):
    pool = layers.MaxPooling2D if subsampling == "max" else layers.AveragePooling2D
    x = layers.Conv2D(6, 5, activation="tanh", name="c1")(x)
    x = pool(2, name="s2")(x)
    x = layers.Conv2D(16, 5, activation="tanh", name="c3")(x)
    x = pool(2, name="s4")(x)
    if not include_top:
        return x
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation="tanh", name="c5")(x)
    x = layers.Dense(84, activation="tanh", name="f6")(x)
    return layers.Dense(classes, classifier_activation, name="output")(x)


def _caffe(x, include_top, classes, classifier_activation):
    x = layers.Conv2D(20, 5, name="conv1")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(50, 5, name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    if not include_top:
        return x
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(500, activation="relu", name="ip1")(x)
    return layers.Dense(classes, classifier_activation, name="ip2")(x)
