"""
Saving, loading and copying models
"""

import json
import os

import keras
import numpy as np
from keras import layers
from keras.models import Model, Sequential, clone_model, load_model, model_from_json

keras.utils.set_random_seed(4)
rng = np.random.default_rng(4)
x = rng.normal(size=(64, 10, 10, 3)).astype("float32")
y = (x.mean(axis=(1, 2, 3)) > 0).astype("int64")


def get_model():
    inputs = keras.Input(shape=(10, 10, 3), name="picture")
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Activation("swish")(x)
    a = layers.AveragePooling2D(2)(x)
    b = layers.MaxPooling2D(2)(x)
    x = layers.Concatenate()([a, b])
    x = layers.Flatten()(x)
    outputs = layers.Dense(2, activation="softmax", name="out")(x)
    model = Model(inputs, outputs, name="saved_model")
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


model = get_model()
model.fit(x, y, epochs=3, batch_size=16, verbose=0)
expected = model.predict(x, verbose=0)

## The whole model, and training that goes on

model.save("model.keras")
assert os.path.exists("model.keras")
reconstructed = load_model("model.keras")
np.testing.assert_allclose(reconstructed.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
assert isinstance(reconstructed.optimizer, keras.optimizers.Adam)
assert int(reconstructed.optimizer.iterations) == 12
assert reconstructed.name == "saved_model"
a = model.fit(x, y, epochs=1, shuffle=False, verbose=0).history["loss"]
b = reconstructed.fit(x, y, epochs=1, shuffle=False, verbose=0).history["loss"]
np.testing.assert_allclose(a, b, rtol=1e-4)
expected = model.predict(x, verbose=0)

keras.saving.save_model(model, "again.keras", overwrite=True)
keras.models.save_model(model, "again.keras")
inference_only = keras.saving.load_model("again.keras", compile=False)
np.testing.assert_allclose(inference_only.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)

## Weights only

model.save_weights("model.weights.h5")
fresh = get_model()
assert np.abs(fresh.predict(x, verbose=0) - expected).max() > 1e-3
fresh.load_weights("model.weights.h5")
np.testing.assert_allclose(fresh.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)

## Architecture only

config = model.get_config()
again = Model.from_config(config)
assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
again.set_weights(model.get_weights())
np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)

text = model.to_json()
assert json.loads(text)["config"]["name"] == "saved_model"
from_text = model_from_json(text)
assert from_text.count_params() == model.count_params()
assert from_text.output_shape == (None, 2)

## Copies

copy = clone_model(model)
assert len(copy.weights) == len(model.weights)
assert not np.array_equal(copy.get_layer("conv").get_weights()[0], model.get_layer("conv").get_weights()[0])
copy.set_weights(model.get_weights())
np.testing.assert_allclose(copy.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)

layer_config = model.get_layer("conv").get_config()
assert layer_config["filters"] == 8 and tuple(layer_config["strides"]) == (2, 2)
conv = layers.Conv2D.from_config(layer_config)
assert conv.padding == "same"
via_layers = layers.deserialize(layers.serialize(model.get_layer("bn")))
assert isinstance(via_layers, layers.BatchNormalization)

kernel, bias = model.get_layer("conv").get_weights()
model.get_layer("conv").set_weights([np.zeros_like(kernel), bias])
assert not np.allclose(model.predict(x, verbose=0), expected)

small = Sequential([layers.Input((4,)), layers.Dense(3)], name="small")
small.save("small.keras")
assert load_model("small.keras").name == "small"
