"""LeNet-5: the figures that the paper prints, and that it learns."""

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import layers
from pycnn.applications import LeNet5
from pycnn.applications.lenet import C3_CONNECTIONS, DIGIT_BITMAPS

PARAMETERS = {
    "original": {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0},
    "modern": {"c1": 156, "s2": 0, "c3": 2416, "s4": 0, "c5": 48_120, "f6": 10_164, "output": 850},
    "caffe": {"conv1": 520, "pool1": 0, "conv2": 25_050, "pool2": 0, "ip1": 400_500, "ip2": 5010},
}
TOTAL = {"original": 60_000, "modern": 61_706, "caffe": 431_080}
CONNECTIONS = {"c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120, "f6": 10_164, "output": 840}


@pytest.mark.parametrize("variant", TOTAL)
def test_parameters(variant):
    model = LeNet5(variant)
    counts = {layer.name: layer.count_params() for layer in model.layers[1:] if layer.name != "flatten"}
    assert counts == PARAMETERS[variant]
    assert model.count_params() == TOTAL[variant]


def connections(layer):
    """Arrows into the units of a layer, those of biases among them."""
    _, *places, maps = layer.output.shape
    if isinstance(layer, layers.Subsampling2D):
        return (layer.pool_size[0] * layer.pool_size[1] + 1) * np.prod(places) * maps
    if isinstance(layer, layers.RadialBasis):
        return np.size(layer.centres)
    return layer.count_params() * np.prod(places, dtype=int)  # each weight is one arrow at each place


def test_connections_of_the_original():
    found = {la.name: connections(la) for la in LeNet5("original").layers[1:] if la.name != "flatten"}
    assert found == CONNECTIONS
    assert sum(found.values()) == 340_908


def test_explained(capsys):
    """What explain counts is what the model has."""
    explanation = pycnn.explain(LeNet5("original"))
    printed = capsys.readouterr().out
    assert explanation.parameters == 60_000
    assert explanation.multiply_adds == 117_600 + 1176 + 150_000 + 400 + 48_000 + 10_080 + 840
    assert "5*5 * 60 connections + 16 biases = 1,516" in printed
    assert "6 channels * 2 (coefficient, bias) = 12" in printed
    assert "84*10 squares = 840" in printed


def test_sizes():
    sizes = {la.name: la.output.shape[1:] for la in LeNet5("original").layers}
    assert [sizes[n] for n in ("c1", "s2", "c3", "s4", "c5", "f6", "output")] == [
        (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (1, 1, 120), (84,), (10,)
    ]  # fmt: skip
    assert LeNet5("caffe").get_layer("pool2").output.shape[1:] == (4, 4, 50)


def test_table_of_c3():
    """Every map of S2 feeds ten of C3; six of these see 3 maps, nine 4, one all."""
    assert sorted(map(len, C3_CONNECTIONS)) == [3] * 6 + [4] * 9 + [6]
    assert np.bincount(np.concatenate(C3_CONNECTIONS)).tolist() == [10] * 6
    assert len(set(C3_CONNECTIONS)) == 16


def test_bitmaps_are_far_apart():
    flat = DIGIT_BITMAPS.reshape(10, -1)
    assert flat.shape == (10, 84)
    assert set(flat.ravel()) == {-1.0, 1.0}
    differing = (flat[:, None] != flat).sum(axis=-1)
    assert differing[~np.eye(10, dtype=bool)].min() >= 13


@pytest.mark.parametrize("variant", TOTAL)
def test_forward_step_and_file(backend, variant, tmp_path):
    model = LeNet5(variant)
    x, y = normal((4, *model.input_shape[1:])), np.array([0, 3, 9, 3])
    before = model.predict(x, verbose=0)
    assert before.shape == (4, 10)
    model.compile(
        "adam", "sparse_categorical_crossentropy" if variant != "original" else pycnn.losses.RubbishCrossentropy()
    )
    weights = model.get_weights()
    model.train_on_batch(x, y)
    assert all((old != new).any() for old, new in zip(weights, model.get_weights(), strict=True))
    model.save(tmp_path / "lenet.pycnn")
    loaded = pycnn.models.load_model(tmp_path / "lenet.pycnn")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    model.save_weights(tmp_path / "weights.pycnn")
    again = LeNet5(variant, weights=tmp_path / "weights.pycnn")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_original_by_hand(backend):
    """The paper's formulas, unit by unit, in float64."""
    pycnn.utils.set_random_seed(3)
    model = LeNet5("original")
    x = normal((1, 32, 32, 1), np.float32)

    def squash(a):
        return 1.7159 * np.tanh(2 * a / 3)

    def convolve(maps, kernel, bias):
        windows = np.lib.stride_tricks.sliding_window_view(maps, (5, 5), axis=(0, 1))
        return squash(np.einsum("hwcrs,rsck->hwk", windows, kernel) + bias)

    def subsample(maps, coefficient, bias):
        high, wide, count = maps.shape
        return squash(coefficient * maps.reshape(high // 2, 2, wide // 2, 2, count).sum(axis=(1, 3)) + bias)

    c1, c3, c5 = (model.get_layer(n) for n in ("c1", "c3", "c5"))
    maps = convolve(x[0].astype(float), *[v.numpy() for v in c1.weights])
    maps = subsample(maps, *[v.numpy() for v in model.get_layer("s2").weights])
    kernel, bias = (v.numpy() for v in c3.weights)
    start, columns = 0, []
    for i, seen in enumerate(C3_CONNECTIONS):
        part = kernel[:, :, start : start + len(seen), None]
        start += len(seen)
        columns.append(convolve(maps[:, :, list(seen)], part, bias[i : i + 1]))
    maps = subsample(np.concatenate(columns, axis=-1), *[v.numpy() for v in model.get_layer("s4").weights])
    values = convolve(maps, *[v.numpy() for v in c5.weights])[0, 0]
    kernel, bias = (v.numpy() for v in model.get_layer("f6").weights)
    drawn = squash(values @ kernel + bias)
    expected = -((drawn - DIGIT_BITMAPS.reshape(10, 84)) ** 2).sum(axis=1)
    assert_close(model.predict(x, verbose=0)[0], expected)


def test_arguments():
    assert LeNet5("modern", subsampling="average").get_layer("s2").__class__ is layers.AveragePooling2D
    assert LeNet5("modern", classes=26, classifier_activation=None).output_shape == (None, 26)
    assert LeNet5("original", include_top=False).output_shape == (None, 5, 5, 16)
    assert LeNet5("caffe", include_top=False, pooling="max", input_shape=(40, 40, 3)).output_shape == (None, 50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "classic"}, "variant must be one of original, modern, caffe. Received: variant='classic'"),
        ({"subsampling": "min"}, "subsampling must be 'max' or 'average'. Received: subsampling='min'"),
        ({"variant": "original", "classes": 26}, "The original LeNet-5 has an output for each of the 10 digits"),
        ({"variant": "original", "input_shape": (28, 28, 1)}, "at least 32 x 32"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        LeNet5(**arguments)
