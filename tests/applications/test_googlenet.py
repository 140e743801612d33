"""GoogLeNet: parameters, sizes and multiply-adds of the paper's network, and its mini."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.applications import GoogLeNet, MiniGoogLeNet
from pycnn.applications.googlenet import inception_module

SIZES = {
    "conv1": (112, 64), "pool1": (56, 64), "conv2_reduce": (56, 64), "conv2": (56, 192), "pool2": (28, 192),
    "inception_3a_output": (28, 256), "inception_3b_output": (28, 480), "pool3": (14, 480),
    "inception_4a_output": (14, 512), "inception_4b_output": (14, 512), "inception_4c_output": (14, 512),
    "inception_4d_output": (14, 528), "inception_4e_output": (14, 832), "pool4": (7, 832),
    "inception_5a_output": (7, 832), "inception_5b_output": (7, 1024),
}  # fmt: skip
INPUTS = {"3a": 192, "3b": 256, "4a": 480, "4b": 512, "4c": 512, "4d": 512, "4e": 528, "5a": 832, "5b": 832}


@pytest.fixture(scope="module")
def plain():
    return GoogLeNet()


@pytest.fixture(scope="module")
def full():
    return GoogLeNet(auxiliary=True)


def test_sizes_of_every_stage(plain):
    for name, (size, channels) in SIZES.items():
        assert plain.get_layer(name).output.shape == (None, size, size, channels), name
    assert plain.output_shape == (None, 1000)


def test_parameters(plain, full):
    assert plain.count_params() == 6_998_552
    assert full.count_params() == 13_378_280
    for module, channels in INPUTS.items():  # of Conv2D: its kernels and biases, from the paper's table
        names = [la for la in plain.layers if la.name.startswith(f"inception_{module}_") and la.weights]
        assert len(names) == 6
        assert plain.get_layer(f"inception_{module}_1x1").kernel.shape[2] == channels


def test_multiply_adds(plain, capsys):
    explanation = pycnn.explain(plain)
    capsys.readouterr()
    assert round(sum(s.multiply_adds for s in explanation.steps if s.parameters) / 1e9, 3) == 1.583


def test_normalization_of_the_paper(plain):
    for name in ("norm1", "norm2"):
        layer = plain.get_layer(name)
        assert (layer.size, layer.alpha, layer.beta, layer.bias) == (5, 1e-4, 0.75, 1.0)


def test_auxiliary_heads(full):
    for number, channels in ((1, 512), (2, 528)):
        name = f"auxiliary{number}"
        assert full.get_layer(f"{name}_pool").output.shape == (None, 4, 4, channels)
        assert full.get_layer(f"{name}_conv").output.shape == (None, 4, 4, 128)
        assert full.get_layer(f"{name}_fc").output.shape == (None, 1024)
        assert full.get_layer(f"{name}_dropout").rate == 0.7
    assert full.auxiliary_weight == 0.3
    assert full.get_layer("dropout").rate == 0.4
    assert full.output_shape == (None, 1000)


def test_forward_and_step_at_a_small_size(tmp_path):
    model = GoogLeNet(auxiliary=True, input_shape=(80, 80, 3), classes=4)
    x, y = normal((2, 80, 80, 3)), np.array([1, 3])
    assert model.predict(x, verbose=0).shape == (2, 4)
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    assert np.isfinite(model.train_on_batch(x, y))
    changed = [(old != new).any() for old, new in zip(before, model.get_weights(), strict=True)]
    assert np.mean(changed) > 0.95  # a ReLU or two may be silent for two images


@pytest.mark.parametrize("auxiliary", [False, True])
def test_mini_forward_step_and_file(backend, auxiliary, tmp_path):
    model = MiniGoogLeNet(auxiliary=auxiliary, divisor=8, input_shape=(16, 16, 3) if not auxiliary else (32, 32, 3))
    x, y = normal((2, *model.input_shape[1:])), np.array([1, 3])
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.train_on_batch(x, y)
    assert any((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    model.save_weights(tmp_path / "mini.pycnn")
    again = MiniGoogLeNet(
        auxiliary=auxiliary, divisor=8, input_shape=model.input_shape[1:], weights=tmp_path / "mini.pycnn"
    )
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_mini_has_the_modules_of_the_full_network():
    model = MiniGoogLeNet(divisor=1, batch_norm=False)
    expected = {"3a": 163_696, "3b": 388_736, "4a": 376_176}
    for module, parameters in expected.items():
        found = sum(la.count_params() for la in model.layers if la.name.startswith(f"inception_{module}_"))
        assert found == parameters
    assert model.get_layer("inception_3a_output").output.shape == (None, 8, 8, 256)
    assert model.get_layer("inception_4a_output").output.shape == (None, 4, 4, 512)


def test_squeeze_and_excitation_stands_behind_each_module():
    model = MiniGoogLeNet(reduction=16)
    names = [la.name for la in model.layers if isinstance(la, layers.SqueezeExcite)]
    assert names == [f"inception_{m}_se" for m in ("3a", "3b", "4a")]
    assert model.get_layer("inception_3a_se").input is model.get_layer("inception_3a_output").output


def test_batch_normalization_takes_the_place_of_biases():
    model, without = MiniGoogLeNet(), MiniGoogLeNet(batch_norm=False)
    kernels = sum(w.size for w in without.weights if w.name == "kernel" and len(w.shape) == 4)
    biases = sum(w.size for w in without.weights if w.name == "bias") - 10  # of the classes
    assert without.count_params() == kernels + biases + 128 * 10 + 10
    assert model.count_params() == kernels + 4 * biases + 128 * 10 + 10


def test_a_module_by_hand(backend):
    inputs = pycnn.Input((6, 6, 4))
    model = pycnn.Model(inputs, inception_module(inputs, (2, 3, 4, 2, 3, 2), "m"))
    x = normal((1, 6, 6, 4), np.float32)
    for layer in model.layers:
        if layer.weights:
            layer.bias.assign(np.full(layer.bias.shape, 0.1))

    def conv(x, name):
        layer = model.get_layer(f"m_{name}")
        return pycnn.ops.relu(pycnn.ops.conv2d(x, layer.kernel, layer.bias, padding="same")).numpy()

    pooled = pycnn.ops.max_pool2d(x, 3, 1, 1).numpy()
    ways = [conv(x, "1x1"), conv(conv(x, "3x3_reduce"), "3x3"), conv(conv(x, "5x5_reduce"), "5x5")]
    expected = np.concatenate([*ways, conv(pooled, "pool_proj")], axis=-1)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)
    assert expected.shape == (1, 6, 6, 11)


def test_arguments():
    assert GoogLeNet(include_top=False, pooling="avg", reduction=16).output_shape == (None, 1024)
    assert MiniGoogLeNet(include_top=False, input_shape=(24, 24, 1)).output_shape == (None, 3, 3, 128)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GoogLeNet(include_top=False, auxiliary=True), "auxiliary must be True or False, and False with"),
        (lambda: GoogLeNet(auxiliary=1), "auxiliary must be True or False.* Received: auxiliary=1"),
        (lambda: GoogLeNet(auxiliary=True, input_shape=(64, 64, 3)), "at least 80 x 80"),
        (lambda: MiniGoogLeNet(divisor=3), "divisor must be 1, 2, 4 or 8. Received: divisor=3"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
