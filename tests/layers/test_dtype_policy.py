"""Layers of mixed dtype policies: what they take, keep and give, and that it is what Keras's layers give."""

import ml_dtypes  # noqa: F401  which tells NumPy of bfloat16
import numpy as np
import pytest
from helpers import normal, peer
from keras_layers import CASES, RANDOM, identify, random_inputs, random_weights

import pycnn
from pycnn import config, dtype_policies, layers
from pycnn.autograd import autocast_dtype

# Keras with the torch backend reads weights in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")

HALVES = ["float16", "bfloat16"]
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
"""How far a number is from the next one, by the number's size."""


class Probe(layers.Layer):
    """Remembers the dtypes that it sees."""

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1],), name="kernel")

    def call(self, inputs):
        self.seen = (inputs.dtype, (self.kernel * 1).dtype, autocast_dtype())
        return inputs


@pytest.mark.parametrize("half", HALVES)
def test_dtypes_of_a_layer(half):
    layer = Probe(dtype=f"mixed_{half}")
    y = layer(np.ones((2, 3), "f4"))
    assert layer.compute_dtype == half
    assert layer.dtype == layer.variable_dtype == "float32"
    assert layer.dtype_policy == dtype_policies.DTypePolicy(f"mixed_{half}")
    assert y.dtype == half
    assert layer.kernel.dtype == "float32"
    assert layer.seen == (np.dtype(half),) * 3
    assert autocast_dtype() is None
    assert (layer.kernel * 1).dtype == "float32"
    assert layer(pycnn.Input((3,))).dtype == half


def test_the_policy_of_new_layers():
    config.set_dtype_policy("mixed_float16")
    assert config.dtype_policy().name == "mixed_float16"
    assert layers.Dense(2).compute_dtype == "float16"
    assert layers.Dense(2, dtype="float32").compute_dtype == "float32"
    assert layers.Dense(2, dtype=np.float64).compute_dtype == "float64"
    pycnn.mixed_precision.set_global_policy(dtype_policies.DTypePolicy("mixed_bfloat16"))
    assert layers.Dense(2).dtype_policy.name == pycnn.mixed_precision.global_policy().name == "mixed_bfloat16"
    config.set_dtype_policy(None)
    config.set_floatx("float64")
    assert layers.Dense(2).dtype_policy.name == "float64"


def test_layers_inside_of_layers():
    class Outer(layers.Layer):
        def __init__(self, inside, **kwargs):
            super().__init__(**kwargs)
            self.inside = Probe(dtype=inside)

        def call(self, inputs):
            y = self.inside(inputs)
            return y, self.inside(y), autocast_dtype()

    half = np.dtype("float16")
    for outside, inside, given in (("mixed_float16", "float32", "float32"), ("float32", "mixed_float16", "float16")):
        layer = Outer(inside, dtype=outside)
        first, second, scope = layer(np.ones((1, 2), "f4"))
        assert first.dtype == second.dtype == given
        assert layer.inside.seen == ((half,) * 3 if given == "float16" else (np.dtype("float32"),) * 2 + (None,))
        assert scope == (half if outside == "mixed_float16" else None)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("case", [c for c in [*CASES, *RANDOM] if c[0] != "Normalization"], ids=identify)
def test_outputs_are_keras_s(case, half):
    """Within 4 roundings of the largest output: those of Keras lie elsewhere inside a layer."""
    peer("torch")
    keras = peer("keras")
    name, arguments, shapes = case
    x = random_inputs(shapes)
    ours = getattr(layers, name)(**arguments, dtype=f"mixed_{half}")
    theirs = getattr(keras.layers, name)(**arguments, dtype=f"mixed_{half}")
    ours(x, training=False)
    theirs(x, training=False)
    weights = [w / 2 for w in random_weights(theirs.get_weights())]  # else some cells grow beyond float16
    ours.set_weights(weights)
    theirs.set_weights(weights)
    tensors = [pycnn.Tensor(a, requires_grad=True) for a in (x if isinstance(x, list) else [x])]
    y = ours(tensors if isinstance(x, list) else tensors[0], training=False)
    expected = theirs(x, training=False).detach()
    assert str(expected.dtype) == f"torch.{half}"
    assert y.dtype == half
    expected = expected.float().numpy()
    error = np.abs(y.numpy().astype("f4") - expected).max()
    assert error <= 4 * EPSILON[half] * np.abs(expected).max()
    if y.requires_grad:
        y.backward(pycnn.Tensor(normal(y.shape, np.float32)))
        assert all(w.grad is not None and w.grad.dtype == "float32" for w in ours.trainable_weights)
        assert all(t.grad is not None and t.grad.dtype == "float32" for t in tensors)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout", "AlphaDropout", "Dropout", "RandomContrast"])
