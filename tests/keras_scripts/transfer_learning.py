"""
Transfer learning and fine-tuning

A network learns the digits 0 to 4; its convolutions are then reused, first frozen, then fine-tuned, for 5 to 9.
"""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(5)

x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1).astype("float32") / 16.0
source, target = y < 5, y >= 5
x_source, y_source = x[source], y[source]
x_target, y_target = x[target], y[target] - 5

## The source task

base_model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1"),
        layers.BatchNormalization(name="bn1", momentum=0.9),
        layers.MaxPooling2D(name="pool1"),
        layers.Conv2D(32, 3, padding="same", activation="relu", name="conv2"),
        layers.GlobalAveragePooling2D(name="features"),
        layers.Dense(5, activation="softmax", name="head"),
    ],
    name="base",
)
base_model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
base_model.fit(x_source, y_source, epochs=6, batch_size=64, verbose=0)
assert base_model.evaluate(x_source, y_source, verbose=0)[1] > 0.9

## A frozen base with a new head

feature_extractor = keras.Model(base_model.inputs, base_model.get_layer("features").output)
feature_extractor.trainable = False
assert feature_extractor.trainable_weights == []
before = [np.array(w) for w in feature_extractor.get_weights()]

inputs = keras.Input(shape=(8, 8, 1))
x = feature_extractor(inputs, training=False)
x = layers.Dropout(0.1)(x)
outputs = layers.Dense(5)(x)
model = keras.Model(inputs, outputs)
assert len(model.trainable_weights) == 2
model.summary()

few = slice(0, 300)
model.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
model.fit(x_target[few], y_target[few], epochs=6, batch_size=32, verbose=0)
_, frozen_accuracy = model.evaluate(x_target[300:], y_target[300:], verbose=0)
for old, new in zip(before, feature_extractor.get_weights()):
    np.testing.assert_array_equal(old, new)

## Fine-tuning: all but the batch normalization

feature_extractor.trainable = True
for layer in feature_extractor.layers:
    if isinstance(layer, layers.BatchNormalization):
        layer.trainable = False
assert len(model.trainable_weights) == 6
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
model.fit(x_target[few], y_target[few], epochs=6, batch_size=32, verbose=0)
_, tuned_accuracy = model.evaluate(x_target[300:], y_target[300:], verbose=0)
print(f"frozen {frozen_accuracy:.3f}, fine-tuned {tuned_accuracy:.3f}")
assert tuned_accuracy > 0.7
assert tuned_accuracy > frozen_accuracy - 0.02
assert any((old != new).any() for old, new in zip(before, feature_extractor.get_weights()))

## The other way: pop the head of a Sequential model and add another

base_model.pop()
for layer in base_model.layers[:-2]:
    layer.trainable = False
base_model.add(layers.Dense(5, activation="softmax", name="new_head"))
assert base_model.layers[-1].name == "new_head"
base_model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = base_model.fit(x_target[few], y_target[few], epochs=4, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]
