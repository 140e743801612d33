"""
Imbalanced classes: class weights, sample weights, and metrics that see through accuracy
"""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

x, y = load_digits(return_X_y=True)
x = x.reshape(-1, 8, 8, 1).astype("float32") / 16.0
y = (y == 8).astype("float32")[:, None]  # one digit against nine
x_train, y_train, x_val, y_val = x[:1200], y[:1200], x[1200:], y[1200:]
counts = np.bincount(y_train[:, 0].astype(int))
print(f"positive samples in training data: {counts[1]} ({100 * counts[1] / len(y_train):.2f}% of total)")
weight_for_0, weight_for_1 = 1.0 / counts[0], 1.0 / counts[1]
scale = len(y_train) / 2


def train(**kwargs):
    keras.utils.set_random_seed(43)
    keras.utils.clear_session()
    model = keras.Sequential(
        [
            keras.Input(shape=(8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(1e-2),
        loss="binary_crossentropy",
        metrics=[
            keras.metrics.FalseNegatives(name="fn"),
            keras.metrics.TruePositives(name="tp"),
            keras.metrics.Precision(name="precision"),
            keras.metrics.Recall(name="recall"),
            keras.metrics.BinaryAccuracy(),
        ],
        weighted_metrics=[keras.metrics.BinaryAccuracy(name="weighted_accuracy")],
    )
    history = model.fit(x_train, y_train, batch_size=100, epochs=4, shuffle=False, verbose=0, **kwargs)
    return model, history.history, model.evaluate(x_val, y_val, verbose=0, return_dict=True)


plain_model, plain_history, plain = train()
class_weight = {0: weight_for_0 * scale, 1: weight_for_1 * scale}
model, history, balanced = train(class_weight=class_weight)
print("plain", plain)
print("balanced", balanced)
assert balanced["recall"] > plain["recall"]
assert balanced["tp"] + balanced["fn"] == y_val.sum()
np.testing.assert_allclose(balanced["recall"], balanced["tp"] / y_val.sum(), rtol=1e-5)
assert history["weighted_accuracy"][-1] != history["binary_accuracy"][-1]

# Sample weights that say the same give the same.
sample_weight = np.where(y_train[:, 0] == 1, class_weight[1], class_weight[0])
same_model, same_history, same = train(sample_weight=sample_weight)
np.testing.assert_allclose(same_history["loss"], history["loss"], rtol=1e-4)
np.testing.assert_allclose(same["loss"], balanced["loss"], rtol=1e-3)

# Weight 0 makes samples disappear.
kept = np.arange(len(x_val)) % 2 == 0
with_zeros = model.evaluate(x_val, y_val, sample_weight=kept.astype("float32"), verbose=0, return_dict=True)
without = model.evaluate(x_val[kept], y_val[kept], verbose=0, return_dict=True)
np.testing.assert_allclose(with_zeros["weighted_accuracy"], without["binary_accuracy"], rtol=1e-5)

# Validation with weights of its own.
_, weighted_history, _ = train(
    class_weight=class_weight, validation_data=(x_val, y_val, np.full(len(x_val), 2.0, "float32"))
)
np.testing.assert_allclose(weighted_history["loss"], history["loss"], rtol=1e-4)
assert weighted_history["val_loss"][-1] > 0
assert "val_weighted_accuracy" in weighted_history
