"""The dot-product test over every linear operation; and operations that must fail it."""

import numpy as np
import pytest

import pycnn
from pycnn import layers, ops
from pycnn.analysis import AdjointError, check_adjoint
from pycnn.autograd import Function
from pycnn.backend.geometry import TotalPadding
from pycnn.ops.local import local_conv2d

IMAGE = (2, 9, 8, 4)


def conv(kernel=(3, 3, 4, 6), **options):
    return lambda x, w: ops.conv2d(x, w, **options), IMAGE, kernel


def transposed(kernel=(3, 3, 6, 4), **options):
    return lambda x, w: ops.conv2d_transpose(x, w, **options), IMAGE, kernel


LINEAR = {
    "conv": conv(),
    "conv, even window": conv((2, 4, 4, 5), padding="same"),
    "conv, stride above the window": conv((2, 1, 4, 3), strides=(3, 2)),
    "conv, dilation": conv(dilation_rate=2, padding="same"),
    "conv, stride and dilation": conv(strides=2, dilation_rate=(2, 3), padding="full"),
    "conv, groups": conv((3, 3, 2, 6), groups=2, strides=2, padding="same_lower"),
    "conv, depthwise": conv((3, 3, 1, 8), groups=4, padding=1),
    "conv, each side": conv(padding=((1, 0), (2, 3)), strides=(2, 1)),
    "conv, total": conv((4, 2, 4, 3), padding=TotalPadding(3, 1)),
    "conv, 1 x 1": conv((1, 1, 4, 7)),
    "conv, flipped": conv(flip=True, padding=(2, 0)),
    "conv, all at once": conv((2, 3, 2, 4), strides=(2, 3), dilation_rate=(3, 1), groups=2, padding=((2, 1), (0, 1))),
    "conv with bias": (lambda x, w, b: ops.conv2d(x, w, b, padding="same"), IMAGE, (3, 3, 4, 6), (6,)),
    "transposed": transposed(),
    "transposed, stride": transposed(strides=2, padding="same"),
    "transposed, ends": transposed(strides=3, padding=1, output_padding=2),
    "transposed, dilation and groups": transposed((3, 2, 3, 4), strides=(2, 1), dilation_rate=2, groups=2),
    "local": (lambda x, w: local_conv2d(x, w, (3, 2), (2, 3)), (2, 7, 8, 3), (9, 18, 5)),
    "average pool": (lambda x: ops.avg_pool2d(x, 3, 2, "same"), IMAGE),
    "average pool, padding counted": (lambda x: ops.avg_pool2d(x, (2, 3), 2, 1, True, True), IMAGE),
    "average of all": (ops.global_avg_pool2d, IMAGE),
    "dense": (ops.dense, (5, 7), (7, 3)),
    "dense with bias": (ops.dense, (2, 5, 7), (7, 3), (3,)),
    "matmul": (ops.matmul, (2, 5, 7), (2, 7, 3)),
    "einsum": (lambda x, y: ops.einsum("bij,bkj->ik", x, y), (3, 4, 5), (3, 2, 5)),
    "dot": (ops.dot, (4, 5), (5, 3)),
    "pad": (lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))), IMAGE),
    "pad, constant": (lambda x: ops.pad(x, 1, constant_values=2.0), IMAGE),
    "pad, reflect": (lambda x: ops.pad(x, ((0, 0), (2, 1), (3, 3), (0, 0)), mode="reflect"), IMAGE),
    "pad, edge": (lambda x: ops.pad(x, ((0, 0), (2, 1), (3, 3), (0, 0)), mode="edge"), IMAGE),
    "crop": (lambda x: ops.crop(x, ((1, 2), (0, 3))), IMAGE),
    "resize, nearest": (lambda x: ops.resize(x, (13, 5), "nearest"), IMAGE),
    "resize, bilinear": (lambda x: ops.resize(x, (4, 17), "bilinear"), IMAGE),
    "slices": (lambda x: x[:, 1::3, ::-2], IMAGE),
    "places": (lambda x: ops.take(x, np.array([3, 0, 3]), 2), IMAGE),
    "transpose": (lambda x: ops.transpose(x, (2, 0, 3, 1)), IMAGE),
    "reshape": (lambda x: ops.reshape(x, (8, -1)), IMAGE),
    "flip": (lambda x: ops.flip(x, (1, 2)), IMAGE),
    "roll": (lambda x: ops.roll(x, 3, 1), IMAGE),
    "tile": (lambda x: ops.tile(x, (1, 2, 1, 3)), IMAGE),
    "repeat": (lambda x: ops.repeat(x, 3, 1), IMAGE),
    "broadcast": (lambda x: ops.broadcast_to(x, (5, 3, 4)), (3, 1)),
    "join": (lambda x, y: ops.concatenate([x, 2 * y, x], 1), (2, 3), (2, 5)),
    "stack": (lambda x, y: ops.stack([x, y], 1), (2, 3), (2, 3)),
    "space to depth": (lambda x: ops.space_to_depth(x, 2), (2, 6, 8, 3)),
    "sum": (lambda x: ops.sum(x, (1, 2)), IMAGE),
    "mean": (lambda x: ops.mean(x, 3, keepdims=True), IMAGE),
    "cumulated": (lambda x: ops.cumsum(x, 1), IMAGE),
    "differences": (lambda x: ops.diff(x, axis=1), IMAGE),
    "arithmetic": (lambda x, y: 3 * x - y / 2 + 1, (4, 5), (5,)),
    "product": (ops.multiply, (4, 5), (4, 1)),
    "choice": (lambda x, y: ops.where(np.eye(4, dtype=bool), x, y), (4, 4), (4, 1)),
    "triangle": (ops.tril, (4, 5)),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_operations(name, backend):
    operation, *shapes = LINEAR[name]
    check = check_adjoint(operation, *shapes, raise_error=True)
    assert check.passed
    assert len(check.products) == len(shapes)
    assert all(product.forward != 0 for product in check.products)


