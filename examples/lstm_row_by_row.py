"""An LSTM reads handwritten digits row by row, from above, and after each row says which digit it takes it for.

The digits are scikit-learn's, enlarged to 16 rows of 16 pixels, and in training turned, scaled, slanted and shifted a
little. All that the network knows of the rows above is in its state. Each row's answer has a loss of its own, which
weighs the more the more rows were read: the first ones, where there is only paper to see, could but guess.
"""

from math import pi

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.datasets import digits

ROWS = 16


def build():
    """The network: the changes happen in training only."""
    around = {"fill_mode": "constant"}
    return pycnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Resizing(ROWS, ROWS),
            layers.RandomRotation(0.3 / (2 * pi), **around),
            layers.RandomZoom(0.2, **around),
            layers.RandomShear(x_factor=0.3, **around),
            layers.RandomTranslation(0.1, 0.1, **around),
            layers.Reshape((ROWS, ROWS)),
            layers.LSTM(128, return_sequences=True),
            layers.Dense(10, activation="softmax"),
        ],
        name="row_by_row",
    )


def draw(x, y, probabilities):
    """How often the answer is right after each row, and what is thought of one of each digit, and when."""
    figure = visualize.canvas.new_figure(11.5, 5.8, "Read row by row: what an LSTM takes digits for, after each row")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.6])
    curve = upper.subplots()
    right = (probabilities.argmax(-1) == y[:, None]).mean(0)
    curve.plot(1 + np.arange(ROWS), right, marker="o", markersize=4, color=visualize.canvas.CURVES[0])
    curve.axhline(0.1, color="#9ca3af", linewidth=0.8, linestyle="--")
    curve.text(ROWS, 0.11, "guessing", fontsize=8, color="#6b7280", ha="right", va="bottom")
    curve.set(xlabel="rows read", ylabel="accuracy on test digits", ylim=(0, 1.03), xticks=1 + np.arange(ROWS))
    curve.spines[["top", "right"]].set_visible(False)
    shown = [np.flatnonzero(y == digit)[0] if digit in y else 0 for digit in range(10)]
    images = pycnn.Sequential([layers.Resizing(ROWS, ROWS)]).predict(x[shown], verbose=0)[..., 0]
    axes = lower.subplots(2, 5)
    for axis, image, beliefs in zip(axes.flat, images, probabilities[shown], strict=True):
        axis.imshow(image, cmap="gray_r", extent=(0, ROWS, ROWS, 0))
        axis.imshow(beliefs, cmap="Blues", vmin=0, vmax=1, extent=(ROWS + 2, ROWS + 22, ROWS, 0), aspect="auto")
        axis.set(
            xlim=(0, ROWS + 22), xticks=ROWS + 3 + 2 * np.arange(10), xticklabels=range(10), yticks=range(0, 17, 4)
        )
        axis.set_aspect("equal")
        axis.tick_params(labelsize=8, length=2)
        axis.spines[:].set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("rows read", fontsize=9)
    lower.supxlabel("right of each row: how probable each digit is by then, white 0 and blue 1", fontsize=9)
    return figure


def main():
    """Train, test, and write the model and its pictures."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        epochs={"type": int, "default": 60, "metavar": "N", "help": "passes over the training digits"},
    )
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    epochs, batch_size = arguments.epochs, 64
    if arguments.smoke:
        x_train, y_train, x_test, y_test, epochs = x_train[:128], y_train[:128], x_test[:32], y_test[:32], 1

    model = build()
    model.summary()
    steps = -(-len(x_train) // batch_size) * epochs
    model.compile(
        pycnn.optimizers.Adam(pycnn.optimizers.schedules.OneCycle(1e-2, steps)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],  # over all rows
    )
    every_row = np.repeat(y_train[:, None], ROWS, axis=1)
    weights = np.tile(2 * np.arange(1, ROWS + 1) / (ROWS + 1), (len(y_train), 1))
    history = model.fit(x_train, every_row, batch_size=batch_size, epochs=epochs, sample_weight=weights)

    probabilities = model.predict(x_test, verbose=0)
    path = arguments.output / "lstm.pycnn"
    model.save(path)
    pictures = {
        "lstm_curves.png": visualize.plot_history(history),
        "lstm_rows.png": draw(x_test, y_test, probabilities),
        "lstm_mistakes.png": visualize.plot_predictions(x_test, probabilities[:, -1], y_test, only_wrong=True),
    }
    report([path, *write(pictures, arguments.output)])
    right = (probabilities.argmax(-1) == y_test[:, None]).mean(0)
    print("accuracy after 4, 8 and 12 rows: " + ", ".join(f"{right[rows - 1]:.4f}" for rows in (4, 8, 12)))
    print(f"test accuracy: {right[-1]:.4f}")


if __name__ == "__main__":
    main()
