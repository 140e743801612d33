"""
Losses, layers, metrics, activations and initializers of one's own

All are registered, so that a model made of them can be saved and loaded.
"""

import keras
import numpy as np
from keras import layers, ops
from keras.saving import register_keras_serializable
from sklearn.datasets import load_digits

keras.utils.set_random_seed(21)


@register_keras_serializable(package="Custom")
class FocalLoss(keras.losses.Loss):
    """Cross-entropy that cares less for what is already right."""

    def __init__(self, gamma=2.0, name="focal_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.gamma = gamma

    def call(self, y_true, y_pred):
        y_true = ops.cast(y_true, y_pred.dtype)
        y_pred = ops.clip(y_pred, keras.config.epsilon(), 1.0)
        cross_entropy = -ops.sum(y_true * ops.log(y_pred), axis=-1)
        p = ops.sum(y_true * y_pred, axis=-1)
        return ops.power(1.0 - p, self.gamma) * cross_entropy

    def get_config(self):
        config = super().get_config()
        config.update({"gamma": self.gamma})
        return config


@register_keras_serializable(package="Custom")
class GatedConv2D(layers.Layer):
    """A convolution times the sigmoid of another one."""

    def __init__(self, filters, kernel_size=3, activation=None, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.kernel_initializer, trainable=True)
        self.gate = self.add_weight(name="gate", shape=shape, initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs):
        x = ops.conv(inputs, self.kernel, strides=1, padding="same") + self.bias
        gate = ops.sigmoid(ops.conv(inputs, self.gate, strides=1, padding="same"))
        return self.activation(x * gate)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "activation": keras.activations.serialize(self.activation),
                "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            }
        )
        return config


@register_keras_serializable(package="Custom")
class MacroRecall(keras.metrics.Metric):
    def __init__(self, num_classes, name="macro_recall", **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        self.hits = self.add_weight(shape=(num_classes,), initializer="zeros", name="hits")
        self.total = self.add_weight(shape=(num_classes,), initializer="zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        classes = ops.argmax(y_true, axis=-1)
        right = ops.cast(ops.equal(classes, ops.argmax(y_pred, axis=-1)), self.dtype)
        one_hot = ops.one_hot(classes, self.num_classes)
        self.total.assign_add(ops.sum(one_hot, axis=0))
        self.hits.assign(self.hits + ops.sum(one_hot * ops.expand_dims(right, -1), axis=0))

    def result(self):
        return ops.mean(self.hits / ops.maximum(self.total, 1.0))

    def reset_state(self):
        for variable in self.variables:
            variable.assign(ops.zeros_like(variable))

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@register_keras_serializable(package="Custom", name="squared_relu")
def squared_relu(x):
    return ops.square(ops.relu(x))


data = load_digits()
x = (data.images / 16.0).astype("float32")[..., None]
y = keras.utils.to_categorical(data.target, 10)
x_train, x_test, y_train, y_test = x[:1200], x[1200:], y[:1200], y[1200:]

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        GatedConv2D(16, activation=squared_relu, name="gated"),
        layers.MaxPooling2D(),
        GatedConv2D(32, activation="relu", kernel_initializer=keras.initializers.HeNormal()),
        layers.Flatten(),
        layers.Dense(10, activation="softmax", kernel_constraint=keras.constraints.MaxNorm(3)),
    ]
)
model.compile(optimizer=keras.optimizers.Adam(5e-3), loss=FocalLoss(gamma=1.5), metrics=[MacroRecall(10)])
history = model.fit(x_train, y_train, epochs=5, batch_size=64, validation_data=(x_test, y_test), verbose=0)
print(history.history["val_macro_recall"])
assert history.history["val_macro_recall"][-1] > 0.8

# The metric agrees with NumPy.
probabilities = model.predict(x_test, verbose=0)
right = probabilities.argmax(-1) == y_test.argmax(-1)
recalls = [right[y_test.argmax(-1) == c].mean() for c in range(10)]
np.testing.assert_allclose(history.history["val_macro_recall"][-1], np.mean(recalls), rtol=1e-4)

# All of it is in the file.
model.save("custom.keras")
loaded = keras.saving.load_model("custom.keras")
np.testing.assert_allclose(loaded.predict(x_test, verbose=0), probabilities, atol=1e-6)
assert loaded.get_layer("gated").activation is squared_relu
assert abs(loaded.loss.gamma - 1.5) < 1e-9
np.testing.assert_allclose(loaded.evaluate(x_test, y_test, verbose=0), model.evaluate(x_test, y_test, verbose=0), 1e-5)