LAYERS = [
    (layers.Conv2D(4, 3, strides=2, padding="same", dilation_rate=2, groups=2), (9, 8, 4)),
    (layers.Conv2D(4, 3, data_format="channels_first"), (4, 9, 8)),
    (layers.Conv2DTranspose(4, 3, strides=2), (5, 4, 3)),
    (layers.DepthwiseConv2D(3, depth_multiplier=2), (6, 6, 3)),
    (layers.SeparableConv2D(4, 3), (6, 6, 3)),
    (layers.LocallyConnected2D(2, 3), (6, 6, 3)),
    (layers.Conv1D(4, 3, padding="causal"), (9, 3)),
    (layers.Dense(5), (4, 3)),
    (layers.AveragePooling2D(3, 2, "same"), (9, 8, 3)),
    (layers.GlobalAveragePooling2D(), (9, 8, 3)),
    (layers.BatchNormalization(), (4, 4, 3)),
    (layers.UpSampling2D(2, interpolation="bilinear"), (4, 5, 3)),
    (layers.Resizing(7, 3), (4, 5, 3)),
    (layers.ZeroPadding2D(2), (4, 5, 3)),
    (layers.Flatten(), (4, 5, 3)),
    (layers.Rescaling(1 / 255, 2.0), (4, 5, 3)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: getattr(value, "name", str(value)))
def test_linear_layers(layer, shape, backend):
    fresh = type(layer).from_config(layer.get_config())
    check = check_adjoint(fresh, shape, raise_error=True)
    assert not fresh.built
    fresh.build((None, *shape))
    assert [p.argument for p in check.products] == ["input", *(w.name for w in fresh.trainable_weights)]


def test_layers_that_are_built_are_left_as_they_are(backend):
    layer = layers.Conv2D(2, 3)
    layer.build((None, 5, 5, 1))
    before = [np.array(w.numpy()) for w in layer.weights]
    assert check_adjoint(layer, (5, 5, 1))
    for old, new in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
        assert new.grad is None


def test_the_numbers_by_hand(backend):
    """A matrix: <v, A x> with the very vectors that the seed gives."""
    matrix = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    (product,) = check_adjoint(lambda x: ops.matmul(matrix, x), (3, 1), seed=5).products
    rng = np.random.default_rng(5)
    x, v = rng.standard_normal((3, 1)), rng.standard_normal((2, 1))
    assert product.forward == pytest.approx((v.T @ matrix @ x).item(), rel=1e-14)
    assert product.adjoint == pytest.approx(((matrix.T @ v).T @ x).item(), rel=1e-14)


class WrongGradient(Function):
    """A right product, and a gradient without the transposition."""

    def forward(self, x, w):
        self.w = w
        return x @ w

    def backward(self, gy):
        return gy @ self.w, None


NOT_LINEAR = {
    "relu": (ops.relu, (4, 5)),
    "square": (ops.square, (4, 5)),
    "maximum of windows": (lambda x: ops.max_pool2d(x, 2), (1, 6, 6, 2)),
    "normalisation": (lambda x: ops.layer_normalization(x), (4, 5)),
    "a gradient that is wrong": (lambda x: WrongGradient.apply(x, pycnn.Tensor(np.arange(9.0).reshape(3, 3))), (2, 3)),
    "a gradient that is missing": (lambda x: 2 * ops.stop_gradient(x), (4, 5)),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_what_is_not_linear_or_has_wrong_gradients_fails(name, backend):
    operation, shape = NOT_LINEAR[name]
    check = check_adjoint(operation, shape)
    assert not check
    assert check.error > 1e-3
    assert "FAILED, allowed is an error of 1e-10" in str(check)
    with pytest.raises(AdjointError, match=r"not linear, or its gradient is not the adjoint. Received: .*FAILED"):
        check_adjoint(operation, shape, raise_error=True)


def test_one_wrong_argument_is_named(backend):
    check = check_adjoint(lambda x, y: x * ops.exp(y), (3,), (3,))
    assert [product.error < 1e-12 for product in check.products] == [True, False]
    assert repr(check).startswith("<AdjointCheck of <lambda>: failed, error ")


def test_the_table(backend):
    text = str(check_adjoint(layers.Dense(3, name="top"), (4,)))
    head, *rows = text.splitlines()
    assert head == "top (Dense): passed"
    assert [row.split()[0] for row in rows] == ["input", "kernel", "bias"]
    assert all("<v, A x> = " in row and "<A* v, x> = " in row for row in rows)


def test_bad_arguments(backend):
    with pytest.raises(TypeError, match="operation must be a function or a layer. Received: operation='conv'"):
        check_adjoint("conv", (3,))
    with pytest.raises(ValueError, match=r"shapes must be those of.* Received: shapes=\(\)"):
        check_adjoint(ops.dense)
    with pytest.raises(ValueError, match="not made of other layers"):
        check_adjoint(pycnn.Sequential([layers.Dense(3)]), (4,))
