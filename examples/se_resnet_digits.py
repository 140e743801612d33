"""ResNet-20 reads digits on photographs, with and without squeeze-and-excitation.

Both networks learn the same 32 x 32 crops (real digits, in colours, on pieces of photographs), in the same order. In
the second each block weighs its channels by what the whole picture shows. With the usual ratio of 16 the first stage,
of 16 channels, would have to say that through a single number; here it is 4. The curves show accuracy on test crops,
whose digits and photographs no training has seen; nothing was chosen by them.
"""

import functools

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.applications import ResNet20, SEResNet20
from pycnn.datasets import digit_crops

BATCH, RATE = 64, 3e-3
NETWORKS = {"ResNet-20": ResNet20, "SE-ResNet-20": functools.partial(SEResNet20, reduction=4)}


def train(network, seed, data, epochs):
    """Train one network; return the model and its history."""
    (x_train, y_train), test = data
    pycnn.utils.set_random_seed(seed)
    images = pycnn.Input((32, 32, 3))
    model = network(input_tensor=layers.Rescaling(4.0, -2.0)(images))
    steps = -(-len(x_train) // BATCH) * epochs
    model.compile(
        pycnn.optimizers.Adam(pycnn.optimizers.schedules.OneCycle(RATE, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(x_train, y_train, BATCH, epochs, validation_data=test, validation_batch_size=250)
    return model, history


def main():
    """Train both, compare, and write the second and the pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        crops={"type": int, "default": 2500, "metavar": "N", "help": "pictures to learn from"},
        epochs={"type": int, "default": 5, "metavar": "N", "help": "passes over them"},
    )
    crops, tests, epochs = arguments.crops, 1000, arguments.epochs
    if arguments.smoke:
        crops, tests, epochs = 32, 16, 1
    data = digit_crops.load_data(arguments.seed, crops, tests)
    x_test, y_test = data[1]

    histories, errors = {}, {}
    for name, network in NETWORKS.items():
        print(f"{name}:")
        model, histories[name] = train(network, arguments.seed, data, epochs)
        predictions = model.predict(x_test, verbose=0)
        errors[name] = np.mean(predictions.argmax(axis=1) != y_test)

    path = arguments.output / "se_resnet.pycnn"
    model.save(path)
    pictures = {
        "se_resnet_curves.png": visualize.plot_history(histories, title="ResNet-20 and SE-ResNet-20"),
        "se_resnet_confusion.png": visualize.plot_confusion_matrix(y_test, predictions),
        "se_resnet_mistakes.png": visualize.plot_predictions(
            x_test, predictions, y_test, only_wrong=bool(errors["SE-ResNet-20"])
        ),
    }
    report([path, *write(pictures, arguments.output)])
    for name, error in errors.items():
        print(f"test error, {name}: {error:.4f}")


if __name__ == "__main__":
    main()
