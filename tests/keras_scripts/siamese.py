"""
Siamese network: are two digits the same?

Two branches share one network; the distance of their embeddings is taught by a contrastive loss.
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_digits

keras.utils.set_random_seed(29)
rng = np.random.default_rng(29)
x, y = load_digits(n_class=4, return_X_y=True)
x = x.reshape(-1, 8, 8, 1).astype("float32") / 16


def make_pairs(x, y, pairs_each=2):
    by_class = [np.where(y == c)[0] for c in range(y.max() + 1)]
    pairs, labels = [], []
    for i, label in enumerate(y):
        for _ in range(pairs_each // 2):
            pairs.append([x[i], x[rng.choice(by_class[label])]])
            other = (label + rng.integers(1, len(by_class))) % len(by_class)
            pairs.append([x[i], x[rng.choice(by_class[other])]])
            labels += [0.0, 1.0]
    return np.array(pairs), np.array(labels, "float32")


pairs_train, labels_train = make_pairs(x[:500], y[:500])
pairs_test, labels_test = make_pairs(x[500:], y[500:])


def euclidean_distance(vects):
    a, b = vects
    sum_square = ops.sum(ops.square(a - b), axis=1, keepdims=True)
    return ops.sqrt(ops.maximum(sum_square, keras.config.epsilon()))


embedding_input = layers.Input((8, 8, 1))
h = layers.Conv2D(16, (3, 3), activation="relu")(embedding_input)
h = layers.MaxPooling2D(pool_size=(2, 2))(h)
h = layers.Flatten()(h)
h = layers.Dense(32, activation="relu")(h)
h = layers.Dense(10)(h)
embedding_network = keras.Model(embedding_input, h, name="embedding")

input_1 = layers.Input((8, 8, 1))
input_2 = layers.Input((8, 8, 1))
tower_1 = embedding_network(input_1)
tower_2 = embedding_network(input_2)
merge_layer = layers.Lambda(euclidean_distance, output_shape=(1,))([tower_1, tower_2])
siamese = keras.Model(inputs=[input_1, input_2], outputs=merge_layer)
assert siamese.count_params() == embedding_network.count_params()


def contrastive_loss(margin=1):
    def loss(y_true, y_pred):
        square_pred = ops.square(y_pred)
        margin_square = ops.square(ops.maximum(margin - y_pred, 0))
        return ops.mean((1 - y_true) * square_pred + y_true * margin_square)

    return loss


siamese.compile(loss=contrastive_loss(margin=1), optimizer=keras.optimizers.Adam(3e-3), metrics=["accuracy"])
siamese.summary()
history = siamese.fit(
    [pairs_train[:, 0], pairs_train[:, 1]],
    labels_train,
    validation_data=([pairs_test[:, 0], pairs_test[:, 1]], labels_test),
    batch_size=32,
    epochs=6,
    verbose=0,
)
print(history.history)
assert history.history["val_accuracy"][-1] > 0.85

# The same distance by the operators of symbolic tensors.
a, b = keras.Input((10,)), keras.Input((10,))
distance = keras.Model([a, b], ops.sqrt(ops.sum((a - b) ** 2, axis=-1)))
u = embedding_network.predict(pairs_test[:8, 0], verbose=0)
v = embedding_network.predict(pairs_test[:8, 1], verbose=0)
np.testing.assert_allclose(distance.predict([u, v], verbose=0), np.linalg.norm(u - v, axis=1), rtol=1e-4)

# Symmetric, as the towers share their weights.
scores = siamese.predict([pairs_test[:, 0], pairs_test[:, 1]], verbose=0)
swapped = siamese.predict([pairs_test[:, 1], pairs_test[:, 0]], verbose=0)
np.testing.assert_allclose(scores, swapped, atol=1e-5)
