"""Where a network looks: Grad-CAM and saliency of digits on photographs, measured against where the digits are.

A small network learns which handwritten digit lies somewhere on a piece of a photograph. It is told the class and
never the place. Digits and photographs of the tests are none of the training's. Two kinds of map say which part of a
picture its answer comes from:

Grad-CAM (Selvaraju et al. 2017): maps of the last convolution, weighted by how much the class's score depends on them.
Saliency (Simonyan et al. 2013): the size of the score's gradient at each pixel; with SmoothGrad (Smilkov et al. 2017)
the mean over noisy copies of the picture.

The share of a map that lies in the digit's box is set against the share of the picture that the box covers, which is
what a map without any idea would get.
"""

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.datasets import digits, photographs
from pycnn.datasets.digit_ink import contrasting_colours, draw_ink, ink_boxes, paint

SIZE = 64
HEIGHTS = 18, 32
"""Of digits, in pixels."""


def make_scenes(images, labels, count, photos, generator):
    """Digits at random places on pieces of photographs: pictures in 0..1, labels, and boxes x1, y1, x2, y2."""
    chosen = generator.permutation(np.arange(count) % len(labels))
    heights = generator.uniform(*HEIGHTS, count)
    tops, lefts = generator.random((2, count)) * (SIZE - heights)
    ink = draw_ink(images[chosen, ..., 0], heights, tops, lefts, SIZE)
    pieces = photographs.random_pieces(photos, count, SIZE, generator)
    _, colours = contrasting_colours(pieces, ink, generator)
    return (paint(pieces, ink, colours) / 255).astype(np.float32), labels[chosen], ink_boxes(ink)


def network():
    """Five convolutions, whose maps are averaged over all places."""
    model = pycnn.Sequential([layers.Input((SIZE, SIZE, 3))], name="small_cnn")
    for filters, strides in ((16, 2), (32, 1), (64, 2), (64, 1), (96, 1)):
        model.add(layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(10, activation="softmax"))
    return model


def share_in_boxes(maps, boxes):
    """The mean share of each map that lies in its box, and how often its largest value does."""
    inside = np.zeros(maps.shape, bool)
    for one, (x1, y1, x2, y2) in zip(inside, boxes.astype(int), strict=True):
        one[y1:y2, x1:x2] = True
    total = maps.sum(axis=(1, 2))
    shares = np.divide((maps * inside).sum(axis=(1, 2)), total, out=np.zeros(len(maps)), where=total > 0)
    peaks = maps.reshape(len(maps), -1).argmax(axis=1)
    return shares.mean(), inside.reshape(len(maps), -1)[np.arange(len(maps)), peaks].mean()


def main():
    """Train, look, measure, draw."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        epochs={"type": int, "default": 12, "metavar": "N", "help": "passes over the training pictures"},
    )
    generator = np.random.default_rng(arguments.seed)
    train, test = digits.load_data()
    counts, epochs, measured, drawn, samples = (6000, 1000), arguments.epochs, 400, 6, 25
    if arguments.smoke:
        counts, epochs, measured, drawn, samples = (32, 16), 1, 8, 2, 2
    x_train, y_train, _ = make_scenes(*train, counts[0], photographs.TRAINING, generator)
    x_test, y_test, boxes = make_scenes(*test, counts[1], photographs.TEST, generator)

    model = network()
    schedule = pycnn.optimizers.schedules.OneCycle(1e-2, epochs * -(-len(x_train) // 64))
    model.compile(pycnn.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_data=(x_test, y_test))
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)

    x, boxes = x_test[:measured], boxes[:measured]
    maps = {
        "Grad-CAM": visualize.grad_cam(model, x),
        "saliency": visualize.saliency(model, x),
        "SmoothGrad": visualize.saliency(model, x, samples=samples),
        "chance": np.ones(x.shape[:3]),
    }
    print(f"\n{'map':<12}share of it in the digit's box   largest value there")
    for name, values in maps.items():
        share, pointing = share_in_boxes(values, boxes)
        if name == "chance":
            pointing = share
        print(f"{name:<12}{100 * share:>27.1f} %{100 * pointing:>20.1f} %")

    few = x_test[:drawn]
    pictures = {
        "grad_cam.png": visualize.plot_grad_cam(model, few),
        "grad_cam_saliency.png": visualize.plot_saliency(model, few),
        "grad_cam_smoothgrad.png": visualize.plot_saliency(model, few, samples=samples, title="SmoothGrad"),
        "grad_cam_network.png": visualize.plot_architecture(model),
    }
    report(write(pictures, arguments.output))
    print(f"test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
