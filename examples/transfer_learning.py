"""Transfer learning: a network of the digits 0 to 4 learns 5 to 9 from few examples, against one that starts anew.

The convolutions are first frozen under a new head, then trained a little with it. All numbers are accuracies on test
digits that no training has seen, after the same number of epochs. What is transferred is a better start: these digits
are easy, and with many epochs (try ``--epochs 40``) or examples the network that starts anew catches up.
"""

from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.datasets import digits


def convolutions():
    """What both tasks have in common: from pixels to features."""
    return pycnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
        ],
        name="convolutions",
    )


def classifier(features, *augmentation):
    """``features`` with a new head for five digits, behind layers that change digits in training only."""
    inputs = x = pycnn.Input((8, 8, 1))
    for layer in augmentation:
        x = layer(x)
    return pycnn.Model(inputs, layers.Dense(5, activation="softmax", name="head")(features(x)))


def train(model, data, rate, epochs):
    """Train ``model`` and return the history."""
    model.compile(pycnn.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(*data, batch_size=16, epochs=epochs, verbose=0)


def main():
    """Train on 0..4, transfer to 5..9, compare."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        examples={"type": int, "default": 20, "metavar": "N", "help": "digits 5 to 9 to learn from"},
        epochs={"type": int, "default": 10, "metavar": "N", "help": "passes over these"},
    )
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    few = slice(0, arguments.examples)
    source = x_train[y_train < 5], y_train[y_train < 5]
    target = x_train[y_train >= 5][few], y_train[y_train >= 5][few] - 5
    test = x_test[y_test >= 5], y_test[y_test >= 5] - 5
    source_epochs = 20
    if arguments.smoke:
        source, test, source_epochs = (source[0][:96], source[1][:96]), (test[0][:40], test[1][:40]), 1

    features = convolutions()
    around = {"fill_mode": "constant"}
    augmentation = layers.RandomTranslation(0.12, 0.12, **around), layers.RandomRotation(0.06, **around)
    train(classifier(features, *augmentation), source, 2e-3, source_epochs)
    print(f"digits 0 to 4: learned from {len(source[0])} examples; now 5 to 9 from {len(target[0])}")

    accuracies = {}
    features.trainable = False
    model = classifier(features)
    train(model, target, 5e-3, arguments.epochs // 2)
    accuracies["frozen convolutions, new head"] = model.evaluate(*test, verbose=0)[1]

    features.trainable = True
    history = train(model, target, 1e-3, arguments.epochs - arguments.epochs // 2)  # slowly: it shall bend, not break
    accuracies["then fine-tuned"] = model.evaluate(*test, verbose=0)[1]

    scratch = classifier(convolutions())
    train(scratch, target, 2e-3, arguments.epochs)
    accuracies["from scratch"] = scratch.evaluate(*test, verbose=0)[1]

    pictures = {
        "transfer_fine_tuning.png": visualize.plot_history(history, title="Fine-tuning"),
        "transfer_predictions.png": visualize.plot_predictions(
            test[0], model.predict(test[0], verbose=0), test[1], class_names=["5", "6", "7", "8", "9"]
        ),
    }
    report(write(pictures, arguments.output))
    for name, accuracy in accuracies.items():
        print(f"test accuracy, {name}: {accuracy:.4f}")


if __name__ == "__main__":
    main()
