"""
Simple convnet on handwritten digits

A small Sequential convnet, trained with early stopping left out, evaluated and asked for single predictions.
"""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(812)

## Prepare the data

num_classes = 10
input_shape = (8, 8, 1)

digits = load_digits()
x = digits.images.astype("float32") / 16.0
x = np.expand_dims(x, -1)
x_train, x_test = x[:1400], x[1400:]
y_train, y_test = digits.target[:1400], digits.target[1400:]
print("x_train shape:", x_train.shape)
print(x_train.shape[0], "train samples")
print(x_test.shape[0], "test samples")

y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

## Build the model

model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), padding="same", activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(num_classes, activation="softmax"),
    ]
)

model.summary()
assert model.output_shape == (None, 10)
assert model.count_params() == 320 + 18496 + 2570
assert [type(layer).__name__ for layer in model.layers][:2] == ["Conv2D", "MaxPooling2D"]

## Train the model

model.compile(
    loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
    optimizer=keras.optimizers.Adam(learning_rate=3e-3),
    metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(k=3, name="top3")],
)

history = model.fit(x_train, y_train, batch_size=64, epochs=5, validation_split=0.1, verbose=2)

assert sorted(history.history) == ["accuracy", "loss", "top3", "val_accuracy", "val_loss", "val_top3"]
assert history.epoch == [0, 1, 2, 3, 4]
assert history.history["loss"][-1] < 0.6 * history.history["loss"][0]

## Evaluate the trained model

score = model.evaluate(x_test, y_test, verbose=0)
print("Test loss:", score[0])
print("Test accuracy:", score[1])
assert score[1] > 0.85
assert score[2] >= score[1]

probabilities = model.predict(x_test[:5], verbose=0)
assert isinstance(probabilities, np.ndarray)
np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-5)
print("Predicted:", np.argmax(probabilities, axis=-1))
