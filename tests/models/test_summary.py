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


EXPANDED = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)              ┃ Output Shape    ┃ Param # ┃ Multiply-Adds ┃ Output Memory ┃ Weight Memory ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ stem (Conv2D)             │ (None, 6, 6, 4) │      40 │         1,296 │      576.00 B │      160.00 B │
├───────────────────────────┼─────────────────┼─────────┼───────────────┼───────────────┼───────────────┤
│ norm (BatchNormalization) │ (None, 6, 6, 4) │      16 │           144 │      576.00 B │       64.00 B │
├───────────────────────────┼─────────────────┼─────────┼───────────────┼───────────────┼───────────────┤
│ flat (Flatten)            │ (None, 144)     │       0 │             0 │      576.00 B │        0.00 B │
├───────────────────────────┼─────────────────┼─────────┼───────────────┼───────────────┼───────────────┤
│ top (Dense)               │ (None, 1000)    │ 145,000 │       144,000 │       3.91 KB │     566.41 KB │
└───────────────────────────┴─────────────────┴─────────┴───────────────┴───────────────┴───────────────┘
 Total params: 145,056 (566.62 KB)
 Trainable params: 145,048 (566.59 KB)
 Non-trainable params: 8 (32.00 B)
 Multiply-adds for one input: 145,440 (145.44 K)
 Memory of all outputs for one input: 5.59 KB
"""


def test_costs(backend, capsys):
    make().summary(expand=True)
    assert capsys.readouterr().out == EXPANDED


def summary(model, **options):
    texts = []
    model.summary(print_fn=texts.append, expand=True, **options)
    return texts[0]


def test_costs_of_graphs_with_models_inside_and_layers_used_twice(backend):
    inputs = pycnn.Input((4, 4, 2))
    shared = layers.Conv2D(2, 3, padding="same", name="shared")
    inner = pycnn.Sequential([layers.Conv2D(2, 1, name="a"), layers.ReLU(name="b")], name="inner")
    text = summary(pycnn.Model(inputs, inner(shared(shared(inputs)))), expand_nested=True)
    assert re.search(r"input_layer\S* \(InputLayer\) +│ \(None, 4, 4, 2\) │ +0 │ +- │ +- │ +- │", text)
    twice = 2 * 16 * 2 * 18  # two calls
    assert re.search(rf"shared \(Conv2D\) .* │ +{twice:,} │ +256.00 B │ +152.00 B │", text)
    assert re.search(r"inner \(Sequential\) .* │ +64 │ +256.00 B │ +24.00 B │", text)
    assert re.search(r"  a \(Conv2D\) .* │ +64 │ +128.00 B │ +24.00 B │", text)
    assert f"Multiply-adds for one input: {twice + 64:,} (1.22 K)\n" in text


def test_costs_that_are_not_known(backend):
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight((input_shape[-1],), name="factor")

        def call(self, inputs):
            return inputs * self.factor

    text = summary(pycnn.Sequential([layers.Input((3,)), layers.Dense(4), Scale(name="own")]))
    assert re.search(r"own \(Scale\) +│ \(None, 4\) +│ +4 │ +\? │ +16.00 B │ +16.00 B │", text)
    assert "Multiply-adds for one input: 12 (12), not counting own\n" in text
    inputs = pycnn.Input((None, None, 1))
    for model in (pycnn.Sequential([layers.Dense(4)]), pycnn.Model(inputs, layers.Conv2D(2, 3, name="c")(inputs))):
        text = summary(model)
        assert re.search(r"(dense\S*|c) \((Dense|Conv2D)\) .*│ +\? │ +\? │", text)
        assert text.endswith("not known, as the shape of the input is not")


def test_costs_are_those_of_inference(backend):
    inputs = pycnn.Input((4,))
    hidden = layers.Dense(3, name="hidden")(inputs)
    outputs = [layers.Dense(1, name="main")(layers.Dense(3)(hidden)), layers.Dense(1, name="aux")(hidden)]
    text = summary(pycnn.models.AuxiliaryModel(inputs, outputs))
    assert re.search(r"aux \(Dense\) +│ \(None, 1\) +│ +4 │ +- │ +- │ +16.00 B │", text)
    assert f"Multiply-adds for one input: {4 * 3 + 3 * 3 + 3} (24)\n" in text


def test_costs_run_nothing(backend):
    class Own(layers.Conv2D):
        def call(self, inputs):
            raise AssertionError("it was run")

    model = pycnn.Sequential([layers.Input((9, 9, 1)), Own(3, 3)])
    assert f"Multiply-adds for one input: {49 * 3 * 9:,}" in summary(model)
