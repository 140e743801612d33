"""Dense."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

from pycnn import layers


@pytest.mark.parametrize("arguments", [{}, {"activation": "tanh"}, {"use_bias": False, "activation": "softmax"}])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
def test_dense(backend, arguments, shape, tmp_path):
    run_layer_test(functools.partial(layers.Dense, 5, **arguments), normal(shape), (*shape[:-1], 5), tmp_path)


def test_by_hand(backend):
    layer = layers.Dense(2, activation="relu")
    layer.build((None, 3))
    layer.set_weights([np.array([[1, 0], [0, 1], [-1, -2]]), np.array([0.5, 1])])
    assert layer([[1.0, 2.0, 0.5]]).tolist() == [[1.0, 2.0]]


def test_against_pytorch(backend):
    torch = peer("torch")
    theirs = torch.nn.Linear(4, 5, dtype=torch.float64)
    ours = layers.Dense(5, dtype="float64")
    x = normal((3, 4))
    ours.build((None, 4))
    ours.set_weights([theirs.weight.detach().numpy().T, theirs.bias.detach().numpy()])
    assert_close(ours(x).numpy(), theirs(torch.tensor(x)).detach().numpy())


def test_regularizers_initializers_and_constraints_are_kept(backend):
    layer = layers.Dense(
        3, kernel_initializer="ones", kernel_regularizer="l2", bias_initializer="zeros", kernel_constraint="non_neg"
    )
    twin = layers.Dense.from_config(layer.get_config())
    twin.build((None, 2))
    assert (twin.kernel.numpy() == 1).all()
    assert twin.kernel.regularizer is not None
    assert twin.kernel.constraint is not None


def test_names_and_shapes_of_weights(backend):
    layer = layers.Dense(3)
    layer(np.zeros((1, 2)))
    assert {name: w.shape for name, w in layer.named_weights().items()} == {"kernel": (2, 3), "bias": (3,)}


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", True])
def test_wrong_units(units):
    with pytest.raises(ValueError, match=f"units must be an integer >= 1. Received: units={units!r}"):
        layers.Dense(units)


def test_wrong_inputs(backend):
    layer = layers.Dense(3, name="top")
    with pytest.raises(ValueError, match=r"Layer 'top' \(Dense\): inputs must have at least 2 axes.*\(4,\)"):
        layer(np.zeros(4))
    layer(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"inputs must have the size 4 on axis -1.*Received: inputs.shape=\(1, 5\)"):
        layer(np.zeros((1, 5)))


def test_unknown_activation():
    with pytest.raises(ValueError, match="Unknown activation.*relu.*Received: activation='rellu'"):
        layers.Dense(3, activation="rellu")
