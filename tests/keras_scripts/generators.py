"""
Training from a PyDataset and from Python generators
"""

import math

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(9)
x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1) / 16.0
train, test = slice(0, 1400), slice(1400, None)


class DigitsDataset(keras.utils.PyDataset):
    """Batches in a new order in every epoch, some of them shifted."""

    def __init__(self, x_set, y_set, batch_size, shift=False, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y = x_set, y_set
        self.batch_size = batch_size
        self.shift = shift
        self.order = np.arange(len(x_set))
        self.epochs_ended = 0

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        low = idx * self.batch_size
        high = min(low + self.batch_size, len(self.x))
        batch = self.order[low:high]
        images = self.x[batch]
        if self.shift and idx % 2:
            images = np.roll(images, 1, axis=2)
        return images.astype("float32"), self.y[batch]

    def on_epoch_end(self):
        self.epochs_ended += 1
        np.random.default_rng(self.epochs_ended).shuffle(self.order)


def make_model():
    model = keras.Sequential(
        [
            layers.Input(shape=(8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(learning_rate=5e-3, weight_decay=1e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


## PyDataset

train_data = DigitsDataset(x[train], y[train], 64, shift=True, workers=2, use_multiprocessing=False, max_queue_size=4)
test_data = DigitsDataset(x[test], y[test], 100)
assert len(train_data) == 22

model = make_model()
history = model.fit(train_data, epochs=4, validation_data=test_data, verbose=0)
assert train_data.epochs_ended >= 3
assert history.history["val_accuracy"][-1] > 0.8
print(model.evaluate(test_data, verbose=0))
assert model.predict(test_data, verbose=0).shape == (397, 10)


## A generator that never ends


def batches(x, y, batch_size, seed=0):
    rng = np.random.default_rng(seed)
    while True:
        chosen = rng.choice(len(x), batch_size, replace=False)
        yield x[chosen].astype("float32"), y[chosen]


model = make_model()
history = model.fit(
    batches(x[train], y[train], 64),
    steps_per_epoch=20,
    epochs=3,
    validation_data=batches(x[test], y[test], 128, seed=1),
    validation_steps=2,
    verbose=0,
)
assert len(history.history["loss"]) == 3
assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
results = model.evaluate(batches(x[test], y[test], 50), steps=4, verbose=0)
assert len(results) == 2


## A generator for one epoch, with sample weights


def weighted():
    for i in range(0, 1400, 70):
        yield x[i : i + 70], y[i : i + 70], np.ones(70)


model = make_model()
history = model.fit(weighted(), epochs=1, verbose=0)
assert np.isfinite(history.history["loss"][0])
