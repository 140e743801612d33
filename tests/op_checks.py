"""Run an operation and its twin in PyTorch on the same arrays, and compare values and all gradients."""

import numpy as np
from helpers import assert_close, normal, peer

import pycnn


def value_and_gradients(function, arrays, weights=None):
    """Value of ``function`` (a Tensor) and the gradients of its floating inputs, for fixed weights of the output."""
    leaves = [pycnn.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    y = function(*leaves)
    y.backward(normal(y.shape, y.dtype, seed=99) if weights is None else weights)
    return y.numpy(), [leaf.grad.numpy() for leaf in leaves if leaf.requires_grad]


def assert_matches_torch(function, torch_function, arrays, dtypes=(np.float64, np.float32), tolerance=None):
    """``torch_function`` takes and returns torch tensors."""
    torch = peer("torch")
    for dtype in dtypes:
        cast = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        y, gradients = value_and_gradients(function, cast)
        assert y.dtype == dtype
        leaves = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in cast]
        expected = torch_function(*leaves)
        assert_close(y, expected.detach().numpy(), tolerance)
        expected.backward(torch.tensor(normal(y.shape, dtype, seed=99)))
        floats = [leaf for leaf in leaves if leaf.requires_grad]
        for gradient, leaf in zip(gradients, floats, strict=True):
            assert gradient.dtype == dtype
            assert_close(gradient, leaf.grad.numpy(), tolerance)
