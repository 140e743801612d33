"""Convolution kernels: by hand, by their formula, against the reference, and as adjoints of each other."""

import numpy as np
import pytest
from conv_problems import conv_problems, random_conv_problem
from helpers import assert_close, inner, normal, strided
from hypothesis import given, settings
from kernel_calls import run

from pycnn.backend import cpu, reference
from pycnn.backend.geometry import conv_geometry, conv_transpose_geometry

IMAGE = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
FILTER = np.array([[1.0, 0.0], [0.0, -1.0]]).reshape(2, 2, 1, 1)


def grid(*rows, dtype=np.float64):
    """Rows of numbers as one image of one channel."""
    return np.array(rows, dtype)[None, :, :, None]


def by_the_formula(x, w, geometry):
    """Forward convolution as ``protocol.py`` writes it, output by output."""
    y = np.zeros(geometry.output_shape(len(x)))
    (top, _), (left, _) = geometry.padding
    group_in, group_out = w.shape[2], w.shape[3] // geometry.groups
    for n, p, q, k in np.ndindex(y.shape):
        first = k // group_out * group_in
        for r, s in np.ndindex(*geometry.kernel_size):
            i = p * geometry.strides[0] - top + r * geometry.dilation[0]
            j = q * geometry.strides[1] - left + s * geometry.dilation[1]
            if 0 <= i < x.shape[1] and 0 <= j < x.shape[2]:
                y[n, p, q, k] += x[n, i, j, first : first + group_in] @ w[r, s, :, k]
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_three_passes_by_hand(backend, dtype):
    geometry = conv_geometry(IMAGE.shape, FILTER.shape)
    x, w, gy = IMAGE.astype(dtype), FILTER.astype(dtype), grid([1, 2], [3, 4], dtype=dtype)
    y = run(backend, "conv2d_forward", x, w, geometry)
    np.testing.assert_array_equal(y, grid([-4, -4], [-4, -4]))  # x[i, j] - x[i+1, j+1]
    gx = run(backend, "conv2d_input_grad", gy, w, geometry)
    np.testing.assert_array_equal(gx, grid([1, 2, 0], [3, 4 - 1, -2], [0, -3, -4]))
    gw = run(backend, "conv2d_filter_grad", x, gy, geometry)
    expected = [[1 + 4 + 12 + 20, 2 + 6 + 15 + 24], [4 + 10 + 21 + 32, 5 + 12 + 24 + 36]]
    np.testing.assert_array_equal(gw[:, :, 0, 0], expected)
    assert y.dtype == gx.dtype == gw.dtype == dtype


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [321, 432, 543]),
        ({"strides": 2}, [321, 543]),
        ({"strides": 4}, [321]),
        ({"padding": ((0, 0), (1, 0))}, [210, 321, 432, 543]),
        ({"padding": ((0, 0), (0, 2))}, [321, 432, 543, 54, 5]),
        ({"padding": ((0, 0), (4, 0))}, [0, 0, 100, 210, 321, 432, 543]),
        ({"strides": 2, "padding": ((0, 0), (1, 0))}, [210, 432]),
        ({"dilation": 2}, [531]),
        ({"dilation": 2, "padding": ((0, 0), (1, 1)), "strides": 2}, [420, 42]),
        ({"padding": "same"}, [210, 321, 432, 543, 54]),
        ({"padding": "full"}, [100, 210, 321, 432, 543, 54, 5]),
    ],
)
def test_one_row_by_hand(backend, options, expected):
    x, w = grid([1, 2, 3, 4, 5]), np.array([1.0, 10, 100]).reshape(1, 3, 1, 1)
    y = run(backend, "conv2d_forward", x, w, conv_geometry(x.shape, w.shape, **options))
    np.testing.assert_array_equal(y[0, 0, :, 0], expected)


def test_bias_and_activation_by_hand(backend):
    x, w, bias = grid([1, 2, 3]), np.array([1.0, -1.0]).reshape(1, 1, 1, 2), np.array([-2.0, 2.0])
    geometry = conv_geometry(x.shape, w.shape)
    linear = np.array([[-1.0, 1.0], [0.0, 0.0], [1.0, -1.0]])
    for activation, expected in [
        (None, linear),
        ("linear", linear),
        ("relu", [[0, 1], [0, 0], [1, 0]]),
        ("tanh", np.tanh(linear)),
        ("sigmoid", 1 / (1 + np.exp(-linear))),
    ]:
        y = run(backend, "conv2d_forward", x, w, geometry, bias=bias, activation=activation)
        assert_close(y[0, 0], expected, 1e-15)


