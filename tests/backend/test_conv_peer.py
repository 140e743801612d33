"""Convolution, its gradients and its transpose agree with PyTorch on random difficult cases."""

import warnings
from contextlib import contextmanager
from functools import cache

import numpy as np
import pytest
from conv_problems import random_conv_problem
from helpers import assert_close, peer, strided
from kernel_calls import run

from pycnn.backend.geometry import conv_transpose_geometry

ACTIVATIONS = (None, "relu", "sigmoid", "tanh")


@contextmanager
def own_kernels_of_pytorch(torch):
    """Without oneDNN, whose float32 convolution gives garbage in some of these cases (seed 19 in PyTorch 2.13)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about TF32 on GPUs that are not there
        with torch.backends.mkldnn.flags(enabled=False):
            yield


def channels_first(torch, x, requires_grad=False):
    return torch.tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), requires_grad=requires_grad)


def channels_last(tensor):
    return tensor.detach().numpy().transpose(0, 2, 3, 1)


def out_first(torch, w, requires_grad=False):
    return torch.tensor(np.ascontiguousarray(w.transpose(3, 2, 0, 1)), requires_grad=requires_grad)


@cache
def pytorch_conv(seed, dtype):
    """Output, after bias and activation, and the gradients of x and w, as PyTorch computes them."""
    torch = peer("torch")
    problem, activation = random_conv_problem(seed), ACTIVATIONS[seed % 4]
    x, w, bias, gy = problem.arrays(dtype, seed)
    tx, tw = channels_first(torch, x, True), out_first(torch, w, True)
    (top, bottom), (left, right) = problem.padding
    with own_kernels_of_pytorch(torch):
        linear = torch.nn.functional.conv2d(
            torch.nn.functional.pad(tx, (left, right, top, bottom)),
            tw,
            stride=problem.strides,
            dilation=problem.dilation,
            groups=problem.groups,
        )
        linear.backward(channels_first(torch, gy))
    biased = linear + torch.tensor(bias)[:, None, None]
    y = getattr(torch, activation)(biased) if activation else biased
    return channels_last(y), channels_last(tx.grad), tw.grad.numpy().transpose(2, 3, 1, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(400))
def test_conv2d_values_and_gradients(backend, seed, dtype):
    y, gx, gw = pytorch_conv(seed, dtype)
    problem, geometry = random_conv_problem(seed), random_conv_problem(seed).geometry
    arrays = problem.arrays(dtype, seed)
    x, w, bias, gy = map(strided, arrays) if seed % 5 == 0 else arrays
    assert_close(run(backend, "conv2d_forward", x, w, geometry, bias=bias, activation=ACTIVATIONS[seed % 4]), y)
    assert_close(run(backend, "conv2d_input_grad", gy, w, geometry), gx)
    assert_close(run(backend, "conv2d_filter_grad", x, gy, geometry), gw)


def test_the_random_cases_hold_every_difficulty():
    problems = [random_conv_problem(seed) for seed in range(400)]
    for name, is_there in {
        "batch 0": lambda p: p.batch == 0,
        "batch 1": lambda p: p.batch == 1,
        "one-pixel output": lambda p: p.geometry.output_size == (1, 1),
        "stride > kernel": lambda p: p.strides[0] > p.kernel[0] and p.strides[1] > p.kernel[1],
        "even kernel": lambda p: p.kernel[0] % 2 == 0,
        "dilation with stride": lambda p: max(p.dilation) > 1 and max(p.strides) > 1,
        "dilation with stride and groups": lambda p: max(p.dilation) > 1 and max(p.strides) > 1 and p.groups > 1,
        "asymmetric padding": lambda p: p.padding[0][0] != p.padding[0][1] and p.padding[1][0] != p.padding[1][1],
        "padding beyond the window": lambda p: p.padding[0][0] > p.dilation[0] * (p.kernel[0] - 1),
        "2 groups": lambda p: p.groups == 2 and p.group_in > 1,
        "depthwise": lambda p: p.groups > 2 and p.group_in == 1 and p.group_out == 1,
        "depthwise with multiplier": lambda p: p.groups > 2 and p.group_in == 1 and p.group_out > 1,
        "1x1": lambda p: p.kernel == (1, 1),
        **{f"{c} channels": lambda p, c=c: p.x_shape[3] == c for c in (1, 3, 5, 17, 64)},
    }.items():
        assert sum(map(is_there, problems)) >= 3, f"too few cases of: {name}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(60))
def test_transposed_convolution(backend, seed, dtype):
    torch = peer("torch")
    rng = np.random.default_rng(seed)
    groups, group_in, group_out = (int(v) for v in rng.integers(1, 5, 3))
    kernel, strides, dilation, size = (tuple(int(v) for v in rng.integers(1, 5, 2)) for _ in range(4))
    padding = tuple(int(rng.integers(0, d * (f - 1) // 2 + 1)) for f, d in zip(kernel, dilation, strict=True))
    extra = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(strides, dilation, strict=True))
    x = rng.standard_normal((2, *size, groups * group_in)).astype(dtype)
    w = rng.standard_normal((*kernel, group_out, groups * group_in)).astype(dtype)
    tx = channels_first(torch, x, True)
    tw = torch.tensor(np.ascontiguousarray(w.transpose(3, 2, 0, 1)), requires_grad=True)
    with own_kernels_of_pytorch(torch):
        ty = torch.nn.functional.conv_transpose2d(
            tx, tw, None, strides, padding, extra, groups=groups, dilation=dilation
        )
        gy = rng.standard_normal(channels_last(ty).shape).astype(dtype)
        ty.backward(channels_first(torch, gy))
    geometry = conv_transpose_geometry(x.shape, w.shape, strides, padding, extra, dilation, groups)
    assert_close(run(backend, "conv2d_input_grad", x, w, geometry), channels_last(ty))
    assert_close(run(backend, "conv2d_forward", gy, w, geometry), channels_last(tx.grad))
    assert_close(run(backend, "conv2d_filter_grad", gy, x, geometry), tw.grad.numpy().transpose(2, 3, 1, 0))
