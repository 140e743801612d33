"""TimeDistributed."""

import functools
import json

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import layers

MAKERS = {
    "dense": (functools.partial(layers.Dense, 3), (2, 5, 4), (2, 5, 3)),
    "conv": (functools.partial(layers.Conv2D, 3, 2), (2, 3, 4, 4, 2), (2, 3, 3, 3, 3)),
    "flatten": (layers.Flatten, (2, 3, 4, 4, 2), (2, 3, 32)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_step_by_itself(backend, name, tmp_path):
    make, shape, expected = MAKERS[name]
    inner = make()
    layer = layers.TimeDistributed(inner)
    x = normal(shape, np.float32)
    y = layer(x)
    assert y.shape == expected
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *expected[1:])
    assert_close(y.numpy(), np.stack([inner(x[:, i]).numpy() for i in range(shape[1])], axis=1))
    assert layer.weights == inner.weights
    config = json.loads(json.dumps(layer.get_config()))
    assert layers.TimeDistributed.from_config(config).get_config() == config
    model = pycnn.Sequential([pycnn.Input(shape[1:]), layer])
    model.save(tmp_path / "m.pycnn")
    loaded = pycnn.models.load_model(tmp_path / "m.pycnn")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_against_keras(backend):
    peer("torch")
    keras = peer("keras")
    x = normal((2, 3, 4), np.float32)
    theirs, ours = (k.TimeDistributed(k.Dense(2, activation="tanh")) for k in (keras.layers, layers))
    expected = theirs(x).detach().numpy()
    ours(x)
    ours.set_weights(theirs.get_weights())
    assert_close(ours(x).numpy(), expected, 1e-5)


def test_training_reaches_the_layer(backend):
    layer = layers.TimeDistributed(layers.Dropout(0.5, seed=0))
    x = np.ones((2, 3, 10))
    assert (layer(x, training=True).numpy() == 0).any()
    assert (layer(x).numpy() == 1).all()


def test_errors():
    with pytest.raises(TypeError, match="layer must be a Layer. Received: layer=3"):
        layers.TimeDistributed(3)
    with pytest.raises(ValueError, match="inputs must have at least 3 axes"):
        layers.TimeDistributed(layers.Dense(2))(np.zeros((2, 3)))
