"""
Semantic segmentation with a U-Net

Synthetic pictures of squares and discs; a Dice loss added to the cross-entropy; mean IoU as the measure.
"""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(17)
rng = np.random.default_rng(17)
SIZE, CLASSES = 16, 3


def make_data(n):
    images = rng.normal(0.0, 0.15, (n, SIZE, SIZE, 1))
    masks = np.zeros((n, SIZE, SIZE), "int32")
    yy, xx = np.mgrid[:SIZE, :SIZE]
    for image, mask in zip(images, masks):
        cy, cx = rng.integers(5, SIZE - 5, 2)
        mask[np.hypot(yy - cy, xx - cx) < rng.integers(3, 6)] = 1
        top, left = rng.integers(0, SIZE - 8, 2)
        mask[top : top + 7, left : left + 7] = 2
        image[mask == 1] += 1.0
        image[mask == 2] -= 1.0
    return images.astype("float32"), masks


x_train, y_train = make_data(160)
x_val, y_val = make_data(40)


def get_model(img_size, num_classes, widths=(8, 16)):
    inputs = keras.Input(shape=(*img_size, 1))
    x = inputs
    skips = []
    for filters in widths:
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")(x)
        x = layers.BatchNormalization(momentum=0.8)(x)
        x = layers.Activation("relu")(x)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.Dropout(0.1)(x)
    for filters, skip in zip(reversed(widths), reversed(skips)):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = layers.concatenate([x, skip], axis=-1)
        x = layers.Conv2D(filters, 3, activation="relu", padding="same")(x)
    outputs = layers.Conv2D(num_classes, 1, activation="softmax", name="mask")(x)
    return keras.Model(inputs, outputs, name="unet")


def dice_loss(y_true, y_pred, smooth=1.0):
    y_true = ops.one_hot(ops.cast(y_true, "int32"), CLASSES)
    axes = (1, 2)
    intersection = ops.sum(y_true * y_pred, axis=axes)
    total = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
    return 1.0 - ops.mean((2.0 * intersection + smooth) / (total + smooth), axis=-1)


def loss(y_true, y_pred):
    one_hot = ops.one_hot(ops.cast(y_true, "int32"), CLASSES)
    cross_entropy = ops.mean(keras.losses.categorical_crossentropy(one_hot, y_pred), axis=(1, 2))
    return cross_entropy + dice_loss(y_true, y_pred)


model = get_model((SIZE, SIZE), CLASSES)
model.summary()
assert model.output_shape == (None, SIZE, SIZE, CLASSES)
model.compile(
    optimizer=keras.optimizers.Adam(1e-2),
    loss=loss,
    metrics=[
        "accuracy",
        keras.metrics.MeanIoU(num_classes=CLASSES, sparse_y_true=True, sparse_y_pred=False, name="mean_iou"),
        dice_loss,
    ],
)
history = model.fit(x_train, y_train, batch_size=16, epochs=5, validation_data=(x_val, y_val), verbose=0)
print({k: round(float(v[-1]), 3) for k, v in history.history.items()})
assert history.history["loss"][-1] < 0.4 * history.history["loss"][0]
assert history.history["mean_iou"][-1] > 0.75

predicted = np.argmax(model.predict(x_val, verbose=0), axis=-1)
assert predicted.shape == y_val.shape

metric = keras.metrics.MeanIoU(num_classes=CLASSES)
metric.update_state(y_val, predicted)
by_hand = np.mean(
    [((predicted == c) & (y_val == c)).sum() / ((predicted == c) | (y_val == c)).sum() for c in range(CLASSES)]
)
np.testing.assert_allclose(float(metric.result()), by_hand, rtol=1e-5)

dice = keras.losses.Dice()
one_hot = keras.utils.to_categorical(y_val, CLASSES)
assert abs(float(dice(one_hot, one_hot))) < 1e-5
