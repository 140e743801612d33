"""
Fine-tuning networks of keras.applications

Without downloads: weights=None. One network is trained from its features on, another one is shared by two inputs.
"""

import keras
import numpy as np
from keras import layers
from keras.applications import MobileNet, ResNet50
from keras.applications.mobilenet import preprocess_input
from keras.applications.resnet50 import preprocess_input as resnet_preprocess
from keras.applications.vgg16 import VGG16
from keras.applications.vgg16 import preprocess_input as vgg_preprocess

keras.utils.set_random_seed(3)

x = np.random.default_rng(0).integers(0, 256, (24, 48, 48, 3)).astype("float32")
x[::2, :24] = x[::2, :24] * 0.2
y = np.arange(24) % 2

base_model = MobileNet(input_shape=(48, 48, 3), alpha=0.25, include_top=False, weights=None)
base_model.trainable = True
for layer in base_model.layers[:-6]:
    layer.trainable = False
print(len(base_model.trainable_variables), "of", len(base_model.weights), "weights are trained")
assert len(base_model.trainable_variables) == 6

inputs = keras.Input(shape=(48, 48, 3))
h = preprocess_input(inputs)
h = base_model(h)
h = layers.GlobalAveragePooling2D()(h)
outputs = layers.Dense(1, activation="sigmoid")(h)
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=6, batch_size=8, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]

vgg = VGG16(weights=None, include_top=False, input_tensor=keras.Input((32, 32, 3)), pooling="max")
block4 = keras.Model(inputs=vgg.input, outputs=vgg.get_layer("block4_pool").output)
features = block4.predict(vgg_preprocess(x[:2, :32, :32].copy()), verbose=0)
assert features.shape == (2, 2, 2, 512)
assert vgg.output.shape == (None, 512)

resnet = ResNet50(weights=None, classes=5, input_shape=(32, 32, 3))
scores = resnet.predict(resnet_preprocess(x[:1, :32, :32].copy()), verbose=0)
assert scores.shape == (1, 5)
assert abs(float(scores.sum()) - 1) < 1e-5
assert [layer.name for layer in resnet.layers[-2:]] == ["avg_pool", "predictions"]
