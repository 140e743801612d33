"""The model that the tests of saving and loading save."""

import json
import struct

import numpy as np
from helpers import normal

import pycnn
from pycnn import layers


def make_model(name="net", classes=3, **compile_arguments):
    model = pycnn.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Rescaling(0.5),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.25, seed=3),
            layers.Flatten(),
            layers.Dense(classes, "softmax"),
        ],
        name=name,
    )
    arguments = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(**(arguments | compile_arguments))
    return model


def data(n=24):
    return normal((n, 6, 6, 1), np.float32), np.arange(n) % 3


def read_header(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length])
