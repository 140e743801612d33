"""Resizing and affine sampling: by hand, as adjoints, against PyTorch."""

import math

import numpy as np
import pytest
from helpers import assert_close, inner, normal, peer
from hypothesis import given
from hypothesis import strategies as st
from kernel_calls import run

IDENTITY = (1, 0, 0, 0, 1, 0)


def row(*values):
    """One image of one row and one channel."""
    return np.array(values, np.float64).reshape(1, 1, -1, 1)


@pytest.mark.parametrize(
    ("method", "values", "count", "expected"),
    [
        ("nearest", (1, 2), 4, [1, 1, 2, 2]),
        ("nearest", (1, 2, 3, 4), 2, [2, 4]),  # places 1 and 3: floor(2 i + 1)
        ("nearest", (1, 2, 3), 2, [1, 3]),  # floor(0.75), floor(2.25)
        ("nearest", (1, 2), 3, [1, 2, 2]),  # floor(1/3), floor(1), floor(5/3)
        ("nearest", (1, 2, 3), 3, [1, 2, 3]),
        ("nearest", (7,), 3, [7, 7, 7]),
        ("bilinear", (0, 4), 4, [0, 1, 3, 4]),  # places -1/4, 1/4, 3/4, 5/4
        ("bilinear", (1, 2, 3, 4), 2, [1.5, 3.5]),
        ("bilinear", (0, 4, 8), 2, [1, 7]),  # places 1/4 and 7/4
        ("bilinear", (3, 6, 9), 1, [6]),
        ("bilinear", (1, 2, 3), 3, [1, 2, 3]),
        ("bilinear", (7,), 3, [7, 7, 7]),
    ],
)
def test_resize_by_hand(backend, method, values, count, expected):
    for dtype in ("float32", "float64"):
        x = row(*values).astype(dtype)
        y = run(backend, "resize2d_forward", x, (1, count), method)
        np.testing.assert_allclose(y[0, 0, :, 0], expected, rtol=1e-6)
        assert y.dtype == dtype
        y = run(backend, "resize2d_forward", np.repeat(x.transpose(0, 2, 1, 3), 5, axis=3), (count, 1), method)
        np.testing.assert_allclose(y[0, :, 0], np.repeat(np.array(expected)[:, None], 5, axis=1), rtol=1e-6)


@given(
    st.tuples(st.integers(0, 2), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from(["nearest", "bilinear"]),
)
def test_resize_and_its_gradient_are_adjoints(backend, shape, size, method):
    x = normal(shape)
    gy = normal((shape[0], *size, shape[3]), seed=1)
    y = run(backend, "resize2d_forward", x, size, method)
    gx = run(backend, "resize2d_input_grad", gy, shape[1:3], method)
    assert (y.shape, gx.shape) == (gy.shape, x.shape)
    assert inner(y, gy) == pytest.approx(inner(x, gx), rel=1e-11, abs=1e-11)
    ones = run(backend, "resize2d_forward", np.ones(shape), size, method)
    np.testing.assert_allclose(ones, 1, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(28, 28), (7, 3), (16, 16), (8, 11), (1, 1), (24, 5)])
def test_resize_as_pytorch(backend, size, dtype):
    torch = peer("torch")
    x, gy = normal((2, 8, 9, 5), dtype), normal((2, *size, 5), dtype, 1)
    for method, mode in (("bilinear", "bilinear"), ("nearest", "nearest-exact")):
        tx = torch.tensor(x, requires_grad=True)
        options = {"align_corners": False} if method == "bilinear" else {}
        ty = torch.nn.functional.interpolate(tx.permute(0, 3, 1, 2), size, mode=mode, **options).permute(0, 2, 3, 1)
        ty.backward(torch.tensor(gy))
        assert_close(run(backend, "resize2d_forward", x, size, method), ty.detach().numpy())
        assert_close(run(backend, "resize2d_input_grad", gy, (8, 9), method), tx.grad.numpy())


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize(
    ("shift", "fill_mode", "expected"),
    [
        (-1, "constant", [9, 1, 2]),
        (-1, "nearest", [1, 1, 2]),
        (-1, "reflect", [1, 1, 2]),
        (-1, "wrap", [3, 1, 2]),
        (2, "constant", [3, 9, 9]),
        (2, "nearest", [3, 3, 3]),
        (2, "reflect", [3, 3, 2]),
        (2, "wrap", [3, 1, 2]),
        (-8, "reflect", [2, 1, 1]),  # places -8, -7, -6 are 4, 5, 0 of the period 1 2 3 3 2 1
        (-8, "wrap", [2, 3, 1]),
        (11, "reflect", [1, 1, 2]),  # places 5, 0, 1 of the period
        (11, "wrap", [3, 1, 2]),
    ],
)
def test_affine_shift_by_hand(backend, interpolation, shift, fill_mode, expected):
    x = row(1, 2, 3)
    y = run(backend, "affine2d_forward", x, np.array([[1, 0, shift, 0, 1, 0.0]]), interpolation, fill_mode, 9.0)
    np.testing.assert_array_equal(y[0, 0, :, 0], expected)
    x = x.transpose(0, 2, 1, 3)
    y = run(backend, "affine2d_forward", x, np.array([[1, 0, 0, 0, 1.0, shift]]), interpolation, fill_mode, 9.0)
    np.testing.assert_array_equal(y[0, :, 0, 0], expected)


