"""A layer of one's own: convolution by filters that are Gabor waves, of which only the parameters are learned.

Each filter is a stripe pattern under a bell, made anew at each step of its direction, wavelength, phase and width:
4 numbers instead of 49. The gradients of these come from the tape; nothing is said about them here.
"""

import math

import numpy as np
from common import parse_arguments, report, write

import pycnn
from pycnn import layers, ops, visualize
from pycnn.datasets import digits


@pycnn.saving.register_serializable("examples")
class GaborConv2D(layers.Layer):
    """Convolution of one-channel images with ``filters`` Gabor waves of ``size`` x ``size`` pixels."""

    def __init__(self, filters, size=7, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.size = filters, size

    def build(self, input_shape):
        """Spread the directions evenly; wavelength and width begin at half the window."""

        def start(values, name):
            return self.add_weight((self.filters,), initializer=lambda shape, dtype: values, name=name)

        self.direction = start(np.linspace(0, math.pi, self.filters, endpoint=False), "direction")
        self.frequency = start(np.full(self.filters, 4 * math.pi / self.size), "frequency")
        self.phase = start(np.zeros(self.filters), "phase")
        self.width = start(np.full(self.filters, self.size / 4), "width")

    def kernel(self):
        """The filters as they are now: (size, size, 1, filters)."""
        across = np.arange(self.size, dtype=self.dtype)[:, None] - self.size // 2
        y, x = across[:, None], across[None]  # (size, 1, 1) and (1, size, 1), against (filters,)
        along = x * ops.cos(self.direction) + y * ops.sin(self.direction)
        bell = ops.exp(-(x**2 + y**2) / (2 * self.width**2))
        return ops.expand_dims(bell * ops.cos(self.frequency * along + self.phase), 2)

    def call(self, inputs):
        """Convolve with the filters of this moment."""
        return ops.conv2d(inputs, self.kernel(), padding="same")

    def get_config(self):
        """What makes the same layer again."""
        return {**super().get_config(), "filters": self.filters, "size": self.size}


def main():
    """Train, save, load, and draw the waves before and after."""
    arguments = parse_arguments(__doc__.splitlines()[0])
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    epochs = 15
    if arguments.smoke:
        x_train, y_train, x_test, y_test, epochs = x_train[:160], y_train[:160], x_test[:40], y_test[:40], 1

    gabor = GaborConv2D(16, name="gabor")
    model = pycnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.UpSampling2D(2, interpolation="bilinear"),
            gabor,
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ],
        name="gabor_net",
    )
    model.summary()
    before = gabor.kernel().numpy()
    model.compile(pycnn.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=32, epochs=epochs)

    path = arguments.output / "gabor_net.pycnn"
    model.save(path)
    model = pycnn.models.load_model(path)  # the class is found by its registered name
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    after = model.get_layer("gabor").kernel().numpy()
    pictures = {
        "gabor_before.png": visualize.plot_filters(before, title="Gabor filters before training"),
        "gabor_after.png": visualize.plot_filters(after, title="Gabor filters after training"),
    }
    report([path, *write(pictures, arguments.output)])
    print(f"{gabor.count_params()} numbers make {gabor.filters} filters; test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
