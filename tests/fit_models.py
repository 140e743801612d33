"""Small models and data that tests of training share."""

import numpy as np
from helpers import normal

import pycnn
from pycnn import layers


def small_model(metrics=None, loss="mse", optimizer="sgd", **dense):
    model = pycnn.Sequential([layers.Input((3,)), layers.Dense(1, **dense)])
    model.compile(optimizer, loss, metrics=metrics)
    return model


def classifier(classes=4, **compile_arguments):
    model = pycnn.Sequential([layers.Input((3,)), layers.Dense(8, "tanh"), layers.Dense(classes, "softmax")])
    arguments = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    model.compile(**(arguments | compile_arguments))
    return model


def regression(n=50):
    x = normal((n, 3), np.float32)
    return x, (x @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype(np.float32)
