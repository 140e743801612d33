"""
Callbacks

Stopping early, lowering the learning rate, checkpoints, logs, and callbacks of one's own.
"""

import csv
import math
import os

import keras
import numpy as np
from keras import callbacks, layers
from keras.callbacks import EarlyStopping, ModelCheckpoint
from sklearn.datasets import load_digits

keras.utils.set_random_seed(11)

digits = load_digits()
x = digits.images[..., None].astype("float32") / 16
y = digits.target
x_train, y_train, x_val, y_val = x[:700], y[:700], x[700:1000], y[700:1000]


def get_model():
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(12, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class LossHistory(keras.callbacks.Callback):
    """The loss of each batch, and the order of events."""

    def on_train_begin(self, logs=None):
        self.losses = []
        self.events = ["train_begin"]
        assert self.params["epochs"] > 0

    def on_epoch_begin(self, epoch, logs=None):
        self.events.append(f"epoch_{epoch}")

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(logs)

    def on_train_end(self, logs=None):
        self.events.append("train_end")
        self.final_rate = float(self.model.optimizer.learning_rate)


class StopAt(keras.callbacks.Callback):
    def __init__(self, accuracy):
        super().__init__()
        self.accuracy = accuracy

    def on_epoch_end(self, epoch, logs=None):
        if logs.get("val_accuracy", 0) >= self.accuracy:
            self.model.stop_training = True


# Many at once.
os.makedirs("checkpoints", exist_ok=True)
losses = LossHistory()
begun = []
model = get_model()
history = model.fit(
    x_train,
    y_train,
    epochs=12,
    batch_size=50,
    validation_data=(x_val, y_val),
    verbose=0,
    callbacks=[
        EarlyStopping(monitor="val_loss", patience=4, restore_best_weights=True),
        callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=1, min_lr=1e-4),
        ModelCheckpoint("checkpoints/best.keras", monitor="val_accuracy", mode="max", save_best_only=True),
        ModelCheckpoint("checkpoints/{epoch:02d}.weights.h5", save_weights_only=True),
        callbacks.CSVLogger("training.csv"),
        callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch)),
        callbacks.TerminateOnNaN(),
        losses,
    ],
)
epochs = len(history.epoch)
assert begun == history.epoch == list(range(epochs))
assert len(losses.losses) == 14 * epochs
assert losses.events[0] == "train_begin" and losses.events[-1] == "train_end"
assert "learning_rate" in history.history  # ReduceLROnPlateau writes it

with open("training.csv") as file:
    rows = list(csv.DictReader(file))
assert len(rows) == epochs
np.testing.assert_allclose(float(rows[0]["val_loss"]), history.history["val_loss"][0], rtol=1e-5)

# The weights are the best epoch's.
loss, accuracy = model.evaluate(x_val, y_val, verbose=0)
np.testing.assert_allclose(loss, min(history.history["val_loss"]), rtol=1e-4)
best = keras.models.load_model("checkpoints/best.keras")
np.testing.assert_allclose(best.evaluate(x_val, y_val, verbose=0)[1], max(history.history["val_accuracy"]), rtol=1e-5)
assert sorted(os.listdir("checkpoints"))[0] == "01.weights.h5"


# A schedule of one's own.
def schedule(epoch, lr):
    return lr if epoch < 2 else lr * math.exp(-0.5)


model = get_model()
history = model.fit(
    x_train, y_train, epochs=4, verbose=0, callbacks=[callbacks.LearningRateScheduler(schedule, verbose=0)]
)
np.testing.assert_allclose(history.history["learning_rate"], [0.02, 0.02, 0.02 * np.exp(-0.5), 0.02 * np.exp(-1)], 1e-5)

# A callback of one's own stops the training.
model = get_model()
history = model.fit(
    x_train, y_train, epochs=30, validation_data=(x_val, y_val), verbose=0, callbacks=[StopAt(accuracy=0.85)]
)
assert len(history.epoch) < 30
assert history.history["val_accuracy"][-1] >= 0.85
