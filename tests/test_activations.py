"""Activations by name give Keras's values; all that Keras has are here, with its arguments."""

import inspect

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import activations, ops

X = normal((3, 4))


def test_every_activation_of_keras_is_here(backend):
    keras, torch = peer("keras"), peer("torch")
    names = {n for n in dir(keras.activations) if n[0] != "_"} - {"get", "serialize", "deserialize"}
    assert names <= set(activations.__all__)
    for name in names:
        mine, theirs = getattr(activations, name), getattr(keras.activations, name)
        assert str(inspect.signature(mine)) == str(inspect.signature(theirs)), name
        arguments = (0.1, 0.5) if name == "threshold" else ()
        if name == "sparsemax":  # Keras's does not sum to 1: see pycnn.ops.sparsemax
            continue
        assert_close(mine(X, *arguments).numpy(), theirs(torch.tensor(X), *arguments).numpy(), 1e-6)
        if name != "threshold":
            assert_close(activations.get(name)(X).numpy(), keras.activations.get(name)(torch.tensor(X)).numpy(), 1e-6)


@pytest.mark.parametrize("name", ["relu", "gelu", "hard_swish", "mish", "sparsemax"])
def test_names_and_functions(name):
    function = activations.get(name)
    assert activations.get(function) is function
    assert activations.deserialize(activations.serialize(function)) is function
    assert activations.get(None) is activations.linear


def test_functions_of_ones_own():
    @pycnn.utils.register_serializable("test_activations")
    def twice(x):
        return 2 * x

    assert activations.deserialize(activations.serialize(twice)) is twice
    assert activations.get(activations.serialize(twice)) is twice
    assert activations.deserialize("mine", {"mine": len}) is len
    with pytest.raises(ValueError, match="Did you mean relu.* Received: activation='rellu'"):
        activations.get("rellu")
    with pytest.raises(AttributeError, match="pycnn.activations has no 'rellu'. Did you mean relu"):
        _ = activations.rellu


def test_the_activation_gelu_is_exact_and_the_operation_is_not(backend):
    exact = activations.gelu(X).numpy()
    np.testing.assert_array_equal(ops.gelu(X, approximate=False).numpy(), exact)
    assert not np.array_equal(ops.gelu(X).numpy(), exact)