def test_affine_between_pixels_by_hand(backend):
    x, half = row(2, 4, 8), np.array([[1, 0, 0.5, 0, 1, 0]])
    for fill_mode, last in (("constant", 4 + 3), ("nearest", 8), ("reflect", 8), ("wrap", 5)):
        y = run(backend, "affine2d_forward", x, half, "bilinear", fill_mode, 6.0)
        np.testing.assert_array_equal(y[0, 0, :, 0], [3, 6, last])
    y = run(backend, "affine2d_forward", x, half, "nearest", "constant", 6.0)
    np.testing.assert_array_equal(y[0, 0, :, 0], [4, 8, 6])  # halves up
    y = run(backend, "affine2d_forward", x, half - [[0, 0, 1, 0, 0, 0]], "nearest", "constant", 6.0)
    np.testing.assert_array_equal(y[0, 0, :, 0], [2, 4, 8])


def test_affine_maps_that_permute_pixels(backend):
    x = normal((4, 5, 5, 3))
    maps = {
        "identity": (IDENTITY, lambda image: image),
        "left to right": ((-1, 0, 4, 0, 1, 0), lambda image: image[:, ::-1]),
        "transposed": ((0, 1, 0, 1, 0, 0), lambda image: image.transpose(1, 0, 2)),
        "turned": ((0, -1, 4, 1, 0, 0), np.rot90),
    }
    matrices = np.array([matrix for matrix, _ in maps.values()], np.float64)
    for interpolation in ("bilinear", "nearest"):
        y = run(backend, "affine2d_forward", x, matrices, interpolation)
        for image, result, (name, (_, move)) in zip(x, y, maps.items(), strict=True):
            np.testing.assert_array_equal(result, move(image), err_msg=name)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8, 9, 17, 33])
@pytest.mark.parametrize("width", [1, 2, 7, 16, 40])
def test_mirrored_rows_of_every_length(backend, width, channels):
    x = normal((4, 3, width, channels), "float32")
    matrices = np.array(
        [[a, 0, (a < 0) * (width - 1), 0, d, (d < 0) * 2] for a in (1, -1) for d in (1, -1)], np.float64
    )
    y = run(backend, "affine2d_forward", x, matrices, "nearest")
    expected = [x[0], x[1, ::-1], x[2, :, ::-1], x[3, ::-1, ::-1]]
    np.testing.assert_array_equal(y, np.stack(expected))


def random_matrices(count, seed=0):
    """Turn, zoom, shear and shift, about as augmentation does, but further."""
    rng = np.random.default_rng(seed)
    angle, zoom, shear = rng.uniform(-1, 1, count), rng.uniform(0.6, 1.5, count), rng.uniform(-0.5, 0.5, count)
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    shift = rng.uniform(-4, 8, (2, count))
    return np.stack([cos, -sin + shear, shift[0], sin, cos, shift[1]], axis=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize(
    ("fill_mode", "padding_mode"), [("constant", "zeros"), ("nearest", "border"), ("reflect", "reflection")]
)
def test_affine_as_pytorch(backend, fill_mode, padding_mode, interpolation, dtype):
    torch = peer("torch")
    x, matrices = normal((8, 9, 7, 3), dtype), random_matrices(8)
    a, b, c, d, e, f = matrices.T[:, :, None, None]
    v, u = np.mgrid[:9, :7]
    columns, rows = a * u + b * v + c, d * u + e * v + f
    grid = np.stack([(2 * columns + 1) / 7 - 1, (2 * rows + 1) / 9 - 1], axis=-1)
    image = torch.tensor(x.astype(np.float64)).permute(0, 3, 1, 2)
    expected = torch.nn.functional.grid_sample(
        image, torch.tensor(grid), interpolation, padding_mode, align_corners=False
    )
    y = run(backend, "affine2d_forward", x, matrices, interpolation, fill_mode)
    assert y.dtype == dtype
    assert_close(y, expected.permute(0, 2, 3, 1).numpy(), {"float32": 1e-6, "float64": 1e-10}[dtype])


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_wrap_is_a_tiled_image(backend, interpolation):
    x, matrices = normal((6, 8, 8, 2)), random_matrices(6, seed=1)
    tiles = np.tile(x, (1, 7, 7, 1))
    far = matrices.copy()
    far[:, [2, 5]] += 3 * 8
    expected = run(backend, "affine2d_forward", tiles, far, interpolation, "constant", math.nan)[:, :8, :8]
    assert np.isfinite(expected).all()
    assert_close(run(backend, "affine2d_forward", x, matrices, interpolation, "wrap"), expected, 1e-12)
