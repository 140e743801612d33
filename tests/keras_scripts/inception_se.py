"""
Inception modules with squeeze-and-excitation, and depthwise separable convolutions
"""

import keras
import numpy as np
from keras import layers, models
from keras.initializers import HeUniform, RandomNormal
from keras.regularizers import L2
from sklearn.datasets import load_digits

keras.utils.set_random_seed(41)


class SEBlock(layers.Layer):
    """Weigh the channels by what the whole image says (Hu et al., 2018)."""

    def __init__(self, ratio=4, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.squeeze = layers.GlobalAveragePooling2D(keepdims=True)
        self.reduce = layers.Dense(channels // self.ratio, activation="relu")
        self.expand = layers.Dense(channels, activation="hard_sigmoid")
        self.reduce.build((None, 1, 1, channels))
        self.expand.build((None, 1, 1, channels // self.ratio))
        super().build(input_shape)

    def call(self, x):
        return layers.multiply([x, self.expand(self.reduce(self.squeeze(x)))])

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


def inception_module(x, filters, name):
    f1, f3r, f3, f5r, f5, proj = filters
    with_relu = {"padding": "same", "activation": "relu", "kernel_initializer": HeUniform(seed=1)}
    tower_1 = layers.Conv2D(f1, (1, 1), **with_relu)(x)
    tower_2 = layers.Conv2D(f3r, (1, 1), **with_relu)(x)
    tower_2 = layers.Conv2D(f3, (3, 3), **with_relu)(tower_2)
    tower_3 = layers.Conv2D(f5r, (1, 1), **with_relu)(x)
    tower_3 = layers.Conv2D(f5, (5, 5), **with_relu)(tower_3)
    tower_4 = layers.MaxPooling2D((3, 3), strides=(1, 1), padding="same")(x)
    tower_4 = layers.Conv2D(proj, (1, 1), **with_relu)(tower_4)
    return layers.Concatenate(axis=-1, name=name)([tower_1, tower_2, tower_3, tower_4])


def separable_block(x, filters, strides):
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x) if strides == 2 else x
    x = layers.DepthwiseConv2D(3, strides=strides, padding="valid" if strides == 2 else "same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.8)(x)
    x = layers.ReLU(max_value=6.0)(x)
    x = layers.Conv2D(filters, 1, use_bias=False, kernel_regularizer=L2(1e-4))(x)
    return layers.BatchNormalization(momentum=0.8)(x)


inputs = keras.Input((8, 8, 1))
x = layers.Conv2D(8, 3, padding="same", activation="relu", kernel_initializer=RandomNormal(stddev=0.3))(inputs)
x = inception_module(x, (8, 4, 8, 2, 4, 4), name="inception_a")
x = SEBlock(ratio=4, name="se_a")(x)
assert x.shape == (None, 8, 8, 24)
x = separable_block(x, 32, strides=2)
x = inception_module(x, (8, 8, 16, 4, 4, 4), name="inception_b")
x = SEBlock(name="se_b")(x)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = models.Model(inputs, outputs)
model.summary()
assert model.get_layer("inception_b").output.shape[1:] == (4, 4, 32)
assert len(model.get_layer("se_a").weights) == 4

data = load_digits()
x = data.images.reshape(-1, 8, 8, 1) / 16
y = data.target
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x[:1000], y[:1000], epochs=4, batch_size=50, validation_data=(x[1000:], y[1000:]), verbose=0)
print(history.history["val_accuracy"])
assert history.history["accuracy"][-1] > 0.8
assert history.history["val_accuracy"][-1] > 0.6

copy = models.clone_model(model)
copy.set_weights(model.get_weights())
np.testing.assert_allclose(copy.predict(x[:9], verbose=0), model.predict(x[:9], verbose=0), atol=1e-5)
