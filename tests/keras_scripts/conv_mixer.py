"""
ConvMixer: patches, depthwise and pointwise convolutions (Trockman and Kolter, 2022)

With an optimizer schedule, gradient clipping, weight averages and a look at the patch embeddings.
"""

import keras
import numpy as np
from keras import layers, optimizers

keras.utils.set_random_seed(67)
rng = np.random.default_rng(67)

learning_rate = 0.01
weight_decay = 0.0001
batch_size = 32
num_epochs = 6
image_size = 16

# Stripes in four directions, in noise.
yy, xx = np.mgrid[:image_size, :image_size]
angles = np.array([0, np.pi / 4, np.pi / 2, 3 * np.pi / 4])


def stripes(n):
    labels = rng.integers(0, 4, n)
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    angle = angles[labels][:, None, None]
    waves = np.sin(1.2 * (np.cos(angle) * xx + np.sin(angle) * yy) + phase)
    images = waves[..., None] * np.array([1.0, 0.5, -0.5]) + rng.normal(0, 0.5, (n, image_size, image_size, 3))
    return (127 + 50 * images).clip(0, 255).astype("uint8"), labels[:, None]


(x_train, y_train), (x_test, y_test) = stripes(320), stripes(96)
assert x_train.dtype == np.uint8 and y_train.shape == (320, 1)


def activation_block(x):
    x = layers.Activation("gelu")(x)
    return layers.BatchNormalization(momentum=0.8)(x)


def conv_stem(x, filters, patch_size):
    x = layers.Conv2D(filters, kernel_size=patch_size, strides=patch_size)(x)
    return activation_block(x)


def conv_mixer_block(x, filters, kernel_size):
    # Depthwise convolution.
    x0 = x
    x = layers.DepthwiseConv2D(kernel_size=kernel_size, padding="same")(x)
    x = layers.Add()([activation_block(x), x0])  # Residual.

    # Pointwise convolution.
    x = layers.Conv2D(filters, kernel_size=1)(x)
    return activation_block(x)


def get_conv_mixer(filters=24, depth=2, kernel_size=3, patch_size=2, num_classes=4):
    inputs = keras.Input((image_size, image_size, 3))
    x = layers.Rescaling(scale=1.0 / 255)(inputs)
    x = conv_stem(x, filters, patch_size)
    for _ in range(depth):
        x = conv_mixer_block(x, filters, kernel_size)
    x = layers.GlobalAvgPool2D()(x)
    outputs = layers.Dense(num_classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


steps = num_epochs * len(x_train) // batch_size
schedule = optimizers.schedules.PiecewiseConstantDecay([steps // 2], [learning_rate, learning_rate / 5])
model = get_conv_mixer()
model.compile(
    optimizer=optimizers.AdamW(learning_rate=schedule, weight_decay=weight_decay, global_clipnorm=5.0),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(x_train, y_train, batch_size=batch_size, epochs=num_epochs, validation_split=0.1, verbose=0)
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test accuracy: {accuracy * 100:.2f}%")
assert accuracy > 0.8

# Patch embeddings, scaled for a picture.
patch_embeddings = model.layers[2].get_weights()[0]
mean, std = patch_embeddings.mean(), patch_embeddings.std()
patch_embeddings = (patch_embeddings - mean) / std
assert patch_embeddings.shape == (2, 2, 3, 24)

# Other optimizers on the same network: all of them learn.
for optimizer in (
    optimizers.SGD(0.05, momentum=0.9, clipvalue=0.5),
    optimizers.RMSprop(3e-3, rho=0.9),
    optimizers.Adagrad(0.05),
    optimizers.Adamax(0.01),
    optimizers.Lion(1e-3),
    optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
):
    model = get_conv_mixer(filters=8, depth=1)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    losses = model.fit(x_train, y_train, epochs=2, batch_size=64, verbose=0).history["loss"]
    assert losses[-1] < losses[0], optimizer.name

config = optimizers.serialize(optimizers.Adam(1e-4, beta_1=0.8))
again = optimizers.deserialize(config)
assert again.beta_1 == 0.8
np.testing.assert_allclose(float(again.learning_rate), 1e-4, rtol=1e-6)
again.learning_rate = 0.5
np.testing.assert_allclose(float(again.learning_rate), 0.5)
