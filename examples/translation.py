"""Digits learned in the middle of the picture, and read elsewhere: a convolutional network and a dense one.

Both learn the same digits, all in the same place, without augmentation. A convolution does the same everywhere, and
the largest value of a whole map does not tell where it was: so a digit that is shifted remains what it was. The dense
network has a weight of its own for each pixel, and has never seen a digit there. A third network is between them: the
same convolutions, but a dense layer at the end that sees each place of the last maps for itself.

Two poolings halve the maps, so that only shifts by multiples of 4 go through exactly; the maps of accuracy show it.
"""

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import analysis, layers, visualize
from pycnn.datasets import digits

SIZE, DIGIT = 40, 16
"""Pixels of a picture, and of the digit in it."""


def place(x, down=0, right=0):
    """Digits of 8 x 8 pixels, enlarged, in the middle of empty pictures, or so many pixels from there."""
    border = (SIZE - DIGIT) // 2
    padding = ((border + down, border - down), (border + right, border - right))
    return pycnn.Sequential([layers.Resizing(DIGIT, DIGIT), layers.ZeroPadding2D(padding)]).predict(x, verbose=0)


def make_networks():
    """The three networks by name."""

    def convolutions():
        return [
            layers.Input((SIZE, SIZE, 1)),
            layers.Conv2D(16, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
        ]

    answer = {"activation": "softmax"}
    return {
        "convolutional": pycnn.Sequential(
            [*convolutions(), layers.GlobalMaxPooling2D(), layers.Dense(10, **answer)], name="convolutional"
        ),
        "convolutional, flattened": pycnn.Sequential(
            [*convolutions(), layers.Flatten(), layers.Dense(10, **answer)], name="flattened"
        ),
        "dense": pycnn.Sequential(
            [
                layers.Input((SIZE, SIZE, 1)),
                layers.Flatten(),
                layers.Dense(128, activation="relu"),
                layers.Dense(64, activation="relu"),
                layers.Dense(10, **answer),
            ],
            name="dense",
        ),
    }


def measure(model, x, y, shifts):
    """Accuracy at each shift (down, right), as an array (len(shifts), len(shifts))."""
    accuracies = np.empty((len(shifts), len(shifts)))
    for i, down in enumerate(shifts):
        for j, right in enumerate(shifts):
            guesses = model.predict(place(x, down, right), batch_size=256, verbose=0).argmax(axis=1)
            accuracies[i, j] = (guesses == y).mean()
    return accuracies


def print_table(accuracies, shifts):
    """Mean accuracy over the shifts of one size to the four sides."""
    print(f"{'shift':>5} " + " ".join(f"{name:>25}" for name in accuracies))
    for size, values in by_size(accuracies, shifts).items():
        print(f"{size:>5} " + " ".join(f"{value:>25.4f}" for value in values))


def by_size(accuracies, shifts):
    """A dict size of a shift -> mean accuracy of each network over shifts up, down, left and right."""
    middle = shifts.index(0)
    found = {}
    for size in (s for s in shifts if s >= 0):
        near, far = shifts.index(-size), shifts.index(size)
        places = [(middle, near), (middle, far), (near, middle), (far, middle)]
        found[size] = [float(np.mean([values[p] for p in places])) for values in accuracies.values()]
    return found


def draw(accuracies, shifts, x):
    """The curves, and for each network a map of its accuracy over all shifts."""
    figure = visualize.canvas.new_figure(11.5, 6.6, "Read elsewhere than learned: accuracy where digits are shifted")
    axes = figure.subplot_mosaic([["digits", "curves", "curves"], list(accuracies)], height_ratios=[1, 1])
    step = shifts[-1]
    panels = [place(x[:1], down, right)[0, ..., 0] for down, right in ((0, 0), (0, step), (-step, -step), (step, 0))]
    axes["digits"].imshow(np.block([panels[:2], panels[2:]]), cmap="gray")
    for line in (axes["digits"].axhline, axes["digits"].axvline):
        line(SIZE - 0.5, color="white", linewidth=1.5)
    axes["digits"].set(xticks=[], yticks=[])
    axes["digits"].set_title("as learned (upper left), and shifted", fontsize=9)
    curves = axes["curves"]
    sizes = by_size(accuracies, shifts)
    for number, (name, color) in enumerate(zip(accuracies, visualize.canvas.CURVES, strict=False)):
        values = [row[number] for row in sizes.values()]
        curves.plot(list(sizes), values, marker="o", markersize=4, color=color, label=name)
    curves.axhline(0.1, color="#9ca3af", linewidth=0.8, linestyle="--")
    curves.text(0, 0.11, "guessing", fontsize=8, color="#6b7280", va="bottom")
    curves.set(xlabel="shift in pixels", ylabel="accuracy", ylim=(0, 1.03), xticks=list(sizes))
    curves.legend(fontsize=9, frameon=False)
    curves.spines[["top", "right"]].set_visible(False)
    half = (shifts[1] - shifts[0]) / 2
    extent = (shifts[0] - half, shifts[-1] + half, shifts[-1] + half, shifts[0] - half)
    for name, values in accuracies.items():
        shown = axes[name].imshow(values, vmin=0, vmax=1, cmap="viridis", extent=extent)
        axes[name].set(xlabel="pixels to the right", ylabel="pixels down", xticks=shifts, yticks=shifts)
        axes[name].tick_params(labelsize=8)
        axes[name].set_title(f"{name}: mean {values.mean():.1%}", fontsize=9)
    figure.colorbar(shown, ax=[axes[name] for name in accuracies], label="accuracy", shrink=0.9)
    return figure


def main():
    """Train the networks, measure them at all shifts, and write the picture."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        epochs={"type": int, "default": 15, "metavar": "N", "help": "passes over the training digits"},
    )
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    epochs, shifts = arguments.epochs, list(range(-12, 13, 3))
    if arguments.smoke:
        x_train, y_train, x_test, y_test = x_train[:64], y_train[:64], x_test[:32], y_test[:32]
        epochs, shifts = 1, [-12, 0, 12]
    accuracies, placed = {}, place(x_train)
    for name, model in make_networks().items():
        model.compile(pycnn.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(placed, y_train, batch_size=32, epochs=epochs, verbose=0)
        accuracies[name] = measure(model, x_test, y_test, shifts)
        print(f"{name}: {model.count_params():,} parameters")
        if name == "convolutional":
            maps = pycnn.Model(model.input, model.layers[-3].output, name="maps")
            print(analysis.check_equivariance(maps, (SIZE, SIZE, 1)))
    print_table(accuracies, shifts)
    report(write({"translation.png": draw(accuracies, shifts, x_test)}, arguments.output))


if __name__ == "__main__":
    main()
