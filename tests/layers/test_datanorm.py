"""Normalization."""

import json

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import layers

DATA = normal((40, 3, 4, 2)) * [2.0, 5.0] + [10.0, -3.0]


def test_adapt(backend):
    layer = layers.Normalization(dtype="float64")
    layer.adapt(DATA)
    assert_close(layer.mean.numpy(), DATA.mean((0, 1, 2)).reshape(1, 1, 1, 2))
    assert_close(layer.variance.numpy(), DATA.var((0, 1, 2)).reshape(1, 1, 1, 2))
    y = layer(DATA).numpy()
    assert_close(y, (DATA - DATA.mean((0, 1, 2))) / DATA.std((0, 1, 2)))
    back = layers.Normalization(invert=True, dtype="float64")
    back.adapt(DATA)
    assert_close(back(y).numpy(), DATA)
    assert [w.name for w in layer.weights] == ["mean", "variance", "count"]
    assert not layer.trainable_weights


@pytest.mark.parametrize(("axis", "reduced"), [(None, (0, 1, 2, 3)), (1, (0, 2, 3)), ((1, -1), (0, 2))])
def test_axes(backend, axis, reduced):
    layer = layers.Normalization(axis, dtype="float64")
    layer.adapt(DATA)
    assert_close(layer(DATA).numpy(), (DATA - DATA.mean(reduced, keepdims=True)) / DATA.std(reduced, keepdims=True))


class Pages:
    """Batches by number, as PyDataset has them: no IndexError at the end."""

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return DATA[20 * i : 20 * i + 20], np.zeros(20)


@pytest.mark.parametrize(
    "batches", [lambda: [DATA[:7], DATA[7:]], lambda: iter([DATA[:30], DATA[30:31], DATA[31:]]), Pages]
)
def test_batches_count_by_their_size(backend, batches):
    layer = layers.Normalization(dtype="float64")
    layer.adapt(batches())
    assert_close(layer.mean.numpy().ravel(), DATA.mean((0, 1, 2)))
    assert_close(layer.variance.numpy().ravel(), DATA.var((0, 1, 2)))


def test_given(backend):
    layer = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0])
    assert layer([[3.0, 2.0]]).tolist() == [[1.0, 0.0]]
    twin = layers.Normalization.from_config(json.loads(json.dumps(layer.get_config())))
    assert twin([[3.0, 2.0]]).tolist() == [[1.0, 0.0]]
    assert not layer.weights
    with pytest.raises(ValueError, match="adapt.. is for layers that were not given mean and variance"):
        layer.adapt([[1.0, 2.0]])
    assert layers.Normalization(axis=(1, 2), mean=[1.0, 2.0], variance=[1.0, 1.0])([[[2.0, 2.0]]]).tolist() == [
        [[1.0, 0.0]]
    ]


def test_bytes_and_no_spread(backend):
    layer = layers.Normalization()
    layer.adapt(np.full((3, 2), 200, np.uint8))
    assert layer(np.full((1, 2), 200, np.uint8)).tolist() == [[0.0, 0.0]]


def test_it_is_saved(backend, tmp_path):
    layer = layers.Normalization()
    layer.adapt([[1.0], [3.0]])
    model = pycnn.Sequential([pycnn.Input((1,)), layer])
    model.save(tmp_path / "m.pycnn")
    assert pycnn.models.load_model(tmp_path / "m.pycnn").predict(np.array([[4.0]]), verbose=0).tolist() == [[2.0]]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: layers.Normalization(mean=1.0), "mean and variance must be given together"),
        (lambda: layers.Normalization(mean=[1.0], variance=[1.0, 2.0]), "have the same shape"),
        (lambda: layers.Normalization(mean=[[1.0]], variance=[[1.0]]), "mean must not have more axes"),
        (lambda: layers.Normalization(axis=3)([[1.0]]), "axis must be an integer from -2 to 1"),
        (lambda: layers.Normalization().adapt(iter([])), "data must hold at least one batch"),
        (lambda: layers.Normalization().mean, "no mean and variance yet"),
    ],
)
def test_errors(act, message):
    with pytest.raises(ValueError, match=message):
        act()
