"""
Customizing what happens in fit()

A train_step of one's own in the manner of Keras on a backend with a tape: forward, backward, apply.
"""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(31)


class CustomModel(keras.Model):
    def train_step(self, data):
        # Unpack the data. Its structure depends on what is passed to fit().
        x, y = data

        # Call the model's zero_grad() to clear the leftover gradients of the previous step.
        self.zero_grad()

        # Compute the loss, and the gradients of it.
        y_pred = self(x, training=True)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        loss.backward()

        trainable_weights = list(self.trainable_weights)
        gradients = [v.value.grad for v in trainable_weights]

        # Update the weights.
        self.optimizer.apply(gradients, trainable_weights)

        # Update the metrics, that which tracks the loss among them.
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)

        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


class OwnTrackers(keras.Model):
    """Without compile(loss=...): loss and metrics of its own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data):
        x, y = data
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.loss_fn(y, y_pred)
        loss.backward()
        self.optimizer.apply([v.value.grad for v in self.trainable_weights], self.trainable_weights)
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self):
        # Listed here, they are reset at the start of each epoch.
        return [self.loss_tracker, self.mae_metric]


x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1).astype("float32") / 16.0
x_train, y_train, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]

inputs = keras.Input(shape=(8, 8, 1))
h = layers.Conv2D(16, 3, activation="relu")(inputs)
h = layers.Conv2D(16, 3, activation="relu")(h)
outputs = layers.Dense(10, activation="softmax")(layers.Flatten()(h))
model = CustomModel(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=4, batch_size=64, validation_data=(x_test, y_test), verbose=0)
print(history.history)
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
assert history.history["val_accuracy"][-1] > 0.8
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
np.testing.assert_allclose(accuracy, history.history["val_accuracy"][-1], rtol=1e-6)

# How dark each image is, learned by regression.
darkness = x_train.mean(axis=(1, 2))
inputs = keras.Input(shape=(8, 8, 1))
h = layers.Conv2D(4, 3, strides=2)(inputs)
outputs = layers.Dense(1)(layers.Flatten()(h))
model = OwnTrackers(inputs, outputs)
model.compile(optimizer="adam")
history = model.fit(x_train, darkness, epochs=5, verbose=0)
assert sorted(history.history) == ["loss", "mae"]
assert history.history["mae"][-1] < 0.5 * history.history["mae"][0]
