"""A fully convolutional network tells of each pixel which digit's ink it is, or that it is none.

Convolutions and pooling see more and more of the picture, and end in maps of an eighth of its size. A 1 x 1
convolution turns them into scores of the classes, one of each kind for a place, and transposed convolutions enlarge
these step by step to the picture's size; at each step the scores of the finer maps, which know less about what it is
and more about where, are added. No layer is dense, so that the same weights take pictures of any size: the last ones
here are four scenes in one. The scenes are those of ``pycnn.detection.datasets.digit_scenes``; test digits and test
photographs do not occur in training.

Long, Shelhamer & Darrell, Fully convolutional networks for semantic segmentation, CVPR 2015.
"""

from time import perf_counter

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.detection.datasets.digit_scenes import CLASS_NAMES, make_scenes
from pycnn.metrics import MeanIoU

NAMES = ("ground", *CLASS_NAMES)
BATCH, RATE = 32, 4e-3


def make_network(stages=((16, 1), (32, 2), (64, 2), (128, 2))):
    """Stages of (width, convolutions), each of half the size of the one before, and scores of each.

    Pictures of any size that the poolings halve fit, with bytes for red, green and blue.
    """
    images = pycnn.Input((None, None, 3))
    x, scores = layers.Rescaling(4 / 255, -2.0)(images), []
    for number, (width, convolutions) in enumerate(stages):
        x = layers.MaxPooling2D(2)(x) if number else x
        for _ in range(convolutions):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.Activation("relu")(layers.BatchNormalization()(x))
        scores.append(layers.Conv2D(len(NAMES), 1, kernel_initializer="he_normal")(x))
    y = scores.pop()
    while scores:
        larger = layers.Conv2DTranspose(len(NAMES), 4, strides=2, padding="same", use_bias=False)
        y = larger(y) + scores.pop()
        larger.set_weights([bilinear(4)])
    return pycnn.Model(images, layers.Softmax()(y), name="fcn")


def bilinear(size):
    """Filters with which a transposed convolution of stride ``size / 2`` begins as bilinear enlargement."""
    ramp = 1 - np.abs(np.arange(size) + 0.5 - size / 2) / (size / 2)
    return np.outer(ramp, ramp)[..., None, None] * np.eye(len(NAMES))


def four_in_one(scenes):
    """Four scenes, or masks of them, as one of twice their size, on an axis of its own."""
    return np.concatenate([np.concatenate(scenes[k : k + 2], axis=1) for k in (0, 2)])[None]


def main():
    """Train, test, and write the network and its pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        epochs={"type": int, "default": 7, "metavar": "N", "help": "passes over the training scenes"},
        images={"type": int, "default": 6000, "metavar": "N", "help": "training scenes"},
    )
    epochs, sizes = arguments.epochs, (arguments.images, 400)
    if arguments.smoke:
        epochs, sizes = 1, (32, 4)
    train, test = make_scenes(arguments.seed, *sizes)
    model = make_network()
    steps = -(-len(train.images) // BATCH) * epochs
    model.compile(
        pycnn.optimizers.Adam(pycnn.optimizers.schedules.OneCycle(RATE, steps)),
        "sparse_categorical_crossentropy",
        metrics=[MeanIoU(len(NAMES), name="mean_iou", sparse_y_pred=False)],
    )
    began = perf_counter()
    history = model.fit(
        train.images, train.masks, BATCH, epochs, validation_data=(test.images, test.masks), validation_batch_size=200
    )
    print(f"{model.count_params():,} parameters, trained in {perf_counter() - began:.0f} s")

    probabilities = model.predict(test.images, batch_size=200, verbose=0)
    masks = probabilities.argmax(axis=-1)
    large = four_in_one(test.images)

    path = arguments.output / "fcn.pycnn"
    model.save(path)
    pictures = {
        "fcn_curves.png": visualize.plot_history(history),
        "fcn_masks.png": visualize.plot_segmentation(test.images, masks, test.masks, NAMES, title="Ink of digits"),
        "fcn_large.png": visualize.plot_segmentation(
            large, model.predict(large, verbose=0), four_in_one(test.masks), NAMES, title="Larger than learned"
        ),
        "fcn_confusion.png": visualize.plot_confusion_matrix(
            test.masks.ravel(), masks.ravel(), NAMES, normalize="true", title="Of the pixels of each class"
        ),
    }
    report([path, *write(pictures, arguments.output)])
    print(f"mean IoU of the ten digits and ground: {MeanIoU(len(NAMES))(test.masks, masks):.4f}")
    print(f"mean IoU of ink and ground: {MeanIoU(2)(test.masks > 0, masks > 0):.4f}")


if __name__ == "__main__":
    main()