def test_a_residual_comes_before_the_activation_by_hand(backend):
    x, w = grid([1, 2, 3]), np.array([1.0, -1.0]).reshape(1, 1, 1, 2)
    bias, residual = np.array([-2.0, 2.0]), np.array([[[[3.0, 0.5], [-1.0, 1.0], [0.0, 0.0]]]])
    y = run(backend, "conv2d_forward", x, w, conv_geometry(x.shape, w.shape), bias, residual, "relu")
    np.testing.assert_array_equal(y[0, 0], [[2.0, 1.5], [0.0, 1.0], [1.0, 0.0]])


@given(problem=conv_problems())
@settings(max_examples=60)
def test_forward_is_its_formula(backend, problem):
    x, w, _, _ = problem.arrays(np.float64)
    assert_close(run(backend, "conv2d_forward", x, w, problem.geometry), by_the_formula(x, w, problem.geometry), 1e-13)


@given(problem=conv_problems(max_channels=5))
def test_adjoint_identity(backend, problem):
    for dtype, tolerance in (("float64", 1e-13), ("float32", 2e-6)):
        x, w, _, v = problem.arrays(dtype)
        geometry = problem.geometry
        ax = run(backend, "conv2d_forward", x, w, geometry)
        atv = run(backend, "conv2d_input_grad", v, w, geometry)
        dw = run(backend, "conv2d_filter_grad", x, v, geometry)
        assert (ax.shape, atv.shape, dw.shape) == (v.shape, x.shape, w.shape)
        allowed = tolerance * np.linalg.norm(x) * np.linalg.norm(w) * np.linalg.norm(v)
        assert abs(inner(ax, v) - inner(x, atv)) <= allowed
        assert abs(inner(ax, v) - inner(w, dw)) <= allowed


@pytest.mark.parametrize("seed", range(1000, 1060))
def test_difficult_cases_in_float32_against_the_reference_in_float64(backend, seed):
    problem = random_conv_problem(seed)
    geometry = problem.geometry
    x, w, bias, gy = problem.arrays(np.float64, seed)
    narrow = [a.astype(np.float32) for a in (x, w, bias, gy)]
    if seed % 3 == 0:
        narrow = [strided(a) for a in narrow]
    x32, w32, bias32, gy32 = narrow
    if seed % 2:
        y = run(backend, "conv2d_forward", x32, w32, geometry, bias=bias32)
        assert_close(y, run(reference, "conv2d_forward", x, w, geometry, bias=bias))
    else:
        y = run(backend, "conv2d_forward", x32, w32, geometry, bias32, gy32, "relu")
        assert_close(y, run(reference, "conv2d_forward", x, w, geometry, bias, gy, "relu"))
    gx = run(backend, "conv2d_input_grad", gy32, w32, geometry)
    assert_close(gx, run(reference, "conv2d_input_grad", gy, w, geometry))
    gw = run(backend, "conv2d_filter_grad", x32, gy32, geometry)
    assert_close(gw, run(reference, "conv2d_filter_grad", x, gy, geometry))


@pytest.mark.parametrize("seed", range(1000, 1060))
def test_prepared_filters_give_the_same_bits(backend, seed):
    problem = random_conv_problem(seed)
    geometry = problem.geometry
    for dtype in ("float32", "float64"):
        x, w, bias, gy = problem.arrays(dtype, seed)
        for algorithm in ("auto", "winograd") if geometry.allows_winograd() else ("auto",):
            x, w, bias, gy = (backend.asarray(a) for a in (x, w, bias, gy))
            prepared = backend.conv2d_prepare(w, geometry, len(x), algorithm)
            expected = backend.conv2d_forward(x, w, geometry, bias, gy, "relu", algorithm)
            if prepared is not None:
                w = backend.xp.full_like(w, np.nan)  # is not read
            y = backend.conv2d_forward(x, w, geometry, bias, gy, "relu", algorithm, prepared)
            np.testing.assert_array_equal(backend.to_numpy(y), backend.to_numpy(expected))


