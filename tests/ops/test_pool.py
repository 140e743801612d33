import numpy as np
import pytest
from helpers import assert_close, normal, peer, strided
from op_checks import assert_matches_torch

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

X = normal((2, 7, 6, 3))
CASES = [
    {"pool_size": 2},
    {"pool_size": 3, "strides": 2},
    {"pool_size": 3, "strides": 2, "padding": 1},
    {"pool_size": (2, 3), "strides": (3, 1), "padding": (1, 1)},
    {"pool_size": 3, "strides": 2, "ceil_mode": True},
    {"pool_size": 3, "strides": 2, "padding": 1, "ceil_mode": True},
]


def torch_pool(function, pool_size, strides=None, padding=0, ceil_mode=False, **options):
    return lambda x: function(
        x.permute(0, 3, 1, 2), pool_size, strides, padding, ceil_mode=ceil_mode, **options
    ).permute(0, 2, 3, 1)


@pytest.mark.parametrize("case", CASES)
def test_pooling_agrees_with_torch(backend, case):
    functional = peer("torch").nn.functional
    largest = torch_pool(functional.max_pool2d, **case)
    assert_matches_torch(lambda x: ops.max_pool2d(x, **case), largest, [X])
    assert_matches_torch(lambda x: ops.min_pool2d(x, **case), lambda x: -largest(-x), [X])
    for count in (False, True):
        assert_matches_torch(
            lambda x, count=count: ops.avg_pool2d(x, **case, count_include_pad=count),
            torch_pool(functional.avg_pool2d, **case, count_include_pad=count),
            [X],
        )


@pytest.mark.parametrize("function", [ops.max_pool2d, ops.min_pool2d, ops.avg_pool2d])
def test_gradients_with_same_padding(backend, function):
    gradcheck(lambda x: function(x, 3, 2, "same"), [X])


def test_mean_of_the_data_alone_at_the_edge(backend):
    y = ops.avg_pool2d(np.ones((1, 2, 2, 1)), 2, 1, 1)
    assert_close(y.numpy(), np.ones((1, 3, 3, 1)))


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling(backend, keepdims):
    for function, name in (
        (ops.global_max_pool2d, "max"),
        (ops.global_min_pool2d, "min"),
        (ops.global_avg_pool2d, "mean"),
    ):
        assert_close(function(X, keepdims=keepdims).numpy(), getattr(X, name)(axis=(1, 2), keepdims=keepdims))
        gradcheck(lambda x, function=function: function(x, keepdims=keepdims), [X])


def test_strided_input_and_empty_batch(backend):
    assert_close(ops.max_pool2d(strided(X), 2).numpy(), ops.max_pool2d(X, 2).numpy())
    x = pycnn.Tensor(X[:0], requires_grad=True)
    ops.max_pool2d(x, 2).sum().backward()
    assert x.grad.shape == (0, 7, 6, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.max_pool2d(X[0], 2), r"x must have 4 axes .* Received: x.shape=\(7, 6, 3\)"),
        (lambda: ops.avg_pool2d(X, 8), "pooling window does not fit the input"),
        (lambda: ops.min_pool2d(X, 2, padding=2), "padding must be smaller than pool_size"),
        (lambda: ops.max_pool2d(X, 0), r"pool_size must be an integer >= 1 .* Received: pool_size=0"),
        (lambda: ops.global_avg_pool2d(X[0]), r"x must have 4 axes"),
    ],
)
def test_errors_name_the_argument(backend, call, message):
    with pytest.raises(ValueError, match=message):
        call()
