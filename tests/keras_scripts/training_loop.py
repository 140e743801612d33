"""
A training loop of one's own, batch by batch

train_on_batch, test_on_batch and predict_on_batch; metrics, losses and optimizer state used directly.
"""

import keras
import numpy as np
from keras import layers, losses, metrics, ops, optimizers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(37)
rng = np.random.default_rng(37)
x, y = load_digits(return_X_y=True)
x = np.float32(x.reshape(-1, 8, 8, 1) / 16)
x_train, y_train, x_test, y_test = x[:1280], y[:1280], x[1280:], y[1280:]

inputs = layers.Input(shape=(8, 8, 1))
h = layers.Conv2D(24, 3)(inputs)
h = layers.LayerNormalization()(h)
h = layers.Activation("gelu")(h)
h = layers.Flatten()(layers.AveragePooling2D(2)(h))
outputs = layers.Dense(10)(layers.Dense(64, activation="silu")(h))
model = keras.Model(inputs, outputs)

schedule = optimizers.schedules.CosineDecay(initial_learning_rate=2e-2, decay_steps=100, alpha=0.05)
model.compile(
    optimizer=optimizers.Adam(schedule, clipnorm=1.0),
    loss=losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[metrics.SparseCategoricalAccuracy(name="accuracy")],
)
np.testing.assert_allclose(float(schedule(0)), 2e-2, rtol=1e-6)
np.testing.assert_allclose(float(schedule(100)), 1e-3, rtol=1e-5)

batch_size = 64
seen = []
for epoch in range(5):
    order = rng.permutation(len(x_train))
    for step in range(len(x_train) // batch_size):
        batch = order[step * batch_size : (step + 1) * batch_size]
        loss, accuracy = model.train_on_batch(x_train[batch], y_train[batch])
        seen.append(float(loss))
    print(f"epoch {epoch}: loss {float(loss):.4f}, accuracy {float(accuracy):.4f}")
    model.reset_metrics()
assert int(model.optimizer.iterations) == 100
assert np.mean(seen[-10:]) < 0.5 * np.mean(seen[:10])

logs = model.test_on_batch(x_test, y_test, return_dict=True)
assert set(logs) == {"loss", "accuracy"}
assert float(logs["accuracy"]) > 0.7
scores = model.predict_on_batch(x_test)
assert scores.shape == (517, 10)

# Metrics and losses stand on their own.
accuracy_metric = metrics.SparseCategoricalAccuracy()
mean_loss = metrics.Mean()
loss_fn = losses.SparseCategoricalCrossentropy(from_logits=True)
for i in range(0, len(x_test), 100):
    logits = model(x_test[i : i + 100], training=False)
    accuracy_metric.update_state(y_test[i : i + 100], logits)
    mean_loss.update_state(loss_fn(y_test[i : i + 100], logits), sample_weight=len(logits))
np.testing.assert_allclose(float(accuracy_metric.result()), float(logs_accuracy := logs["accuracy"]), rtol=1e-5)
np.testing.assert_allclose(float(mean_loss.result()), float(logs["loss"]), rtol=1e-4)
accuracy_metric.reset_state()
accuracy_metric.update_state([1, 2], np.eye(3, dtype="float32")[[1, 0]])
assert float(accuracy_metric.result()) == 0.5

# keras.ops by themselves.
probabilities = ops.softmax(ops.convert_to_tensor(scores), axis=-1)
top, indices = ops.top_k(probabilities, k=2)
assert ops.shape(top) == (517, 2)
right = ops.cast(ops.equal(indices[:, 0], ops.cast(y_test, indices.dtype)), "float32")
np.testing.assert_allclose(float(ops.mean(right)), float(logs_accuracy), rtol=1e-5)
entropy = -ops.sum(probabilities * ops.log(probabilities + 1e-7), axis=-1)
wrong = ops.convert_to_numpy(right) == 0
assert ops.convert_to_numpy(entropy)[wrong].mean() > ops.convert_to_numpy(entropy)[~wrong].mean()
