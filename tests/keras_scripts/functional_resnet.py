"""
A small residual network with the functional API

Identity and projection shortcuts, batch normalization, global average pooling.
"""

import keras
import numpy as np
from keras import layers, regularizers
from keras.layers import Activation, Add, BatchNormalization, Conv2D
from sklearn.datasets import load_digits

keras.utils.set_random_seed(1)

(x, y) = load_digits(return_X_y=True)
x = (x / 16.0).reshape(-1, 8, 8, 1).astype(np.float32)
x_train, y_train, x_val, y_val = x[:1200], y[:1200], x[1200:], y[1200:]


def conv_bn(x, filters, kernel_size=3, strides=1, activation="relu", name=None):
    x = Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=regularizers.l2(1e-4),
        name=name,
    )(x)
    x = BatchNormalization(momentum=0.9)(x)
    if activation:
        x = Activation(activation)(x)
    return x


def residual_block(x, filters, strides=1):
    shortcut = x
    x = conv_bn(x, filters, strides=strides)
    x = conv_bn(x, filters, activation=None)
    if strides != 1 or shortcut.shape[-1] != filters:
        shortcut = conv_bn(shortcut, filters, kernel_size=1, strides=strides, activation=None)
    x = Add()([x, shortcut])
    return layers.ReLU()(x)


def build_resnet(input_shape, num_classes, blocks=(1, 1), width=16):
    inputs = keras.Input(shape=input_shape, name="image")
    x = conv_bn(inputs, width, name="stem")
    for stage, repeats in enumerate(blocks):
        for block in range(repeats):
            strides = 2 if stage > 0 and block == 0 else 1
            x = residual_block(x, width * 2**stage, strides)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    outputs = layers.Dense(num_classes, name="logits")(x)
    return keras.Model(inputs=inputs, outputs=outputs, name="tiny_resnet")


model = build_resnet((8, 8, 1), 10)
model.summary()
assert model.name == "tiny_resnet"
assert model.input_shape == (None, 8, 8, 1)
assert model.get_layer("features").output.shape == (None, 32)
assert len([layer for layer in model.layers if isinstance(layer, Add)]) == 2
assert len(model.non_trainable_weights) == 2 * len([x for x in model.layers if isinstance(x, BatchNormalization)])

model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
)
history = model.fit(x_train, y_train, batch_size=64, epochs=4, validation_data=(x_val, y_val), verbose=0)
print(history.history["val_acc"])
assert history.history["loss"][-1] < history.history["loss"][0] / 3
results = model.evaluate(x_val, y_val, return_dict=True, verbose=0)
assert results["acc"] > 0.8
assert results["acc"] == history.history["val_acc"][-1]
assert len(model.losses) == sum(isinstance(layer, Conv2D) for layer in model.layers)
