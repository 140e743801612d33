"""A convolutional network in Keras's style: the functional API, callbacks, a file, on scikit-learn's digits.

But for the first two imports of pycnn it is a script for Keras: ``import keras`` and ``from keras import layers``
in their place, and it runs there.
"""

import numpy as np
from common import parse_arguments, report, write

import pycnn as keras
from pycnn import layers
from pycnn.datasets import digits
from pycnn.visualize import plot_history, plot_predictions


def convolution(x, filters):
    """Convolution, batch normalization, ReLU."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x)


def build():
    """Two stages with a shortcut around each second convolution."""
    inputs = keras.Input((8, 8, 1), name="digit")
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="constant")(inputs)
    for filters in (32, 64):
        x = convolution(x, filters)
        x = layers.Add()([x, convolution(x, filters)])
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="scores")(x), name="small_resnet")


def main():
    """Train with callbacks, test the best epoch's model from its file."""
    arguments = parse_arguments(__doc__.splitlines()[0])
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    epochs = 20
    if arguments.smoke:
        x_train, y_train, x_test, y_test, epochs = x_train[:160], y_train[:160], x_test[:40], y_test[:40], 1

    model = build()
    model.summary()
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=2e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    path = arguments.output / "small_resnet.pycnn"
    history = model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=epochs,
        validation_split=0.15,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=6),
            keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=2),
            keras.callbacks.ModelCheckpoint(path, save_best_only=True),
            keras.callbacks.CSVLogger(arguments.output / "small_resnet.csv"),
        ],
    )

    best = keras.models.load_model(path)
    _, accuracy = best.evaluate(x_test, y_test, verbose=0)
    scores = best.predict(x_test, verbose=0)
    pictures = {
        "small_resnet_curves.png": plot_history(history, metrics=["loss", "accuracy"]),
        "small_resnet_mistakes.png": plot_predictions(
            x_test, scores, y_test, only_wrong=bool(np.any(scores.argmax(axis=1) != y_test))
        ),
    }
    report([path, arguments.output / "small_resnet.csv", *write(pictures, arguments.output)])
    print(f"test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
