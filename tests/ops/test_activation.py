import numpy as np
import pytest
from helpers import assert_close, normal, peer
from op_checks import assert_matches_torch, value_and_gradients

import pycnn
from pycnn import layers, ops
from pycnn.autograd import gradcheck
from pycnn.registration import custom_object_scope, register_serializable

X = normal((3, 7)) * 3
TORCH = {
    "relu": (ops.relu, lambda F: F.relu),
    "relu6": (ops.relu6, lambda F: F.relu6),
    "relu with slope": (lambda x: ops.relu(x, negative_slope=0.1), lambda F: lambda x: F.leaky_relu(x, 0.1)),
    "relu cut off": (lambda x: ops.relu(x, max_value=1.5), lambda F: lambda x: F.hardtanh(x, 0, 1.5)),
    "leaky_relu": (ops.leaky_relu, lambda F: lambda x: F.leaky_relu(x, 0.2)),
    "elu": (ops.elu, lambda F: F.elu),
    "elu with alpha": (lambda x: ops.elu(x, 0.3), lambda F: lambda x: F.elu(x, 0.3)),
    "selu": (ops.selu, lambda F: F.selu),
    "gelu": (lambda x: ops.gelu(x, approximate=False), lambda F: F.gelu),
    "gelu by tanh": (ops.gelu, lambda F: lambda x: F.gelu(x, approximate="tanh")),
    "silu": (ops.silu, lambda F: F.silu),
    "swish": (ops.swish, lambda F: F.silu),
    "sigmoid": (ops.sigmoid, lambda F: F.sigmoid),
    "tanh": (ops.tanh, lambda F: F.tanh),
    "softplus": (ops.softplus, lambda F: F.softplus),
    "softmax": (ops.softmax, lambda F: lambda x: F.softmax(x, -1)),
    "softmax along the first axis": (lambda x: ops.softmax(x, axis=0), lambda F: lambda x: F.softmax(x, 0)),
    "log_softmax": (ops.log_softmax, lambda F: lambda x: F.log_softmax(x, -1)),
    "log_softmax along the first axis": (lambda x: ops.log_softmax(x, 0), lambda F: lambda x: F.log_softmax(x, 0)),
}


@pytest.mark.parametrize("case", TORCH)
def test_activations_agree_with_torch(backend, case):
    function, twin = TORCH[case]
    functional = peer("torch").nn.functional
    assert_matches_torch(function, twin(functional), [X])


@pytest.mark.parametrize("case", TORCH)
def test_gradients(backend, case):
    gradcheck(TORCH[case][0], [X])


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 0.5},
        {"threshold": 0.5, "negative_slope": 0.1},
        {"threshold": -0.5, "negative_slope": 0.2, "max_value": 2.0},
        {"negative_slope": 0.1, "max_value": 1.0},
    ],
)
def test_relu_of_every_kind(backend, options):
    def by_hand(v, negative_slope=0.0, max_value=np.inf, threshold=0.0):
        if v >= max_value:
            return max_value
        return v if v >= threshold else negative_slope * (v - threshold)

    y, _ = value_and_gradients(lambda x: ops.relu(x, **options), [X])
    assert_close(y, np.vectorize(lambda v: by_hand(v, **options))(X))
    gradcheck(lambda x: ops.relu(x, **options), [X])


def test_relu_of_infinity_is_finite_below(backend):
    assert ops.relu([-np.inf, np.inf], max_value=6.0).tolist() == [0.0, 6.0]


def test_large_inputs_do_not_overflow(backend):
    x = np.array([-1000.0, 1000.0])
    assert ops.sigmoid(x).tolist() == [0.0, 1.0]
    assert ops.softplus(x).tolist() == [0.0, 1000.0]
    assert ops.softmax(x).tolist() == [0.0, 1.0]
    assert ops.log_softmax(x).tolist() == [-2000.0, 0.0]


def test_activation_by_name_and_callable(backend):
    assert_close(ops.activation(X, "tanh").numpy(), np.tanh(X))
    assert_close(ops.activation(X, lambda x: x * 2).numpy(), X * 2)
    assert_close(ops.activation(X, "linear").numpy(), X)
    assert_close(ops.activation(X, None).numpy(), X)


def test_own_activations_by_name(backend):
    @register_serializable()
    def cube_for_a_test(x):
        return x * x * x

    assert_close(ops.activation(X, "cube_for_a_test").numpy(), X**3)
    with custom_object_scope({"halved": lambda x: x / 2}):
        assert_close(ops.activation(X, "halved").numpy(), X / 2)


def test_unknown_activations(backend):
    with pytest.raises(ValueError, match=r"Did you mean .*relu.*Received: activation='relo'"):
        ops.activation(X, "relo")
    with pytest.raises(TypeError, match=r"activation must be a name, a callable or None. Received: activation=3"):
        ops.activation(X, 3)
    with pytest.raises(ValueError, match=r"max_value must not be negative. Received: max_value=-1"):
        ops.relu(X, max_value=-1)


def test_integers_float(backend):
    y = ops.relu(np.array([-1, 2]))
    assert y.dtype == np.float32
    assert y.tolist() == [0.0, 2.0]
    assert ops.softmax(pycnn.Tensor(np.array([1, 1]))).tolist() == [0.5, 0.5]


def test_lecun_tanh(backend):
    """1.7159 tanh(2x/3): through (1, 1), and steepest change of slope there."""
    assert_close(ops.lecun_tanh(X).numpy(), 1.7159 * np.tanh(2 * X / 3))
    assert gradcheck(ops.lecun_tanh, [X])
    assert ops.lecun_tanh(np.float32([1.0])).item() == pytest.approx(1, abs=1e-4)
    assert layers.Activation("lecun_tanh").get_config()["activation"] == "lecun_tanh"
