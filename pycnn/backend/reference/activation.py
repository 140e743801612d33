"""Elementwise functions and their derivatives, by name."""

import math

import numpy as np

from pycnn.backend.reference.result import deliver

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
_GELU_CUBIC = 0.044715

_erf = np.vectorize(math.erf, otypes=[np.float64])


def activation_forward(x, name, alpha=0.0, out=None):
    return deliver(_FORWARD[name](x, alpha), out, x.dtype)


def activation_grad(gy, x, y, name, alpha=0.0, out=None):
    return deliver(gy * _DERIVATIVE[name](x, y, alpha), out, gy.dtype)


def _sigmoid(x):
    z = np.exp(-np.abs(x))
    return np.where(x < 0, z, 1) / (1 + z)


def _elu(x, alpha):
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _elu_derivative(x, alpha):
    return np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def _normal_cdf(x):
    return (1 + _erf(x / math.sqrt(2))) / 2


def _normal_pdf(x):
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _gelu_gate(x):
    """What multiplies x in the tanh form of gelu: a sigmoid close to the normal distribution."""
    return _sigmoid(math.sqrt(8 / math.pi) * (x + _GELU_CUBIC * x**3))


def _gelu_tanh_derivative(x):
    gate = _gelu_gate(x)
    return gate + x * gate * (1 - gate) * math.sqrt(8 / math.pi) * (1 + 3 * _GELU_CUBIC * x * x)


_FORWARD = {
    "linear": lambda x, alpha: x,
    "relu": lambda x, alpha: np.maximum(x, 0),
    "relu6": lambda x, alpha: np.minimum(np.maximum(x, 0), 6),
    "sigmoid": lambda x, alpha: _sigmoid(x),
    "tanh": lambda x, alpha: np.tanh(x),
    "leaky_relu": lambda x, alpha: np.where(x < 0, alpha * x, x),
    "elu": _elu,
    "selu": lambda x, alpha: _SELU_SCALE * _elu(x, _SELU_ALPHA),
    "gelu": lambda x, alpha: x * _normal_cdf(x),
    "gelu_tanh": lambda x, alpha: x * _gelu_gate(x),
    "silu": lambda x, alpha: x * _sigmoid(x),
    "softplus": lambda x, alpha: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}

_DERIVATIVE = {
    "linear": lambda x, y, alpha: 1,
    "relu": lambda x, y, alpha: y > 0,
    "relu6": lambda x, y, alpha: (y > 0) & (y < 6),
    "sigmoid": lambda x, y, alpha: y * (1 - y),
    "tanh": lambda x, y, alpha: 1 - y * y,
    "leaky_relu": lambda x, y, alpha: np.where(x > 0, 1, alpha),
    "elu": lambda x, y, alpha: _elu_derivative(x, alpha),
    "selu": lambda x, y, alpha: _SELU_SCALE * _elu_derivative(x, _SELU_ALPHA),
    "gelu": lambda x, y, alpha: _normal_cdf(x) + x * _normal_pdf(x),
    "gelu_tanh": lambda x, y, alpha: _gelu_tanh_derivative(x),
    "silu": lambda x, y, alpha: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))),
    "softplus": lambda x, y, alpha: _sigmoid(x),
}
