"""A small GoogLeNet reads digits on photographs, with and without the auxiliary outputs that help it to begin.

The stem and three inception modules of GoogLeNet, a quarter as wide, learn 32 x 32 crops: real digits, in colours, on
pieces of photographs. It is trained twice, from the same weights and in the same order: alone, and with two further
classifiers, halfway, whose losses are added in training and which are gone at test time. The curves show accuracy on
test crops, whose digits and photographs the network has never seen; nothing was chosen by them.
"""

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.applications import MiniGoogLeNet
from pycnn.datasets import digit_crops

BATCH, RATE = 64, 4e-3


def train(auxiliary, seed, data, epochs):
    """Train one network; return the model and its history."""
    (x_train, y_train), test = data
    pycnn.utils.set_random_seed(seed)
    images = pycnn.Input((32, 32, 3))
    centred = layers.Rescaling(4.0, -2.0)(images)
    model = MiniGoogLeNet(auxiliary=auxiliary, input_tensor=centred)
    steps = -(-len(x_train) // BATCH) * epochs
    model.compile(
        pycnn.optimizers.Adam(pycnn.optimizers.schedules.OneCycle(RATE, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(x_train, y_train, BATCH, epochs, validation_data=test, validation_batch_size=250)
    return model, history


def main():
    """Train with and without auxiliary outputs, compare, and write the model and its pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        crops={"type": int, "default": 12000, "metavar": "N", "help": "pictures to learn from"},
        epochs={"type": int, "default": 5, "metavar": "N", "help": "passes over them"},
    )
    crops, tests, epochs = arguments.crops, 2000, arguments.epochs
    if arguments.smoke:
        crops, tests, epochs = 32, 16, 1
    data = digit_crops.load_data(arguments.seed, crops, tests)
    x_test, y_test = data[1]

    histories, accuracies = {}, {}
    for name, auxiliary in (("alone", False), ("with auxiliary outputs", True)):
        print(f"{name}:")
        model, history = train(auxiliary, arguments.seed, data, epochs)
        histories[name], accuracies[name] = history, model.evaluate(x_test, y_test, verbose=0)[1]

    predictions = model.predict(x_test, verbose=0)
    path = arguments.output / "googlenet.pycnn"
    model.save(path)
    wrong = bool(np.any(predictions.argmax(axis=1) != y_test))
    pictures = {
        "googlenet_curves.png": visualize.plot_history(histories, ["val_accuracy"], title="With and without auxiliary"),
        "googlenet_mistakes.png": visualize.plot_predictions(x_test, predictions, y_test, only_wrong=wrong),
    }
    report([path, *write(pictures, arguments.output)])
    for epoch in range(epochs):
        each = ", ".join(f"{name} {h.history['val_accuracy'][epoch]:.4f}" for name, h in histories.items())
        print(f"epoch {epoch + 1}: {each}")
    for name, accuracy in accuracies.items():
        print(f"test accuracy, {name}: {accuracy:.4f}")


if __name__ == "__main__":
    main()
