"""
Variational autoencoder

The sampling layer has its own seed generator and adds the Kullback-Leibler divergence to the loss.
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(47)
latent_dim = 2


class Sampling(layers.Layer):
    """Uses (z_mean, z_log_var) to sample z, the vector encoding a digit."""

    def __init__(self, beta=0.05, **kwargs):
        super().__init__(**kwargs)
        self.beta = beta
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        batch = ops.shape(z_mean)[0]
        dim = ops.shape(z_mean)[1]
        epsilon = keras.random.normal(shape=(batch, dim), seed=self.seed_generator)
        kl_loss = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
        self.add_loss(self.beta * ops.mean(ops.sum(kl_loss, axis=1)))
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


encoder_inputs = keras.Input(shape=(8, 8, 1))
x = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(encoder_inputs)
x = layers.Conv2D(32, 3, activation="relu", strides=2, padding="same")(x)
x = layers.Flatten()(x)
x = layers.Dense(16, activation="relu")(x)
z_mean = layers.Dense(latent_dim, name="z_mean")(x)
z_log_var = layers.Dense(latent_dim, name="z_log_var")(x)
z = Sampling(name="z")([z_mean, z_log_var])
encoder = keras.Model(encoder_inputs, [z_mean, z_log_var, z], name="encoder")
encoder.summary()

latent_inputs = keras.Input(shape=(latent_dim,))
x = layers.Dense(2 * 2 * 32, activation="relu")(latent_inputs)
x = layers.Reshape((2, 2, 32))(x)
x = layers.Conv2DTranspose(32, 3, activation="relu", strides=2, padding="same")(x)
x = layers.Conv2DTranspose(16, 3, activation="relu", strides=2, padding="same")(x)
decoder_outputs = layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(x)
decoder = keras.Model(latent_inputs, decoder_outputs, name="decoder")
assert decoder.output_shape == (None, 8, 8, 1)


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder

    def call(self, inputs):
        _, _, z = self.encoder(inputs)
        return self.decoder(z)


def reconstruction_loss(data, reconstruction):
    return ops.mean(
        ops.sum(keras.losses.binary_crossentropy(data, reconstruction), axis=(1, 2)),
    )


digits = load_digits()
data = np.expand_dims(digits.images, -1).astype("float32") / 16
vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam(5e-3), loss=reconstruction_loss)
history = vae.fit(data, data, epochs=6, batch_size=128, verbose=0)
print(history.history["loss"])
assert history.history["loss"][-1] < 0.85 * history.history["loss"][0]
assert len(vae.losses) == 1

# The latent plane, and digits made from a grid in it.
mean, log_var, sample = encoder.predict(data[:200], verbose=0)
assert mean.shape == log_var.shape == sample.shape == (200, 2)
assert np.abs(sample - mean).max() > 1e-3
grid = np.stack(np.meshgrid(np.linspace(-1, 1, 4), np.linspace(-1, 1, 4)), -1).reshape(-1, 2)
made = decoder.predict(grid, verbose=0)
assert made.shape == (16, 8, 8, 1)
assert made.std(axis=0).max() > 0.01

# Random numbers: the same seed gives the same, a generator gives new ones.
a = ops.convert_to_numpy(keras.random.uniform((3, 3), minval=-1, maxval=1, seed=3))
b = ops.convert_to_numpy(keras.random.uniform((3, 3), minval=-1, maxval=1, seed=3))
np.testing.assert_array_equal(a, b)
generator = keras.random.SeedGenerator(5)
first = ops.convert_to_numpy(keras.random.normal((4,), seed=generator))
second = ops.convert_to_numpy(keras.random.normal((4,), seed=generator))
assert (first != second).all()