LAYERS = {
    "lenet c1": ((8, 32, 32, 1), (5, 5, 1, 6), {}),
    "lenet c3": ((8, 14, 14, 6), (5, 5, 6, 16), {}),
    "lenet c5": ((8, 5, 5, 16), (5, 5, 16, 120), {}),
    "3x3": ((2, 28, 28, 64), (3, 3, 64, 64), {"padding": 1}),
    "3x3, many channels": ((1, 7, 7, 256), (3, 3, 256, 160), {"padding": 1}),
    "3x3 stride 2": ((1, 28, 28, 64), (3, 3, 64, 96), {"padding": 1, "strides": 2}),
    "5x5": ((1, 28, 28, 16), (5, 5, 16, 32), {"padding": 2}),
    "one column, padding above": ((2, 9, 7, 8), (3, 1, 8, 32), {"padding": ((1, 0), (0, 0))}),
    "1x1": ((1, 28, 28, 192), (1, 1, 192, 130), {}),
    "1x1 stride 2": ((1, 28, 28, 64), (1, 1, 64, 128), {"strides": 2}),
    "stem 7x7": ((1, 64, 64, 3), (7, 7, 3, 64), {"padding": 3, "strides": 2}),
    "dilated": ((1, 20, 20, 32), (3, 3, 32, 32), {"padding": 2, "dilation": 2}),
    "depthwise": ((1, 28, 28, 96), (3, 3, 1, 96), {"padding": 1, "groups": 96}),
    "multiplier": ((1, 14, 14, 40), (3, 3, 1, 80), {"padding": "same", "groups": 40, "strides": 2}),
    "32 groups of 8": ((1, 14, 14, 256), (3, 3, 8, 256), {"padding": 1, "groups": 32}),
    "groups across vectors": ((2, 9, 13, 36), (3, 3, 6, 30), {"padding": 1, "groups": 6}),
    "groups with more filters, stride 2": ((1, 15, 19, 24), (5, 5, 3, 72), {"padding": 2, "groups": 8, "strides": 2}),
    "groups with fewer filters, dilated": ((1, 12, 11, 40), (3, 3, 10, 12), {"padding": 2, "groups": 4, "dilation": 2}),
    "groups of one filter": ((2, 9, 11, 48), (3, 2, 16, 3), {"padding": ((2, 0), (0, 1)), "groups": 3}),
    "groups, padding beyond the image": ((2, 4, 3, 18), (3, 3, 9, 4), {"padding": 3, "groups": 2}),
    "7x7 depthwise": ((2, 7, 7, 40), (7, 7, 1, 40), {"padding": 3, "groups": 40}),
    "5x5 depthwise stride 2, odd channels": (
        (2, 18, 17, 23),
        (5, 5, 1, 23),
        {"padding": "same", "groups": 23, "strides": 2},
    ),
    "6x4 depthwise, one line": ((3, 6, 30, 16), (6, 4, 1, 16), {"groups": 16}),
    "depthwise, stride 3": ((2, 10, 11, 70), (3, 3, 1, 70), {"padding": 1, "groups": 70, "strides": 3}),
    "4 groups of 24": ((1, 14, 14, 96), (3, 3, 24, 96), {"padding": 1, "groups": 4}),
    "dense as a convolution": ((64, 1, 1, 400), (1, 1, 400, 120), {}),
    "few filters, many lines": ((2, 150, 100, 3), (5, 5, 3, 7), {"padding": 2, "strides": 2}),
    "few filters, dilated": ((2, 40, 31, 12), (3, 3, 12, 11), {"padding": "same", "dilation": 3}),
    "few filters, holes": ((2, 41, 50, 5), (2, 2, 5, 3), {"padding": ((1, 0), (0, 1)), "strides": (3, 4)}),
    "few filters, many channels": ((1, 20, 32, 40), (3, 3, 40, 2), {"padding": "same"}),
    "one filter, 1x1": ((3, 9, 7, 70), (1, 1, 70, 1), {}),
    "two filters, 1x1 stride 2": ((1, 13, 9, 66), (1, 1, 66, 2), {"strides": 2}),
    "seven filters of 97 channels": ((2, 9, 8, 97), (3, 3, 97, 7), {"padding": "same"}),
    "twelve filters, stride 2": ((1, 11, 13, 64), (3, 3, 64, 12), {"padding": 1, "strides": 2}),
    "five filters, dilated": ((1, 14, 9, 112), (3, 2, 112, 5), {"padding": "same", "dilation": (3, 2)}),
    "five filters, 3x5, uneven padding": (
        (2, 15, 20, 40),
        (3, 5, 40, 5),
        {"padding": ((2, 0), (1, 3)), "dilation": (2, 1)},
    ),
    "one filter, padding above": ((2, 17, 16, 20), (3, 2, 20, 1), {"padding": ((4, 1), (1, 0))}),
    "sixteen filters": ((2, 25, 24, 48), (3, 3, 48, 16), {"padding": 1}),
    "36 filters, dilated": ((1, 27, 22, 32), (3, 3, 32, 36), {"padding": "same", "dilation": 2}),
    "64 filters, dilated": ((2, 23, 11, 24), (3, 3, 24, 64), {"padding": 2, "dilation": 2}),
    "3 groups of 40, stride 2": ((1, 15, 13, 96), (3, 3, 32, 120), {"padding": 1, "groups": 3, "strides": 2}),
    "padding beyond the image": ((1, 3, 4, 16), (5, 5, 16, 20), {"padding": 6, "strides": (1, 3)}),
    "grey, many filters": ((2, 60, 60, 1), (3, 3, 1, 40), {}),
    "grey, 64 filters": ((2, 30, 30, 1), (3, 3, 1, 64), {"padding": "same"}),
    "grey, 120 filters, dilated": ((2, 30, 30, 1), (3, 3, 1, 120), {"padding": "same", "dilation": 3}),
    "wide row": ((1, 1, 3000, 4), (1, 9, 4, 5), {"padding": "same"}),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_layers_of_networks_in_float32_against_the_reference_in_float64(backend, layer):
    x_shape, w_shape, options = layer
    geometry = conv_geometry(x_shape, w_shape, **options)
    x, w, gy = normal(x_shape, "float32", 1), normal(w_shape, "float32", 2), None
    gy = normal(geometry.output_shape(x_shape[0]), "float32", 3)
    wide_x, wide_w, wide_gy = (a.astype(np.float64) for a in (x, w, gy))
    y = run(backend, "conv2d_forward", x, w, geometry)
    assert_close(y, run(reference, "conv2d_forward", wide_x, wide_w, geometry))
    gx = run(backend, "conv2d_input_grad", gy, w, geometry)
    assert_close(gx, run(reference, "conv2d_input_grad", wide_gy, wide_w, geometry))
    gw = run(backend, "conv2d_filter_grad", x, gy, geometry)
    assert_close(gw, run(reference, "conv2d_filter_grad", wide_x, wide_gy, geometry))


@pytest.mark.parametrize("filters", [1, 2, 7])
def test_few_filters_of_many_channels_and_what_follows(backend, filters):
    x, w = normal((2, 5, 7, 240), "float32"), normal((1, 1, 240, filters), "float32", 1) / 16
    geometry = conv_geometry(x.shape, w.shape)
    bias, residual = normal(filters, "float32", 2), normal((2, 5, 7, filters), "float32", 3)
    for terms in ((None, None), (bias, None), (None, residual), (bias, residual)):
        for activation in (None, "relu", "sigmoid"):
            y = run(backend, "conv2d_forward", x, w, geometry, *terms, activation)
            wide = [None if a is None else a.astype(np.float64) for a in (x, w, *terms)]
            assert_close(y, run(reference, "conv2d_forward", *wide[:2], geometry, *wide[2:], activation))


def test_groups_are_a_block_diagonal_filter(backend):
    x, w = normal((2, 6, 5, 6)), normal((3, 2, 2, 9), seed=1)
    dense = np.zeros((3, 2, 6, 9))
    for g in range(3):
        dense[:, :, 2 * g : 2 * g + 2, 3 * g : 3 * g + 3] = w[:, :, :, 3 * g : 3 * g + 3]
    grouped = run(backend, "conv2d_forward", x, w, conv_geometry(x.shape, w.shape, 1, 1, 1, 3))
    assert_close(grouped, run(backend, "conv2d_forward", x, dense, conv_geometry(x.shape, dense.shape, 1, 1)), 1e-14)


def test_dilation_is_a_filter_with_holes(backend):
    x, w = normal((2, 9, 9, 3)), normal((3, 2, 3, 4), seed=1)
    holes = np.zeros((5, 4, 3, 4))
    holes[::2, ::3] = w
    dilated = run(backend, "conv2d_forward", x, w, conv_geometry(x.shape, w.shape, 2, 1, (2, 3)))
    assert_close(dilated, run(backend, "conv2d_forward", x, holes, conv_geometry(x.shape, holes.shape, 2, 1)), 1e-14)


def test_one_by_one_is_a_matrix_product(backend):
    x, w = normal((3, 4, 5, 7)), normal((1, 1, 7, 11), seed=1)
    y = run(backend, "conv2d_forward", x, w, conv_geometry(x.shape, w.shape))
    assert_close(y, (x.reshape(-1, 7) @ w[0, 0]).reshape(3, 4, 5, 11), 1e-14)


def test_translation_moves_the_output(backend):
    x, w = np.zeros((1, 12, 12, 2)), normal((3, 3, 2, 3), seed=1)
    x[:, 2:6, 3:7] = normal((1, 4, 4, 2))
    geometry = conv_geometry(x.shape, w.shape)
    y = run(backend, "conv2d_forward", x, w, geometry)
    moved = run(backend, "conv2d_forward", np.roll(x, (3, 2), (1, 2)), w, geometry)
    np.testing.assert_array_equal(moved[:, 3:, 2:], y[:, :-3, :-2])


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_transposed_convolution_by_hand(backend, strides):
    gy, w = grid([1, 10]), np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    geometry = conv_transpose_geometry(gy.shape, w.shape, (1, strides))
    y = run(backend, "conv2d_input_grad", gy, w, geometry)
    expected = {1: [1, 12, 23, 30], 2: [1, 2, 13, 20, 30], 3: [1, 2, 3, 10, 20, 30]}
    np.testing.assert_array_equal(y[0, 0, :, 0], expected[strides])


def test_output_padding_beyond_the_stride_leaves_rows_that_nothing_reaches(backend):
    gy, w = grid([1, 10, 100]), np.ones((1, 2, 1, 1))
    geometry = conv_transpose_geometry(gy.shape, w.shape, 1, 0, (0, 1), (1, 2))
    assert geometry.output_size == (1, 3)
    np.testing.assert_array_equal(
        run(backend, "conv2d_input_grad", gy, w, geometry)[0, 0, :, 0], [1, 10, 101, 10, 100, 0]
    )
    x = grid([1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(run(backend, "conv2d_forward", x, w, geometry)[0, 0, :, 0], [4, 6, 8])
    np.testing.assert_array_equal(run(backend, "conv2d_filter_grad", x, gy, geometry)[0, :, 0, 0], [321, 543])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_too_large_for_the_caches_have_the_same_bits(dtype):
    """They are written past the caches; one image alone is not."""
    size, filters = (64, 64), 256 if dtype == "float32" else 128
    geometry = conv_geometry((5, *size, 2), (3, 3, 2, filters), padding=1)
    x, w, residual = (
        normal(s, dtype, i) for i, s in enumerate([(5, *size, 2), (3, 3, 2, filters), (5, *size, filters)])
    )
    bias, gy = normal((filters,), dtype, 3), residual
    assert residual.nbytes > 16 << 20 > residual[0].nbytes
    whole = cpu.conv2d_forward(x, w, geometry, bias, residual, "relu", "direct")
    wide = conv_geometry((5, *size, filters), (3, 3, filters, 2), padding=1)
    grad = cpu.conv2d_input_grad(x, w.transpose(0, 1, 3, 2), wide, "direct")
    product = cpu.matmul(gy.reshape(-1, filters), np.eye(filters, dtype=dtype))
    np.testing.assert_array_equal(product.reshape(gy.shape), gy)
    for i in range(5):
        one = slice(i, i + 1)
        alone = cpu.conv2d_forward(x[one], w, geometry, bias, residual[one], "relu", "direct")
        np.testing.assert_array_equal(whole[one], alone)
        alone = cpu.conv2d_input_grad(x[one], w.transpose(0, 1, 3, 2), wide, "direct")
        np.testing.assert_array_equal(grad[one], alone)
