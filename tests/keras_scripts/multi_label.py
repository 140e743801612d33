"""
Multi-label images with channels first, and layers that are less common

Which of four marks are in the picture? Group normalization, locally weighted attention by Multiply, TimeDistributed.
"""

import keras
import numpy as np
from keras import layers, ops
from keras.metrics import AUC, BinaryAccuracy, F1Score

keras.utils.set_random_seed(71)
rng = np.random.default_rng(71)
marks = np.zeros((4, 5, 5))
marks[0][2, :] = marks[1][:, 2] = 1
marks[2][np.arange(5), np.arange(5)] = 1
marks[3][[0, 0, 4, 4], [0, 4, 0, 4]] = 1


def make_data(n):
    labels = rng.integers(0, 2, (n, 4)).astype("float32")
    images = rng.normal(0, 0.2, (n, 1, 16, 16)).astype("float32")
    for image, row in zip(images, labels):
        for k in np.flatnonzero(row):
            i, j = 8 * (k // 2) + rng.integers(0, 3), 8 * (k % 2) + rng.integers(0, 3)
            image[0, i : i + 5, j : j + 5] += marks[k]
    return images, labels


x_train, y_train = make_data(320)
x_test, y_test = make_data(120)

inputs = keras.Input((1, 16, 16))
x = inputs
for filters in (8, 16):
    x = layers.Conv2D(filters, 3, padding="same", data_format="channels_first")(x)
    x = layers.GroupNormalization(groups=4, axis=1)(x)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D(2, data_format="channels_first")(x)
x = layers.Permute((2, 3, 1))(x)
attention = layers.Conv2D(1, 1, activation="sigmoid", name="attention")(x)
x = layers.Multiply()([x, attention])
x = layers.Flatten()(x)
x = layers.GaussianNoise(0.05)(x)
outputs = layers.Dense(4, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
model.summary()

model.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss=keras.losses.BinaryCrossentropy(),
    metrics=[
        BinaryAccuracy(threshold=0.5),
        AUC(multi_label=True, num_labels=4, name="auc"),
        F1Score(average="macro", threshold=0.5, name="f1"),
    ],
)
model.fit(x_train, y_train, epochs=7, batch_size=32, verbose=0)
scores = model.evaluate(x_test, y_test, return_dict=True, verbose=0)
print(scores)
assert scores["binary_accuracy"] > 0.85
assert scores["auc"] > 0.9
assert scores["f1"] > 0.85
predicted = model.predict(x_test, verbose=0) > 0.5
np.testing.assert_allclose((predicted == y_test).mean(), scores["binary_accuracy"], rtol=1e-5)

# The four quarters as a sequence: one small network for each, its weights shared.
quarters = x_train.reshape(-1, 2, 8, 2, 8).transpose(0, 1, 3, 2, 4).reshape(-1, 4, 8, 8, 1)
cell = keras.Sequential(
    [keras.Input((8, 8, 1)), layers.Conv2D(8, 5, activation="relu"), layers.GlobalMaxPooling2D(), layers.Dense(8)]
)
inputs = keras.Input((4, 8, 8, 1))
x = layers.TimeDistributed(cell)(inputs)
assert x.shape == (None, 4, 8)
x = ops.reshape(x, (-1, 32))
x = x[:, :32] * 1.0
outputs = layers.Dense(4, activation="sigmoid")(layers.UnitNormalization()(x))
model = keras.Model(inputs, outputs)
model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
history = model.fit(quarters, y_train, epochs=6, batch_size=32, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]

stacked = ops.stack([ops.ones((2, 3)), ops.zeros((2, 3))], axis=0)
assert ops.shape(stacked) == (2, 2, 3)
np.testing.assert_array_equal(
    ops.convert_to_numpy(ops.where(ops.arange(4) % 2 == 0, ops.arange(4), -1)), [0, -1, 2, -1]
)
