"""Pooling kernels: by hand, place by place, and against PyTorch."""

from functools import cache

import numpy as np
import pytest
from helpers import assert_close, inner, peer, strided
from hypothesis import assume, given
from hypothesis import strategies as st
from kernel_calls import run

from pycnn.backend.geometry import pool_geometry

NAN, INF = np.nan, np.inf


def row(*values, dtype=np.float64):
    """One image of one row and one channel."""
    return np.array(values, dtype).reshape(1, 1, -1, 1)


def row_geometry(x, pool_size, stride=None, padding=(0, 0), ceil_mode=False):
    return pool_geometry(x.shape, (1, pool_size), (1, stride or pool_size), ((0, 0), padding), ceil_mode)


def data_of_window(x, geometry, p, q):
    """The part of the images under window (p, q), and the place in the window where it begins."""
    first = [i * s - before for i, s, (before, _) in zip((p, q), geometry.strides, geometry.padding, strict=True)]
    begin = [max(f, 0) for f in first]
    end = [min(f + w, size) for f, w, size in zip(first, geometry.pool_size, geometry.input_size, strict=True)]
    return x[:, begin[0] : end[0], begin[1] : end[1]], (begin[0] - first[0], begin[1] - first[1])


@st.composite
def pool_problems(draw, values):
    """A small pooling, and an image of ``values``."""
    window, strides = ((draw(st.integers(1, 4)), draw(st.integers(1, 4))) for _ in range(2))
    padding = tuple((draw(st.integers(0, f - 1)), draw(st.integers(0, f - 1))) for f in window)
    size = tuple(draw(st.integers(1, 6)) for _ in range(2))
    assume(all(f <= i + sum(p) for i, f, p in zip(size, window, padding, strict=True)))
    shape = (draw(st.integers(0, 2)), *size, draw(st.integers(1, 3)))
    flat = draw(st.lists(values, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    x = np.array(flat, np.float64).reshape(shape)
    return x, pool_geometry(shape, window, strides, padding, draw(st.booleans()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_largest_smallest_and_mean_by_hand(backend, dtype):
    x = np.array([[1, 2, 3, 4], [8, 7, 6, 5], [0, -1, -3, -2], [-1, 5, -3, -9]], dtype)[None, :, :, None]
    geometry = pool_geometry(x.shape, 2)
    largest, at = run(backend, "max_pool2d_forward", x, geometry)
    np.testing.assert_array_equal(largest[0, :, :, 0], [[8, 6], [5, -2]])
    np.testing.assert_array_equal(at[0, :, :, 0], [[2, 2], [3, 1]])
    smallest, at = run(backend, "min_pool2d_forward", x, geometry)
    np.testing.assert_array_equal(smallest[0, :, :, 0], [[1, 3], [-1, -9]])
    np.testing.assert_array_equal(at[0, :, :, 0], [[0, 0], [1, 3]])
    mean = run(backend, "avg_pool2d_forward", x, geometry)
    np.testing.assert_array_equal(mean[0, :, :, 0], [[4.5, 4.5], [0.75, -4.25]])
    assert largest.dtype == smallest.dtype == mean.dtype == dtype
    assert at.dtype == np.uint8


@pytest.mark.parametrize(
    ("values", "best", "place"),
    [
        ((3, 5, 5), 5, 1),  # the first of equals
        ((5, 5, 5), 5, 0),
        ((0.0, -0.0, -1), 0, 0),
        ((-INF, -INF, -INF), -INF, 0),  # a place that holds data, not the padding
        ((1, INF, INF), INF, 1),
        ((1, NAN, 9), NAN, 1),
        ((NAN, NAN, 9), NAN, 0),  # the first NaN
        ((9, INF, NAN), NAN, 2),
    ],
)
def test_ties_infinities_and_nan(backend, values, best, place):
    for member, sign in (("max_pool2d_forward", 1), ("min_pool2d_forward", -1)):
        for dtype in (np.float32, np.float64):
            for channels in (1, 8, 19):  # a vector of lanes, and what is left
                x = np.repeat(sign * row(*values, dtype=dtype), channels, axis=3)
                y, index = run(backend, member, x, row_geometry(x, 3))
                np.testing.assert_array_equal(y, np.full((1, 1, 1, channels), sign * best))
                np.testing.assert_array_equal(index, np.full((1, 1, 1, channels), place))
                y, _ = getattr(backend, member)(backend.asarray(x), row_geometry(x, 3), with_index=False)
                np.testing.assert_array_equal(backend.to_numpy(y), np.full((1, 1, 1, channels), sign * best))


@pytest.mark.parametrize("channels", [21, 85])
@pytest.mark.parametrize("size", [2, 3, 4, 8])
def test_not_a_number_in_any_lane_and_place(backend, size, channels):
    """Beside infinities, and for each window but one of the lanes of a vector."""
    x = np.zeros((1, size, size, channels), np.float32)
    x[0, 0, 0] = INF
    x[0, -1, -1] = -INF
    for channel in range(channels):
        x[0, channel % size, channel // size % size, channel] = NAN
    x[0, ..., 5] = np.arange(size * size).reshape(size, size)
    x[0, ..., 6] = 1  # of which the first counts
    y, index = run(backend, "max_pool2d_forward", x, pool_geometry(x.shape, size))
    flat = x.reshape(size * size, channels)
    np.testing.assert_array_equal(y.ravel(), flat.max(axis=0))
    np.testing.assert_array_equal(index.ravel(), flat.argmax(axis=0))


def test_padding_never_wins(backend):
    x = row(-3, -7, -INF)
    y, index = run(backend, "max_pool2d_forward", x, row_geometry(x, 3, 3, (2, 1)))
    np.testing.assert_array_equal(y.ravel(), [-3, -7])
    np.testing.assert_array_equal(index.ravel(), [2, 0])
    y, index = run(backend, "min_pool2d_forward", -x, row_geometry(x, 3, 3, (2, 1)))
    np.testing.assert_array_equal(y.ravel(), [3, 7])
    x = row(1, -INF)
    y, index = run(backend, "max_pool2d_forward", x, row_geometry(x, 2, 1, (0, 1)))
    np.testing.assert_array_equal(y.ravel(), [1, -INF])
    np.testing.assert_array_equal(index.ravel(), [0, 0])


@pytest.mark.parametrize(("window", "dtype"), [((15, 17), "uint8"), ((16, 16), "int32"), ((1, 256), "int32")])
def test_index_is_as_wide_as_the_window_needs(backend, window, dtype):
    x = np.zeros((1, *window, 2), np.float32)
    x[0, -1, -1, 1] = 1
    geometry = pool_geometry(x.shape, window)
    y, index = run(backend, "max_pool2d_forward", x, geometry)
    assert index.dtype == dtype
    np.testing.assert_array_equal(index.ravel(), [0, window[0] * window[1] - 1])
    np.testing.assert_array_equal(y.ravel(), [0, 1])
    gx = run(backend, "extreme_pool2d_input_grad", np.ones_like(y), index, geometry)
    assert gx[0, 0, 0, 0] == gx[0, -1, -1, 1] == 1
    assert gx.sum() == 2


def test_gradient_goes_to_the_winner_by_hand(backend):
    x = row(1, 3, 2)
    geometry = row_geometry(x, 2, 1)
    _, index = run(backend, "max_pool2d_forward", x, geometry)
    gx = run(backend, "extreme_pool2d_input_grad", row(10, 1), index, geometry)
    np.testing.assert_array_equal(gx.ravel(), [0, 11, 0])
    gx = run(backend, "avg_pool2d_input_grad", row(10, 1), geometry)
    np.testing.assert_array_equal(gx.ravel(), [5, 5.5, 0.5])


@pytest.mark.parametrize(
    ("pool", "stride", "padding", "ceil_mode", "expected", "with_padding"),
    [
        (2, 2, (0, 0), False, [1.5, 3.5], [1.5, 3.5]),
        (2, 2, (1, 0), False, [1, 2.5], [0.5, 2.5]),
        (3, 2, (0, 0), True, [2, 3.5], [2, 3.5]),  # the place beyond is never counted
        (3, 2, (1, 1), True, [1.5, 3, 4], [1, 3, 2]),  # asked for: counted; beyond: not
        (3, 2, (0, 2), False, [2, 3.5], [2, 7 / 3]),
        (1, 3, (0, 0), False, [1, 4], [1, 4]),  # stride > window
    ],
)
def test_divisors_of_the_mean_by_hand(backend, pool, stride, padding, ceil_mode, expected, with_padding):
    x = row(1, 2, 3, 4)
    geometry = row_geometry(x, pool, stride, padding, ceil_mode)
    assert_close(run(backend, "avg_pool2d_forward", x, geometry).ravel(), expected, 1e-15)
    assert_close(run(backend, "avg_pool2d_forward", x, geometry, count_include_pad=True).ravel(), with_padding, 1e-15)


@given(problem=pool_problems(st.sampled_from([-2.0, 0.0, 1.0, 3.0, NAN, INF, -INF])))
def test_extremes_place_by_place(backend, problem):
    x, geometry = problem
    largest, largest_at = run(backend, "max_pool2d_forward", x, geometry)
    smallest, smallest_at = run(backend, "min_pool2d_forward", x, geometry)
    for p, q in np.ndindex(*geometry.output_size):
        data, (above, left) = data_of_window(x, geometry, p, q)
        flat = data.reshape(len(x), data.shape[1] * data.shape[2], x.shape[3])
        np.testing.assert_array_equal(largest[:, p, q], flat.max(axis=1))
        np.testing.assert_array_equal(smallest[:, p, q], flat.min(axis=1))
        for at, first in ((largest_at, flat.argmax(axis=1)), (smallest_at, flat.argmin(axis=1))):
            r, s = np.divmod(first, data.shape[2])  # NumPy too takes the first, and a NaN before all numbers
            np.testing.assert_array_equal(at[:, p, q], (above + r) * geometry.pool_size[1] + left + s)


@given(problem=pool_problems(st.integers(-9, 9)))
def test_gradients_of_pooling_are_adjoints(backend, problem):
    x, geometry = problem
    gy = np.cos(np.arange(x.shape[0] * np.prod(geometry.output_size) * x.shape[3]))
    gy = gy.reshape(geometry.output_shape(x.shape[0], x.shape[3]))
    for member in ("max_pool2d_forward", "min_pool2d_forward"):
        y, index = run(backend, member, x, geometry)
        gx = run(backend, "extreme_pool2d_input_grad", gy, index, geometry)
        assert gx.shape == x.shape
        assert inner(gx, x) == pytest.approx(inner(gy, y), rel=1e-12, abs=1e-10)
        assert gx.sum() == pytest.approx(gy.sum(), rel=1e-12, abs=1e-12)
    for include in (False, True):
        y = run(backend, "avg_pool2d_forward", x, geometry, count_include_pad=include)
        gx = run(backend, "avg_pool2d_input_grad", gy, geometry, count_include_pad=include)
        assert gx.shape == x.shape
        assert inner(gx, x) == pytest.approx(inner(gy, y), rel=1e-12, abs=1e-10)


def random_pool_problem(seed):
    """Shape, geometry and ceil mode of a random pooling; padding as PyTorch takes it if ``seed`` is even."""
    rng = np.random.default_rng(seed)
    window, strides = (tuple(int(v) for v in rng.choice([1, 2, 2, 3, 3, 4, 5], 2)) for _ in range(2))
    if seed % 2:
        padding = tuple(tuple(int(v) for v in rng.integers(0, f, 2)) for f in window)
    else:
        padding = tuple((int(p), int(p)) for p in (rng.integers(0, f // 2 + 1) for f in window))
    more = 0 if rng.random() < 0.15 else 8
    size = tuple(max(f - sum(p), 1) + int(rng.integers(0, more + 1)) for f, p in zip(window, padding, strict=True))
    shape = (int(rng.choice([0, 1, 1, 2, 3])), *size, int(rng.choice([1, 3, 5, 17, 64])))
    ceil_mode = bool(rng.integers(2))
    return shape, pool_geometry(shape, window, strides, padding, ceil_mode), ceil_mode


@cache
def pytorch_pool(seed, dtype):
    """Values and gradients of largest, smallest, mean and mean with padding, as PyTorch computes them."""
    torch = peer("torch")
    F = torch.nn.functional
    shape, geometry, ceil_mode = random_pool_problem(seed)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(dtype)
    gy = rng.standard_normal(geometry.output_shape(shape[0], shape[3])).astype(dtype)
    tx = torch.tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), requires_grad=True)
    tgy = torch.tensor(np.ascontiguousarray(gy.transpose(0, 3, 1, 2)))
    window, strides = geometry.pool_size, geometry.strides
    (top, bottom), (left, right) = geometry.padding
    if seed % 2 == 0:
        arguments = (window, strides, (top, left))
        results = [
            F.max_pool2d(tx, *arguments, ceil_mode=ceil_mode),
            -F.max_pool2d(-tx, *arguments, ceil_mode=ceil_mode),
            F.avg_pool2d(tx, *arguments, ceil_mode, False),
            F.avg_pool2d(tx, *arguments, ceil_mode, True),
        ]
    else:  # put padding and what ceil mode reaches around the image, and count with an image of ones
        down, across = (
            (count - 1) * s + f - size - before
            for count, s, f, size, before in zip(
                geometry.output_size, strides, window, geometry.input_size, (top, left), strict=True
            )
        )

        def surround(image, value):
            return F.pad(image, (left, across, top, down), value=value)

        def mean(include):
            ones = F.pad(torch.ones_like(tx), (left, right, top, bottom), value=float(include))
            counts = F.pad(ones, (0, across - right, 0, down - bottom))
            return F.avg_pool2d(surround(tx, 0.0), window, strides) / F.avg_pool2d(counts, window, strides)

        results = [
            F.max_pool2d(surround(tx, -INF), window, strides),
            -F.max_pool2d(surround(-tx, -INF), window, strides),
            mean(False),
            mean(True),
        ]
    gradients = [torch.autograd.grad(y, tx, tgy)[0] for y in results]
    return x, gy, [[t.detach().numpy().transpose(0, 2, 3, 1) for t in both] for both in (results, gradients)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(200))
def test_values_and_gradients_agree_with_pytorch(backend, seed, dtype):
    x, gy, (values, gradients) = pytorch_pool(seed, dtype)
    _, geometry, _ = random_pool_problem(seed)
    if seed % 5 == 0:
        x, gy = strided(x), strided(gy)
    for member, value, gradient in zip(("max_pool2d_forward", "min_pool2d_forward"), values, gradients, strict=False):
        y, index = run(backend, member, x, geometry)
        np.testing.assert_array_equal(y, value)
        assert_close(run(backend, "extreme_pool2d_input_grad", gy, index, geometry), gradient)
        y, index = getattr(backend, member)(backend.asarray(x), geometry, with_index=False)
        np.testing.assert_array_equal(backend.to_numpy(y), value)
        assert index is None
    for include, value, gradient in zip((False, True), values[2:], gradients[2:], strict=True):
        assert_close(run(backend, "avg_pool2d_forward", x, geometry, count_include_pad=include), value)
        assert_close(run(backend, "avg_pool2d_input_grad", gy, geometry, count_include_pad=include), gradient)


def test_the_random_cases_hold_every_difficulty():
    problems = [random_pool_problem(seed) for seed in range(200)]
    for name, is_there in {
        "batch 0": lambda shape, g, _: shape[0] == 0,
        "one-pixel output": lambda shape, g, _: g.output_size == (1, 1),
        "stride > window": lambda shape, g, _: g.strides[0] > g.pool_size[0],
        "asymmetric padding": lambda shape, g, _: g.padding[0][0] != g.padding[0][1],
        "overlap": lambda shape, g, _: g.strides[0] < g.pool_size[0],
        "ceil mode reaching beyond": lambda shape, g, _: (
            (g.output_size[0] - 1) * g.strides[0] + g.pool_size[0] > g.input_size[0] + sum(g.padding[0])
        ),
    }.items():
        assert sum(is_there(*p) for p in problems) >= 5, f"too few cases of: {name}"
