"""
Convolutional autoencoders that remove noise

One goes up by transposed convolutions, one by upsampling; the encoder is used on its own afterwards.
"""

import keras
import numpy as np
from keras import layers
from keras.models import Model
from sklearn.datasets import load_digits

keras.utils.set_random_seed(13)
rng = np.random.default_rng(13)


def preprocess(array):
    array = array.astype("float32") / 16.0
    return np.reshape(array, (len(array), 8, 8, 1))


def noise(array, factor=0.5):
    noisy = array + factor * rng.normal(size=array.shape)
    return np.clip(noisy, 0.0, 1.0).astype("float32")


data = preprocess(load_digits().images)
train_data, test_data = data[:1200], data[1200:]
noisy_train_data, noisy_test_data = noise(train_data), noise(test_data)

## Transposed convolutions

inp = layers.Input(shape=(8, 8, 1))
x = layers.Conv2D(24, (3, 3), activation="relu", padding="same")(inp)
x = layers.MaxPooling2D((2, 2), padding="same")(x)
x = layers.Conv2D(24, (3, 3), activation="relu", padding="same")(x)
encoded = layers.MaxPooling2D((2, 2), padding="same", name="code")(x)
x = layers.Conv2DTranspose(24, (3, 3), strides=2, activation="relu", padding="same")(encoded)
x = layers.Conv2DTranspose(24, (3, 3), strides=2, activation="relu", padding="same")(x)
x = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

autoencoder = Model(inp, x)
autoencoder.compile(optimizer=keras.optimizers.Adam(5e-3), loss="binary_crossentropy", metrics=["mse"])
autoencoder.summary()
assert autoencoder.output_shape == (None, 8, 8, 1)

history = autoencoder.fit(
    x=noisy_train_data,
    y=train_data,
    epochs=8,
    batch_size=64,
    shuffle=True,
    validation_data=(noisy_test_data, test_data),
    verbose=0,
)
print(history.history["val_loss"])
assert history.history["val_loss"][-1] < history.history["val_loss"][0]
cleaned = autoencoder.predict(noisy_test_data, verbose=0)
assert np.mean((cleaned - test_data) ** 2) < 0.75 * np.mean((noisy_test_data - test_data) ** 2)

encoder = Model(inp, encoded, name="encoder")
codes = encoder.predict(test_data, verbose=0)
assert codes.shape == (597, 2, 2, 24)

## Upsampling, encoder and decoder as models of their own

encoder = keras.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(16, 3, strides=2, padding="same"),
        layers.PReLU(shared_axes=[1, 2]),
        layers.Flatten(),
        layers.Dense(16, name="bottleneck"),
    ],
    name="encoder",
)
decoder = keras.Sequential(
    [
        layers.Input((16,)),
        layers.Dense(4 * 4 * 8, activation="relu"),
        layers.Reshape((4, 4, 8)),
        layers.UpSampling2D(size=2, interpolation="bilinear"),
        layers.Conv2D(8, 3, padding="same", activation="elu"),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
    ],
    name="decoder",
)
inputs = keras.Input((8, 8, 1))
model = keras.Model(inputs, decoder(encoder(inputs)), name="autoencoder")
assert [layer.name for layer in model.layers][1:] == ["encoder", "decoder"]
model.compile(optimizer="nadam", loss=keras.losses.MeanAbsoluteError())
losses = model.fit(train_data, train_data, epochs=5, batch_size=64, verbose=0).history["loss"]
assert losses[-1] < 0.7 * losses[0]
middle = decoder.predict(encoder.predict(test_data[:3], verbose=0), verbose=0)
np.testing.assert_allclose(middle, model.predict(test_data[:3], verbose=0), atol=1e-5)