def test_random_numbers_are_those_of_float32(name, half):
    x = np.random.default_rng(0).uniform(0.5, 1, (2, 4, 4, 3)).astype(half).astype("f4")
    rough, fine = (getattr(layers, name)(0.25, seed=3, dtype=dtype) for dtype in (f"mixed_{half}", "float32"))
    y, expected = rough(x, training=True), fine(x, training=True).numpy()
    assert y.dtype == half
    assert np.abs(y.numpy().astype("f4") - expected).max() <= 4 * EPSILON[half] * np.abs(expected).max()


def test_statistics_stay_float32():
    """Their moving averages are those of a layer of float32 for the same inputs, to the last bit."""
    x = (300 + normal((4, 3, 3, 2), np.float32)).astype("float16").astype("f4")
    rough, fine = layers.BatchNormalization(dtype="mixed_float16"), layers.BatchNormalization()
    y, expected = rough(x, training=True), fine(x, training=True)
    for ours, theirs in zip(rough.weights, fine.weights, strict=True):
        assert ours.dtype == "float32"
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    np.testing.assert_array_equal(y.numpy(), expected.numpy().astype("float16"))
    x = x * 200  # whose squares no float16 holds
    for layer in (layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization):
        y = layer(dtype="mixed_float16")(x)
        np.testing.assert_array_equal(y.numpy(), layer()(x.astype("float16").astype("f4")).numpy().astype("float16"))


def test_regularizers_see_what_is_not_rounded():
    layer = layers.Dense(
        1, kernel_initializer=pycnn.initializers.Constant(1 / 3), kernel_regularizer="l2", activity_regularizer="l2",
        dtype="mixed_float16",
    )  # fmt: skip
    layer(np.full((1, 3), 3e3, "f4"))
    activity, kernel = (loss.item() for loss in layer.losses)
    assert kernel == pytest.approx(3 * 0.01 * float(np.float32(1 / 3)) ** 2)
    assert activity == pytest.approx(0.01 * float(np.float16(np.float16(1 / 3) * np.float32(9e3))) ** 2)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float32"])
def test_configuration(dtype):
    layer = layers.Dense(3, dtype=dtype)
    assert layer.get_config()["dtype"] == dtype
    again = layers.Dense.from_config(layer.get_config())
    assert again.dtype_policy == layer.dtype_policy
    policy = dtype_policies.DTypePolicy(dtype)
    assert dtype_policies.deserialize(dtype_policies.serialize(policy)) == policy == dtype_policies.get(policy)
    assert dtype_policies.get({"class_name": "DTypePolicy", "config": {"name": dtype}}) == policy
    assert hash(policy) == hash(layer.dtype_policy)
    assert policy != dtype


def test_inputs_keep_their_dtype():
    config.set_dtype_policy("mixed_float16")
    x = pycnn.Input((3,), dtype="uint8")
    assert x.dtype == "uint8"
    assert x.node.layer.get_config()["dtype"] == "uint8"
    assert pycnn.Input((3,)).dtype == "float32"
    assert pycnn.Input((3,), dtype="bfloat16").dtype == "bfloat16"


@pytest.mark.parametrize("dtype", ["int8", "float16", "bfloat16", "mixed_float32", "mixed"])
def test_wrong_policies(dtype):
    with pytest.raises(ValueError, match=f"dtype must be 'float32' or 'float64', or .* Received: dtype='{dtype}'"):
        layers.Dense(2, dtype=dtype)
    with pytest.raises(ValueError, match="Received: dtype="):
        config.set_dtype_policy(dtype)


def test_without_ml_dtypes(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    with pytest.raises(ImportError, match=r"pip install 'pycnn\[bfloat16\]'"):
        config.set_dtype_policy("mixed_bfloat16")
    assert layers.Dense(2, dtype="mixed_float16").compute_dtype == "float16"


def test_wrong_types():
    with pytest.raises(TypeError, match="Received: name=3"):
        dtype_policies.DTypePolicy(3)
