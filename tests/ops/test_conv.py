import numpy as np
import pytest
from helpers import assert_close, normal, peer, strided
from op_checks import assert_matches_torch

import pycnn
from pycnn import ops
from pycnn.autograd import gradcheck

X, W, B = normal((2, 7, 6, 4), seed=1), normal((3, 2, 2, 6), seed=2) / 3, normal((6,), seed=3)


def nchw(function):
    """A torch function of NCHW images and OIHW filters as one of NHWC and HWIO."""
    return lambda x, w, *rest: function(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1), *rest).permute(0, 2, 3, 1)


@pytest.mark.parametrize("activation", [None, "relu", "tanh", "sigmoid", "gelu", "softmax"])
def test_conv2d_with_everything_agrees_with_torch(backend, activation):
    functional = peer("torch").nn.functional
    twin = {None: lambda y: y, "softmax": lambda y: y.softmax(-1)}.get(activation)
    twin = twin or getattr(functional, activation)
    convolution = nchw(lambda x, w, b: functional.conv2d(x, w, b, stride=(2, 1), padding=(1, 2), dilation=2, groups=2))
    assert_matches_torch(
        lambda x, w, b: ops.conv2d(x, w, b, (2, 1), (1, 2), dilation_rate=2, groups=2, activation=activation),
        lambda x, w, b: twin(convolution(x, w, b)),
        [X, W, B],
    )


def test_gradients_of_conv2d(backend):
    gradcheck(
        lambda x, w, b: ops.conv2d(x, w, b, 2, "same", activation="tanh"),
        [X[:1, :4, :3, :2], W[..., :2], B[:2]],
    )
    gradcheck(lambda x, w: ops.conv2d(x, w, padding="full", flip=True), [X[:1, :3, :3, :2], W[..., :1]])
    gradcheck(
        lambda x, w, r: ops.conv2d(x, w, activation="sigmoid", residual=r),
        [X[:1, :4, :3, :2], W[..., :3], normal((1, 2, 2, 3))],
    )


def test_a_residual_is_added_before_the_activation(backend):
    r = normal((2, 5, 5, 6), seed=4)
    assert_matches_torch(
        lambda x, w, b, r: ops.conv2d(x, w, b, groups=2, activation="relu", residual=r),
        lambda x, w, b, r: (nchw(lambda x, w, b: peer("torch").conv2d(x, w, b, groups=2))(x, w, b) + r).relu(),
        [X, W, B, r],
    )


def test_flip_is_the_convolution_of_mathematics(backend):
    x, w = normal((5, 6)), normal((2, 3), seed=4)
    full = np.zeros((6, 8))
    for r, s in np.ndindex(2, 3):
        full[r : r + 5, s : s + 6] += w[r, s] * x
    y = ops.conv2d(x[None, :, :, None], w[:, :, None, None], padding="full", flip=True)
    assert_close(y.numpy()[0, :, :, 0], full)


def test_symmetric_filters_do_not_care_about_the_flip(backend):
    w = np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[:, :, None, None]
    assert_close(ops.conv2d(X[..., :1], w, flip=True).numpy(), ops.conv2d(X[..., :1], w).numpy())


def test_groups_are_a_block_diagonal_kernel(backend):
    block = np.zeros((3, 2, 4, 6))
    block[:, :, :2, :3], block[:, :, 2:, 3:] = W[..., :3], W[..., 3:]
    assert_close(ops.conv2d(X, W, groups=2).numpy(), ops.conv2d(X, block).numpy())


def test_strided_arrays_and_integer_images(backend):
    assert_close(ops.conv2d(strided(X), strided(W), groups=2).numpy(), ops.conv2d(X, W, groups=2).numpy())
    image = np.full((1, 3, 3, 1), 200, np.uint8)
    y = ops.conv2d(image, np.ones((3, 3, 1, 1), "float32"))
    assert y.dtype == np.float32
    assert y.item() == 1800.0


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1])
def test_conv2d_transpose_agrees_with_torch(backend, stride, padding):
    functional = peer("torch").nn.functional
    x, w = normal((2, 3, 4, 4), seed=1), normal((3, 2, 3, 4), seed=2)
    extra = stride - 1
    twin = nchw(
        lambda x, w, b: functional.conv_transpose2d(
            x, w, b, stride=stride, padding=padding, output_padding=extra, groups=2
        )
    )
    assert_matches_torch(
        lambda x, w, b: ops.conv2d_transpose(x, w, b, stride, padding, output_padding=extra, groups=2),
        twin,
        [x, w, B],
    )


def test_conv2d_transpose_is_the_adjoint_of_conv2d(backend):
    w = normal((3, 3, 2, 5), seed=2)
    x, y = normal((2, 8, 6, 2), seed=1), normal((2, 4, 3, 5), seed=3)
    forward = ops.conv2d(x, w, strides=2, padding="same").numpy()
    back = ops.conv2d_transpose(y, w, strides=2, padding="same").numpy()
    assert back.shape == x.shape
    assert np.vdot(forward, y) == pytest.approx(np.vdot(x, back), rel=1e-12)


def test_gradients_of_conv2d_transpose(backend):
    gradcheck(
        lambda x, w, b: ops.conv2d_transpose(x, w, b, strides=2, padding="same"),
        [normal((1, 2, 3, 3)), normal((3, 2, 2, 3)), normal((2,))],
    )


def test_an_empty_batch(backend):
    x, w = pycnn.Tensor(X[:0], requires_grad=True), pycnn.Tensor(W, requires_grad=True)
    y = ops.conv2d(x, w, B, groups=2)
    y.sum().backward()
    assert y.shape == (0, 5, 5, 6)
    assert x.grad.shape == (0, 7, 6, 4)
    assert not w.grad.numpy().any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.conv2d(X[0], W), r"x must have 4 axes \(batch, height, width, channels\). Received: x.shape="),
        (lambda: ops.conv2d(X, W), r"x has 4 channels, but the kernel expects 2"),
        (lambda: ops.conv2d(np.ones((1, 3, 8, 8)), np.ones((3, 3, 3, 1))), "It looks like channels_first"),
        (lambda: ops.conv2d(X, np.ones((9, 9, 4, 1))), "Computed output size would be zero or negative"),
        (lambda: ops.conv2d(X, W, groups=3), "groups must divide"),
        (lambda: ops.conv2d(X, W, B[:5], groups=2), r"bias must have the shape \(6,\), .* Received: bias.shape=\(5,\)"),
        (lambda: ops.conv2d(X, W, groups=2, activation="relo"), "Unknown activation"),
        (lambda: ops.conv2d(X, W, groups=2, residual=X), r"shape of the result, \(2, 5, 5, 6\). Received: residual"),
        (lambda: ops.conv2d_transpose(X, W), "x has 4 channels, but the kernel expects 6"),
    ],
)
def test_errors_name_the_argument(backend, call, message):
    with pytest.raises(ValueError, match=message):
        call()
