"""A training loop by hand: loss.backward() on the tape, optimizer.apply, metrics; and what fit would not do.

The loop adds a step of Sharpness-Aware Minimization (Foret et al., 2021): the gradient is taken not at the weights,
but a little way up the slope from them, so that training ends where the loss is flat.
"""

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import layers, visualize
from pycnn.datasets import digits


def build():
    """A small network that gives logits."""
    return pycnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(24, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(48, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def gradients(model, loss_of, x, y):
    """The loss and its gradient in each trainable weight."""
    for weight in model.trainable_weights:
        weight.zero_grad()
    loss = loss_of(y, model(x, training=True))
    loss.backward()
    return loss, [weight.grad for weight in model.trainable_weights]


def sharpness_aware(model, loss_of, x, y, radius):
    """The loss at the weights, and the gradient ``radius`` further up."""
    loss, slopes = gradients(model, loss_of, x, y)
    norm = float(np.sqrt(sum(float((slope**2).sum()) for slope in slopes)))
    there = [weight.numpy().copy() for weight in model.trainable_weights]
    for weight, slope in zip(model.trainable_weights, slopes, strict=True):
        weight.assign(weight + slope * (radius / (norm + 1e-12)))
    _, slopes = gradients(model, loss_of, x, y)
    for weight, values in zip(model.trainable_weights, there, strict=True):
        weight.assign(values)
    return loss, slopes


def main():
    """Train by hand, with curves."""
    arguments = parse_arguments(
        __doc__.splitlines()[0],
        radius={"type": float, "default": 0.05, "metavar": "R", "help": "how far up the slope; 0 is plain training"},
    )
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    epochs, batch_size = 15, 32
    if arguments.smoke:
        x_train, y_train, x_test, y_test, epochs = x_train[:160], y_train[:160], x_test[:40], y_test[:40], 2

    model = build()
    optimizer = pycnn.optimizers.Adam(2e-3)
    loss_of = pycnn.losses.SparseCategoricalCrossentropy(from_logits=True)
    mean_loss, accuracy = pycnn.metrics.Mean(), pycnn.metrics.SparseCategoricalAccuracy()
    history = {"loss": [], "accuracy": [], "val_accuracy": []}
    random = np.random.default_rng(arguments.seed)
    for epoch in range(epochs):
        for batch in np.array_split(random.permutation(len(x_train)), -(-len(x_train) // batch_size)):
            if arguments.radius:
                loss, slopes = sharpness_aware(model, loss_of, x_train[batch], y_train[batch], arguments.radius)
            else:
                loss, slopes = gradients(model, loss_of, x_train[batch], y_train[batch])
            optimizer.apply(slopes, model.trainable_weights)
            mean_loss.update_state(loss)
        for name, x, y in (("accuracy", x_train, y_train), ("val_accuracy", x_test, y_test)):
            with pycnn.no_grad():  # nothing is kept for a way back
                accuracy.update_state(y, model(x))
            history[name].append(float(accuracy.result()))
            accuracy.reset_state()
        history["loss"].append(float(mean_loss.result()))
        mean_loss.reset_state()
        print(f"epoch {epoch + 1:2d}: " + ", ".join(f"{name} {values[-1]:.4f}" for name, values in history.items()))

    report(write({"training_loop_curves.png": visualize.plot_history(history)}, arguments.output))
    print(f"test accuracy: {history['val_accuracy'][-1]:.4f}")


if __name__ == "__main__":
    main()
