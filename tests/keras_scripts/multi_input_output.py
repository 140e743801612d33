"""
A model with two inputs and two outputs

An image and a vector of measurements go in; a class and a real number come out, each with a loss and a weight.
"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)

num_samples = 640
labels = rng.integers(0, 3, num_samples)
images = rng.normal(0, 0.3, (num_samples, 12, 12, 1)).astype("float32")
for i, label in enumerate(labels):  # a bright square, in a place that the class tells
    images[i, 4 * label : 4 * label + 4, 2:10] += 1.0
meta = rng.uniform(-1, 1, (num_samples, 4)).astype("float32")
target = (meta @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.5 * labels).astype("float32")

image_input = keras.Input(shape=(12, 12, 1), name="image")
meta_input = keras.Input(shape=(4,), name="meta")

x = layers.Conv2D(8, 3, activation="relu")(image_input)
x = layers.MaxPooling2D(2)(x)
x = layers.Conv2D(16, 3, activation="relu")(x)
x = layers.Flatten()(x)
y = layers.Dense(16, activation="relu")(meta_input)
merged = layers.concatenate([x, y])

category = layers.Dense(3, activation="softmax", name="category")(merged)
value = layers.Dense(1, name="value")(layers.Dense(16, activation="relu")(merged))

model = keras.Model(
    inputs=[image_input, meta_input],
    outputs={"category": category, "value": value},
)
model.compile(
    optimizer=keras.optimizers.Adam(5e-3),
    loss={
        "category": keras.losses.SparseCategoricalCrossentropy(),
        "value": keras.losses.MeanSquaredError(),
    },
    loss_weights={"category": 1.0, "value": 0.5},
    metrics={"category": ["accuracy"], "value": ["mae"]},
)
model.summary()

# Data goes in by the names of inputs and outputs.
history = model.fit(
    {"image": images, "meta": meta},
    {"category": labels, "value": target},
    epochs=6,
    batch_size=32,
    validation_split=0.2,
    verbose=0,
)
print(sorted(history.history))
for key in ("loss", "category_loss", "value_loss", "category_accuracy", "value_mae"):
    assert key in history.history
    assert "val_" + key in history.history
assert history.history["category_accuracy"][-1] > 0.95
assert history.history["value_loss"][-1] < 0.3 * history.history["value_loss"][0]
np.testing.assert_allclose(
    history.history["loss"][-1],
    history.history["category_loss"][-1] + 0.5 * history.history["value_loss"][-1],
    rtol=1e-3,
)

predictions = model.predict([images[:10], meta[:10]], verbose=0)
assert predictions["category"].shape == (10, 3)
assert predictions["value"].shape == (10, 1)

# The same with lists: losses and data go by position.
model2 = keras.Model([image_input, meta_input], [category, value])
model2.compile("adam", loss=["sparse_categorical_crossentropy", "mse"], loss_weights=[1.0, 0.5])
scores = model2.evaluate([images, meta], [labels, target], verbose=0)
results = model.evaluate({"image": images, "meta": meta}, {"category": labels, "value": target}, return_dict=True)
np.testing.assert_allclose(scores[0], results["loss"], rtol=1e-4)

# One output of the trained model is a model, too.
classifier = keras.Model([image_input, meta_input], category)
np.testing.assert_allclose(
    classifier.predict({"image": images[:10], "meta": meta[:10]}, verbose=0), predictions["category"], atol=1e-6
)
