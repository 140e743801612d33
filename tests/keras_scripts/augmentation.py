"""
Image classification with augmentation layers inside the model

Random flips, rotations, zooms, shifts, contrast and brightness: active in training, absent in inference.
"""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(42)
rng = np.random.default_rng(42)


def make_images(n, size=16):
    """Discs against rings, in color, at random places."""
    labels = rng.integers(0, 2, n)
    yy, xx = np.mgrid[:size, :size]
    images = rng.uniform(0, 40, (n, size, size, 3))
    for image, label in zip(images, labels):
        cy, cx = rng.uniform(5, size - 6, 2)
        r = np.hypot(yy - cy, xx - cx)
        shape = (r < 4) if label == 0 else (r < 4.6) & (r > 2.6)
        image[shape] += rng.uniform(120, 200, 3)
    return images.astype("float32"), labels.astype("float32")


x_train, y_train = make_images(384)
x_val, y_val = make_images(128)

data_augmentation = keras.Sequential(
    [
        layers.RandomFlip("horizontal_and_vertical"),
        layers.RandomRotation(0.1, fill_mode="reflect"),
        layers.RandomZoom(0.1),
        layers.RandomTranslation(height_factor=0.1, width_factor=0.1, fill_mode="nearest"),
        layers.RandomContrast(0.2, value_range=(0, 255)),
        layers.RandomBrightness(0.1, value_range=(0, 255)),
    ],
    name="augmentation",
)

augmented = ops.convert_to_numpy(data_augmentation(x_train[:9], training=True))
assert augmented.shape == (9, 16, 16, 3)
assert np.abs(augmented - x_train[:9]).mean() > 1
unchanged = ops.convert_to_numpy(data_augmentation(x_train[:9], training=False))
np.testing.assert_allclose(unchanged, x_train[:9], rtol=1e-6)

inputs = keras.Input(shape=(16, 16, 3))
x = data_augmentation(inputs)
x = layers.Rescaling(1.0 / 127.5, offset=-1)(x)
for filters in (8, 16):
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.8)(x)
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.MaxPooling2D(2)(x)
x = layers.Conv2D(32, 3, activation="relu")(x)
x = layers.GlobalMaxPooling2D()(x)
x = layers.Dropout(0.2)(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
assert [layer.name for layer in model.layers][1] == "augmentation"

model.compile(
    optimizer=keras.optimizers.RMSprop(3e-3),
    loss="binary_crossentropy",
    metrics=["accuracy", keras.metrics.AUC(name="auc")],
)
history = model.fit(x_train, y_train, batch_size=32, epochs=4, validation_data=(x_val, y_val), verbose=0)
print({k: round(v[-1], 3) for k, v in history.history.items()})
assert history.history["loss"][-1] < history.history["loss"][0]
assert max(history.history["val_accuracy"]) > 0.8
assert max(history.history["val_auc"]) > 0.9

# Inference is deterministic.
first = model.predict(x_val, verbose=0)
second = model.predict(x_val, verbose=0)
np.testing.assert_array_equal(first, second)

# A preprocessing chain that crops and resizes, outside the model.
preprocess = keras.Sequential([layers.CenterCrop(12, 12), layers.Resizing(24, 24, interpolation="bilinear")])
assert preprocess(x_val[:2]).shape == (2, 24, 24, 3)
crop = layers.RandomCrop(8, 8)
assert crop(x_val[:2], training=True).shape == (2, 8, 8, 3)
