"""
What a convnet sees: intermediate outputs, filters and class activation maps (Zhou et al., 2016)
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(59)
x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1).astype("float32") / 16

inputs = keras.Input((8, 8, 1), name="image")
h = layers.Conv2D(16, 3, padding="same", activation="relu", name="conv_1")(inputs)
h = layers.Conv2D(32, 3, padding="same", activation="relu", name="last_conv")(h)
pooled = layers.GlobalAveragePooling2D(name="gap")(h)
outputs = layers.Dense(10, activation="softmax", name="predictions")(pooled)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="sparse_categorical_crossentropy", metrics=["acc"])
history = model.fit(x[:1500], y[:1500], epochs=6, batch_size=64, verbose=0)
assert "acc" in history.history
assert history.history["acc"][-1] > 0.7

## Activations of all convolutions at once

conv_layers = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
activation_model = keras.Model(model.input, [layer.output for layer in conv_layers])
activations = activation_model.predict(x[1500:1510], verbose=0)
assert [a.shape for a in activations] == [(10, 8, 8, 16), (10, 8, 8, 32)]

feature_dict = keras.Model(model.inputs, {layer.name: layer.output for layer in model.layers[1:]})
features = feature_dict(x[1500:1510])
assert sorted(features) == ["conv_1", "gap", "last_conv", "predictions"]
np.testing.assert_allclose(ops.convert_to_numpy(features["last_conv"]), activations[1], atol=1e-6)

## Class activation maps

image = x[1500:1501]
last_conv_output = ops.convert_to_numpy(features["last_conv"])[0]
class_weights, class_bias = model.get_layer("predictions").get_weights()
predicted = int(np.argmax(model.predict(image, verbose=0)[0]))
heatmap = last_conv_output @ class_weights[:, predicted]
assert heatmap.shape == (8, 8)

# Averaged over the image, the maps are the logits.
logits = np.mean(last_conv_output @ class_weights, axis=(0, 1)) + class_bias
probabilities = np.exp(logits) / np.exp(logits).sum()
np.testing.assert_allclose(probabilities, model.predict(image, verbose=0)[0], atol=1e-5)

heatmap = np.maximum(heatmap, 0) / heatmap.max()
enlarged = ops.convert_to_numpy(ops.image.resize(heatmap[None, ..., None], (32, 32), interpolation="bilinear"))
assert enlarged.shape == (1, 32, 32, 1)

## Without softmax, from the middle on

model.layers[-1].activation = keras.activations.linear
middle = keras.Input(model.get_layer("last_conv").output.shape[1:])
h = middle
for name in ("gap", "predictions"):
    h = model.get_layer(name)(h)
classifier = keras.Model(middle, h)
np.testing.assert_allclose(classifier.predict(activations[1][:1], verbose=0)[0], logits, atol=1e-4)

## Filters, and an occlusion test

filters, biases = model.get_layer("conv_1").get_weights()
assert filters.shape == (3, 3, 1, 16) and biases.shape == (16,)
occluded = np.repeat(image, 64, axis=0)
for i in range(64):
    occluded[i, max(0, i // 8 - 1) : i // 8 + 2, max(0, i % 8 - 1) : i % 8 + 2] = 0
drop = logits[predicted] - model.predict(occluded, verbose=0)[:, predicted]
assert drop.max() > 0
