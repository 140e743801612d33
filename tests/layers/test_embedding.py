"""Embedding."""

import json

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")


def test_lookup_and_gradients_of_repeated_integers(backend):
    layer = layers.Embedding(4, 2)
    y = layer([[1, 3, 1], [1, 0, 3]])
    weights = layer.embeddings.numpy()
    np.testing.assert_array_equal(y.numpy(), weights[[[1, 3, 1], [1, 0, 3]]])
    gy = normal((2, 3, 2), np.float32)
    y.backward(gy)
    expected = np.stack([gy[1, 1], gy[0, 0] + gy[0, 2] + gy[1, 0], gy[0, 1] + gy[1, 2], np.zeros(2)])[[0, 1, 3, 2]]
    assert_close(layer.embeddings.grad.numpy(), expected.astype(np.float32))
    assert [w.name for w in layer.weights] == ["embeddings"]
    assert layer.compute_output_shape((None, 3)) == (None, 3, 2)


def test_against_keras(backend):
    peer("torch")
    keras = peer("keras")
    theirs, ours = keras.layers.Embedding(5, 3), layers.Embedding(5, 3)
    ids = np.array([[4, 0, 4]])
    expected = theirs(ids).detach().numpy()
    ours(ids)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    np.testing.assert_array_equal(ours(ids).numpy(), expected)
    initial = layers.Embedding(1000, 3)
    initial(ids)
    assert 0.045 < np.abs(initial.get_weights()[0]).max() <= 0.05


def test_in_a_model(backend, tmp_path):
    """A model hands its inputs over as floats."""
    model = pycnn.Sequential([pycnn.Input((3,)), layers.Embedding(9, 2), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.array([[1, 2, 8], [0, 0, 3]])
    before = model.get_weights()[0]
    model.train_on_batch(x, np.ones((2, 1)))
    after = model.get_weights()[0]
    assert sorted(np.flatnonzero((before != after).any(1))) == [0, 1, 2, 3, 8]
    model.save(tmp_path / "m.pycnn")
    loaded = pycnn.models.load_model(tmp_path / "m.pycnn")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_given_weights_and_configuration(backend):
    weights = normal((3, 2), np.float32)
    for given in (weights, [weights]):
        np.testing.assert_array_equal(layers.Embedding(3, 2, weights=given)([2]).numpy(), weights[[2]])
    layer = layers.Embedding(3, 2, "ones", embeddings_regularizer="l2")
    config = json.loads(json.dumps(layer.get_config()))
    assert layers.Embedding.from_config(config).get_config() == config


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: layers.Embedding(0, 2), "input_dim must be an integer >= 1"),
        (lambda: layers.Embedding(3, 2)([3]), r"inputs must lie in \[0, input_dim=3\). Received: inputs from 3 to 3"),
        (lambda: layers.Embedding(3, 2)([-1]), "inputs must lie in"),
        (lambda: layers.Embedding(3, 2, weights=np.zeros((2, 2))), "value must have the shape"),
    ],
)
def test_errors(act, message):
    with pytest.raises(ValueError, match=message):
        act()
