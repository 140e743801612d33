"""Every layer that Keras has too: signature, weights, outputs, gradients and configuration equal Keras's."""

import inspect
import json

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from keras_layers import CASES, RANDOM, identify, random_inputs, random_weights

import pycnn
from pycnn import layers

# Keras with the torch backend reads weights in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")

TOLERANCE = 1e-5

ABSTRACT = {"Layer", "InputSpec", "Wrapper"}
"""Classes to be derived from, and what is no layer."""

DIFFERENT_SIGNATURES = {
    "BatchNormalization": "renorm, renorm_clipping, renorm_momentum, synchronized: neither exists in pycnn",
    "Dense": "lora_rank, lora_alpha, quantization_config: neither exists in pycnn",
    "Embedding": "lora_rank, lora_alpha, quantization_config: neither exists in pycnn",
    "InputLayer": "sparse, ragged: pycnn has only dense tensors",
    "AveragePooling2D": "pool_size has MaxPooling2D's default",
}
DIFFERENT_SIGNATURES["AvgPool2D"] = DIFFERENT_SIGNATURES["AveragePooling2D"]


@pytest.fixture(scope="module")
def keras():
    peer("torch")
    return peer("keras")


def common_layers(keras):
    return sorted(
        name
        for name in dir(keras.layers)
        if isinstance(getattr(keras.layers, name), type) and hasattr(layers, name) and name not in ABSTRACT
    )


def test_signatures(keras):
    """Keras's parameters come first, in Keras's order, with Keras's defaults."""

    def parameters(cls):
        return [
            (p.name, p.default)
            for p in inspect.signature(cls.__init__).parameters.values()
            if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]

    different = []
    for name in common_layers(keras):
        theirs, ours = parameters(getattr(keras.layers, name)), parameters(getattr(layers, name))
        if ours[: len(theirs)] != theirs:
            different.append(name)
    assert different == sorted(DIFFERENT_SIGNATURES)


def test_every_common_layer_is_tried(keras):
    aliases = {name for name in dir(layers) if getattr(getattr(layers, name), "__name__", name) != name}
    elsewhere = {"Input", "InputLayer", "Lambda", "Embedding", "TimeDistributed", "CategoryEncoding", "RandomCrop"}
    elsewhere |= {"RNN", "SimpleRNNCell", "LSTMCell", "GRUCell", "Bidirectional"}
    tried = {name for name, _, _ in [*CASES, *RANDOM]} | aliases | elsewhere
    assert set(common_layers(keras)) <= tried


def build_both(keras, case):
    name, arguments, shapes = case
    x = random_inputs(shapes)
    theirs, ours = getattr(keras.layers, name)(**arguments), getattr(layers, name)(**arguments)
    theirs(x, training=False) if theirs._call_has_training_arg else theirs(x)
    ours(x)
    weights = random_weights(theirs.get_weights())
    theirs.set_weights(weights)
    ours.set_weights(weights)
    return theirs, ours, x


def gradients_of_keras(keras, layer, x, training):
    import torch

    leaves = [torch.tensor(a, requires_grad=True) for a in (x if isinstance(x, list) else [x])]
    inputs = leaves if isinstance(x, list) else leaves[0]
    y = layer(inputs, training=training) if layer._call_has_training_arg else layer(inputs)
    if y.requires_grad:
        (y * torch.tensor(normal(y.shape, np.float32, seed=9))).sum().backward()
    weights = [w.value for w in layer.trainable_weights]
    gradients = [leaf.grad for leaf in [*leaves, *weights]]
    return y.detach().numpy(), [None if g is None else g.numpy() for g in gradients]


def gradients_of_pycnn(layer, x, training):
    leaves = [pycnn.Tensor(a, requires_grad=True) for a in (x if isinstance(x, list) else [x])]
    y = layer(leaves if isinstance(x, list) else leaves[0], training=training)
    if y.requires_grad:
        y.backward(normal(y.shape, np.float32, seed=9))
    return y.numpy(), [None if t.grad is None else t.grad.numpy() for t in [*leaves, *layer.trainable_weights]]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", CASES, ids=identify)
def test_outputs_and_gradients(backend, keras, case, training):
    theirs, ours, x = build_both(keras, case)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    expected, gradients = gradients_of_keras(keras, theirs, x, training)
    y, own = gradients_of_pycnn(ours, x, training)
    assert_close(y, expected, TOLERANCE)
    for i, (gradient, right) in enumerate(zip(own, gradients, strict=True)):
        assert (gradient is None) == (right is None), i
        if right is not None:
            assert_close(gradient, right, TOLERANCE)
    for weight, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):  # moving averages
        assert_close(weight, right, TOLERANCE)
    shapes = [(None, *a.shape[1:]) for a in x] if isinstance(x, list) else (None, *x.shape[1:])
    assert ours.compute_output_shape(shapes) == (None, *expected.shape[1:])


@pytest.mark.parametrize("case", CASES + RANDOM, ids=identify)
def test_configuration(keras, case):
    """It goes through JSON, makes an equal layer, and has Keras's names."""
    theirs, ours, x = build_both(keras, case)
    config = json.loads(json.dumps(ours.get_config()))
    twin = type(ours).from_config(config)
    assert json.loads(json.dumps(twin.get_config())) == config
    twin(x)
    twin.set_weights(ours.get_weights())
    np.testing.assert_array_equal(twin(x, training=False).numpy(), ours(x, training=False).numpy())
    own = {p for p in inspect.signature(type(ours).__init__).parameters}
    missing = {name for name in theirs.get_config() if name in own and name not in config}
    assert missing <= {"activity_regularizer", "kwargs"}


@pytest.mark.parametrize("case", RANDOM, ids=identify)
def test_random_layers_do_nothing_outside_training(backend, keras, case):
    theirs, ours, x = build_both(keras, case)
    np.testing.assert_array_equal(ours(x, training=False).numpy(), x)
    np.testing.assert_array_equal(theirs(x, training=False).numpy(), x)
    assert ours(x, training=True).shape == x.shape
    assert [w.name for w in ours.weights] == []
