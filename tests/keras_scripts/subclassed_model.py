"""
Layers and models by subclassing

A VGG-like network whose blocks are layers of their own; what `training` does; weights moved from one to another.
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(7)


class ConvBlock(layers.Layer):
    """Two convolutions, batch normalization, pooling, dropout."""

    def __init__(self, filters, dropout_rate=0.2, **kwargs):
        super().__init__(**kwargs)
        self.convs = [layers.Conv2D(filters, 3, padding="same") for _ in range(2)]
        self.norms = [layers.BatchNormalization(momentum=0.8) for _ in range(2)]
        self.pool = layers.MaxPooling2D()
        self.dropout = layers.Dropout(dropout_rate)

    def call(self, inputs, training=False):
        x = inputs
        for conv, norm in zip(self.convs, self.norms):
            x = ops.relu(norm(conv(x), training=training))
        x = self.pool(x)
        return self.dropout(x, training=training)


class DigitNet(keras.Model):
    def __init__(self, num_classes=10, **kwargs):
        super().__init__(**kwargs)
        self.rescale = layers.Rescaling(1.0 / 16)
        self.block1 = ConvBlock(16, name="block1")
        self.block2 = ConvBlock(32, name="block2")
        self.flatten = layers.Flatten()
        self.classifier = layers.Dense(num_classes, activation="softmax")

    def call(self, inputs, training=None):
        x = self.rescale(inputs)
        x = self.block1(x, training=training)
        x = self.block2(x, training=training)
        return self.classifier(self.flatten(x))


data = load_digits()
images = data.images[..., np.newaxis]
labels = data.target
x_train, x_test = images[:1300], images[1300:]
y_train, y_test = labels[:1300], labels[1300:]

model = DigitNet(name="digit_net")
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=4, batch_size=32, verbose=0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.85
assert len(model.trainable_weights) == 2 * (2 * 2 + 2 * 2) + 2
assert len(model.layers) == 5

# Dropout and batch normalization know whether the model is trained.
batch = x_test[:16]
noisy = ops.convert_to_numpy(model(batch, training=True))
quiet = ops.convert_to_numpy(model(batch, training=False))
again = ops.convert_to_numpy(model(batch))
np.testing.assert_array_equal(quiet, again)
assert np.abs(noisy - quiet).max() > 1e-3

# The weights are a list of arrays, in a fixed order.
twin = DigitNet()
twin(batch)
twin.set_weights(model.get_weights())
np.testing.assert_allclose(twin.predict(batch, verbose=0), quiet, atol=1e-6)

# A subclassed model saves its weights.
model.save_weights("digit_net.weights.h5")
third = DigitNet()
third(batch)
third.load_weights("digit_net.weights.h5")
np.testing.assert_allclose(third.predict(batch, verbose=0), quiet, atol=1e-6)
