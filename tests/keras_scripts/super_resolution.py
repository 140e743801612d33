"""
Image super-resolution by an efficient sub-pixel CNN

The network works at the low resolution; its channels become pixels at the end (Shi et al., 2016).
"""

import math

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(53)
upscale_factor = 2

high = (load_digits().images / 16.0).astype("float32")[..., None]
low = high.reshape(-1, 4, 2, 4, 2, 1).mean(axis=(2, 4))
x_train, y_train, x_test, y_test = low[:1200], high[:1200], low[1200:], high[1200:]


class DepthToSpace(layers.Layer):
    def __init__(self, block_size, **kwargs):
        super().__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs):
        batch, height, width, depth = ops.shape(inputs)
        depth = depth // (self.block_size**2)

        x = ops.reshape(inputs, [-1, height, width, self.block_size, self.block_size, depth])
        x = ops.transpose(x, [0, 1, 3, 2, 4, 5])
        x = ops.reshape(x, [-1, height * self.block_size, width * self.block_size, depth])
        return x

    def get_config(self):
        config = super().get_config()
        config.update({"block_size": self.block_size})
        return config


def get_model(upscale_factor=2, channels=1):
    conv_args = {
        "activation": "relu",
        "kernel_initializer": "orthogonal",
        "padding": "same",
    }
    inputs = keras.Input(shape=(None, None, channels))
    x = layers.Conv2D(32, 5, **conv_args)(inputs)
    x = layers.Conv2D(32, 3, **conv_args)(x)
    x = layers.Conv2D(channels * (upscale_factor**2), 3, padding="same")(x)
    residual = DepthToSpace(upscale_factor)(x)
    base = layers.UpSampling2D(upscale_factor)(inputs)
    outputs = layers.Add()([residual, base])
    return keras.Model(inputs, outputs)


def psnr(y_true, y_pred):
    error = ops.mean(ops.square(y_true - y_pred))
    return 10.0 * ops.log10(1.0 / error)


class PSNRCallback(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.psnr = []

    def on_epoch_end(self, epoch, logs=None):
        print("Mean PSNR for epoch: %.2f" % (np.mean(self.psnr)))

    def on_test_batch_end(self, batch, logs=None):
        self.psnr.append(10 * math.log10(1 / logs["loss"]))


model = get_model(upscale_factor=upscale_factor)
model.summary()
model.compile(optimizer=keras.optimizers.Adam(learning_rate=5e-3), loss=keras.losses.MeanSquaredError(), metrics=[psnr])
callback = PSNRCallback()
history = model.fit(
    x_train, y_train, epochs=5, batch_size=64, validation_data=(x_test, y_test), callbacks=[callback], verbose=0
)
assert len(callback.psnr) == math.ceil(len(x_test) / 64)

# Better than pixels made larger.
nearest = np.repeat(np.repeat(x_test, 2, axis=1), 2, axis=2)
baseline = 10 * np.log10(1 / np.mean((nearest - y_test) ** 2))
reached = 10 * np.log10(1 / np.mean((model.predict(x_test, verbose=0) - y_test) ** 2))
print(f"PSNR nearest {baseline:.2f} dB, network {reached:.2f} dB")
assert reached > baseline + 1.0

# The image size is free.
assert model.output_shape == (None, None, None, 1)
assert model.predict(np.zeros((1, 5, 7, 1), "float32"), verbose=0).shape == (1, 10, 14, 1)

# DepthToSpace by hand.
blocks = np.arange(4, dtype="float32").reshape(1, 1, 1, 4)
np.testing.assert_array_equal(ops.convert_to_numpy(DepthToSpace(2)(blocks))[0, :, :, 0], [[0, 1], [2, 3]])
