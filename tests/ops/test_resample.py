import numpy as np
import pytest
from helpers import assert_close, normal, peer
from op_checks import assert_matches_torch

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

X = normal((2, 4, 5, 3))
WIDTHS = [1, (2, 0), ((0, 0), (1, 2), (3, 0), (0, 1)), ((0, 0), (3, 3), (4, 4), (0, 0)), 0]


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
@pytest.mark.parametrize("widths", WIDTHS)
def test_pad_as_numpy(backend, mode, widths):
    if mode == "reflect" and widths == (2, 0):
        widths = (1, 0)
    assert_close(ops.pad(X, widths, mode).numpy(), np.pad(X, widths, mode))
    gradcheck(lambda x: ops.pad(x, widths, mode), [X])


def test_pad_with_a_constant(backend):
    assert ops.pad([1.0], 1, constant_values=7).tolist() == [7.0, 1.0, 7.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.pad(X, 1, "reflekt"), r"mode must be one of .* Did you mean 'reflect'\? Received: mode='reflekt'"),
        (
            lambda: ops.pad(X, ((0, 0), (4, 0), (0, 0), (0, 0)), "reflect"),
            r"smaller than the axis .* Received: pad_width",
        ),
        (lambda: ops.pad(X, ((1, 1), (1, 1))), "pad_width must have one pair for each of 4 axes. Received: pad_width"),
        (lambda: ops.pad(X, -1), "pad_width must be an integer >= 0"),
        (
            lambda: ops.crop(X, ((2, 2), (0, 0))),
            r"cropping must leave something of the 4 x 5 image. Received: cropping",
        ),
        (lambda: ops.resize(X, (2, 0)), "size must be an integer >= 1"),
        (lambda: ops.resize(X, 3, "bicubic"), "interpolation must be one of nearest, bilinear"),
        (lambda: ops.resize(X[0], 3), "x must have 4 axes"),
        (lambda: ops.affine2d(X, np.ones((1, 6))), r"matrices must have the shape \(2, 6\).* Received: matrices.shape"),
    ],
)
def test_errors_name_the_argument(backend, call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("cropping", "part"),
    [
        (1, np.s_[:, 1:-1, 1:-1]),
        ((1, 2), np.s_[:, 1:-1, 2:-2]),
        (((0, 1), (2, 0)), np.s_[:, :-1, 2:]),
        (0, np.s_[:]),
    ],
)
def test_crop(backend, cropping, part):
    assert_close(ops.crop(X, cropping).numpy(), X[part])
    gradcheck(lambda x: ops.crop(x, cropping), [X])


@pytest.mark.parametrize("size", [(8, 10), (3, 2), (4, 5), (1, 1), 7])
def test_bilinear_resize_agrees_with_torch(backend, size):
    functional = peer("torch").nn.functional
    assert_matches_torch(
        lambda x: ops.resize(x, size),
        lambda x: functional.interpolate(x.permute(0, 3, 1, 2), size, mode="bilinear").permute(0, 2, 3, 1),
        [X],
    )


@pytest.mark.parametrize("size", [(8, 10), (3, 2), (4, 5), (1, 1), 7])
def test_nearest_resize_agrees_with_torch(backend, size):
    functional = peer("torch").nn.functional
    assert_matches_torch(
        lambda x: ops.resize(x, size, "nearest"),
        lambda x: functional.interpolate(x.permute(0, 3, 1, 2), size, mode="nearest-exact").permute(0, 2, 3, 1),
        [X],
    )


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_gradients_of_resize(backend, method):
    gradcheck(lambda x: ops.resize(x, (3, 7), method), [X])


def test_affine2d_shifts_and_fills(backend):
    image = np.arange(1.0, 7.0).reshape(1, 2, 3, 1)
    shift = [[1, 0, 1, 0, 1, 0]]
    expected = {
        "constant": [[2, 3, 9], [5, 6, 9]],
        "nearest": [[2, 3, 3], [5, 6, 6]],
        "reflect": [[2, 3, 3], [5, 6, 6]],
        "wrap": [[2, 3, 1], [5, 6, 4]],
    }
    for mode, values in expected.items():
        y = ops.affine2d(image, shift, fill_mode=mode, fill_value=9)
        assert_close(y.numpy()[0, :, :, 0], np.array(values, float))


def test_mirror2d_by_hand_and_its_gradient(backend):
    x = np.arange(1.0, 13.0).reshape(2, 2, 3, 1)
    y = ops.mirror2d(x, [True, False], [False, True]).numpy()
    np.testing.assert_array_equal(y[..., 0], [[[3, 2, 1], [6, 5, 4]], [[10, 11, 12], [7, 8, 9]]])
    gradcheck(lambda x: ops.mirror2d(x, [True, True], [False, True]), [X])
    with pytest.raises(ValueError, match=r"one value an image, \(2,\). Received: shape \(3,\)"):
        ops.mirror2d(x, [True, False, True], [False, False])


def test_affine2d_says_that_no_gradient_flows(backend):
    x = pycnn.Tensor(X, requires_grad=True)
    identity = [[1, 0, 0, 0, 1, 0]] * 2
    with pytest.raises(TypeError, match=r"affine2d has no gradient; give it x.detach\(\)"):
        ops.affine2d(x, identity)
    with pycnn.no_grad():
        assert_close(ops.affine2d(x, identity).numpy(), X)
