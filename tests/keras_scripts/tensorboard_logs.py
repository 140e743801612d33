"""
TensorBoard: losses, metrics and weights as event files
"""

import os

import keras
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(73)
x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1).astype("float32") / 16

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu", name="conv"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
tensorboard = keras.callbacks.TensorBoard(log_dir="./logs", histogram_freq=1, write_graph=False, update_freq="epoch")
model.fit(x[:400], y[:400], epochs=2, validation_data=(x[400:500], y[400:500]), callbacks=[tensorboard], verbose=0)

assert sorted(os.listdir("logs")) == ["train", "validation"]
for part in ("train", "validation"):
    (events,) = os.listdir(os.path.join("logs", part))
    assert events.startswith("events.out.tfevents")
    assert os.path.getsize(os.path.join("logs", part, events)) > 100
