"""The table of ``summary``."""

import re

import numpy as np

import pycnn
from pycnn import layers


def make():
    return pycnn.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, name="stem"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(1000, name="top"),
        ],
        name="net",
    )


EXPECTED = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
┃ Layer (type)              ┃ Output Shape    ┃ Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
│ stem (Conv2D)             │ (None, 6, 6, 4) │      40 │
├───────────────────────────┼─────────────────┼─────────┤
│ norm (BatchNormalization) │ (None, 6, 6, 4) │      16 │
├───────────────────────────┼─────────────────┼─────────┤
│ flat (Flatten)            │ (None, 144)     │       0 │
├───────────────────────────┼─────────────────┼─────────┤
│ top (Dense)               │ (None, 1000)    │ 145,000 │
└───────────────────────────┴─────────────────┴─────────┘
 Total params: 145,056 (566.62 KB)
 Trainable params: 145,048 (566.59 KB)
 Non-trainable params: 8 (32.00 B)
"""


def test_the_table(backend, capsys):
    make().summary()
    assert capsys.readouterr().out == EXPECTED


def test_print_fn_and_width(backend):
    texts = []
    make().summary(line_length=80, print_fn=texts.append)
    (text,) = texts
    assert len(text.splitlines()[1]) == 80


def test_frozen_layers_and_the_optimizer(backend):
    model = make()
    model.layers[3].trainable = False
    model.compile(pycnn.optimizers.SGD(momentum=0.9), "mse")
    model.fit(np.zeros((1, 8, 8, 1)), np.zeros((1, 1000)), verbose=0)
    text = []
    model.summary(print_fn=text.append)
    assert "Trainable params: 48 (" in text[0]
    assert "Non-trainable params: 145,008 (" in text[0]
    assert "Optimizer params: " in text[0]


def test_nested_models(backend):
    inner = pycnn.Sequential([layers.Dense(3, name="a"), layers.Dense(4, name="b")], name="inner")
    model = pycnn.Sequential([layers.Input((2,)), inner])
    texts = []
    model.summary(print_fn=texts.append)
    model.summary(print_fn=texts.append, expand_nested=True)
    assert "inner (Sequential)" in texts[0]
    assert "a (Dense)" not in texts[0]
    assert "  a (Dense)" in texts[1]
    assert "(None, 3)" in texts[1]


def test_models_of_ones_own(backend):
    class Own(pycnn.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(3, name="dense")

        def call(self, inputs):
            return self.dense(inputs)

    model, texts = Own(), []
    model.summary(print_fn=texts.append)
    model.build((None, 2))
    model.summary(print_fn=texts.append)
    assert re.search(r"dense \(Dense\) │ \? +│ 0 \(unbuilt\) │", texts[0])
    assert "Total params: 0 (0.00 B)" in texts[0]
    assert re.search(r"dense \(Dense\) │ \(None, 3\) +│ +9 │", texts[1])
    assert "Total params: 9" in texts[1]
