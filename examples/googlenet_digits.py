"""A small GoogLeNet reads digits on photographs, with and without the auxiliary outputs that help it to begin.

The stem and three inception modules of GoogLeNet, a quarter as wide, learn 32 x 32 crops: real digits, in colours, on
pieces of photographs. It is trained twice, from the same weights and in the same order: alone, and with two further
classifiers, halfway, whose losses are added in training and which are gone at test time. The curves show accuracy on
test crops, whose digits and photographs the network has never seen, often in the first two epochs, where auxiliary
outputs help, and then once an epoch; nothing was chosen by them.
"""

import numpy as np
from common import parse_arguments, report, write
from matplotlib.figure import Figure

import pycnn
from pycnn import layers, visualize
from pycnn.applications import MiniGoogLeNet
from pycnn.datasets import digit_crops

BATCH, RATE = 64, 4e-3


class Early(pycnn.callbacks.Callback):
    """Notes the accuracy on some images often in the first two epochs, as pairs (images seen, accuracy)."""

    def __init__(self, x, y, every=20):
        super().__init__()
        self.x, self.y, self.every = x, y, every
        self.batches, self.points = 0, []

    def on_train_batch_end(self, batch, logs=None):
        """Count, and now and then predict."""
        self.batches += 1
        if self.batches <= 2 * self.params["steps"] and self.batches % self.every == 0:
            guesses = self.model.predict(self.x, verbose=0).argmax(axis=1)
            self.points.append((self.batches * BATCH, float(np.mean(guesses == self.y))))


def draw_curves(early, histories):
    """Accuracy against images seen, in the first two epochs and in all, for each way of training."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    figure.suptitle("A small GoogLeNet on digits on photographs: accuracy on test crops", fontsize=11)
    left, right = figure.subplots(1, 2)
    for (name, points), history, colour in zip(early.items(), histories.values(), ("#2563eb", "#ea580c"), strict=True):
        left.plot(*zip(*points, strict=True), color=colour, label=name, linewidth=1.6)
        accuracies = history.history["val_accuracy"]
        right.plot(range(1, len(accuracies) + 1), accuracies, "o-", color=colour, label=name, linewidth=1.6)
    left.set(title="the first two epochs", xlabel="images seen", ylabel="accuracy")
    right.set(title="all epochs", xlabel="epoch")
    for axis in (left, right):
        axis.grid(color="#e5e7eb", linewidth=0.7)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def train(auxiliary, seed, data, epochs):
    """Train one network; return the model, its history, and its accuracy early on."""
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
    early = Early(test[0][:500], test[1][:500], every=min(20, steps))
    history = model.fit(
        x_train, y_train, BATCH, epochs, callbacks=[early], validation_data=test, validation_batch_size=250
    )
    return model, history, early.points


def main():
    """Train with and without auxiliary outputs, compare, and write the model and its pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        crops={"type": int, "default": 16000, "metavar": "N", "help": "pictures to learn from"},
        epochs={"type": int, "default": 6, "metavar": "N", "help": "passes over them"},
    )
    crops, tests, epochs = arguments.crops, 2000, arguments.epochs
    if arguments.smoke:
        crops, tests, epochs = 32, 16, 1
    data = digit_crops.load_data(arguments.seed, crops, tests)
    x_test, y_test = data[1]

    early, histories, accuracies = {}, {}, {}
    for name, auxiliary in (("alone", False), ("with auxiliary outputs", True)):
        print(f"{name}:")
        model, histories[name], early[name] = train(auxiliary, arguments.seed, data, epochs)
        accuracies[name] = model.evaluate(x_test, y_test, verbose=0)[1]

    predictions = model.predict(x_test, verbose=0)
    path = arguments.output / "googlenet.pycnn"
    model.save(path)
    wrong = bool(np.any(predictions.argmax(axis=1) != y_test))
    pictures = {
        "googlenet_curves.png": draw_curves(early, histories),
        "googlenet_mistakes.png": visualize.plot_predictions(x_test, predictions, y_test, only_wrong=wrong),
    }
    report([path, *write(pictures, arguments.output)])
    for name, points in early.items():
        mean = np.mean([accuracy for _, accuracy in points])
        print(f"test accuracy, mean over the first two epochs, {name}: {mean:.4f}")
    for name, accuracy in accuracies.items():
        print(f"test accuracy, {name}: {accuracy:.4f}")


if __name__ == "__main__":
    main()
