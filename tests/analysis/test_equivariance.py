"""Shifts that go through layers, those that do not, and what is said about them."""

from fractions import Fraction

import numpy as np
import pytest

import pycnn
from pycnn import layers, ops
from pycnn.analysis import EquivarianceError, check_equivariance

SHAPE = (32, 30, 4)

ANY_SHIFT = [
    layers.Conv2D(3, 3),
    layers.Conv2D(3, (2, 5), padding="same", dilation_rate=2),
    layers.DepthwiseConv2D(3, padding=((2, 0), (0, 1))),
    layers.MaxPooling2D(3, 1),
    layers.ReLU(),
    layers.BatchNormalization(),
    layers.LayerNormalization(),
    layers.SqueezeExcite(2),
    layers.ZeroPadding2D(3),
    layers.Dense(5),
]


@pytest.mark.parametrize("layer", ANY_SHIFT, ids=lambda layer: layer.name)
def test_equivariant_to_any_shift(layer, backend):
    check = check_equivariance(type(layer).from_config(layer.get_config()), SHAPE, raise_error=True)
    assert check
    assert check.any_shift
    assert check.stride == (1, 1)
    assert all(shift.output == shift.input for shift in check.shifts)
    assert "equivariant to translation; largest deviation" in str(check)


STRIDED = [
    (layers.Conv2D(3, 3, strides=2, padding="same"), (2, 2)),
    (layers.Conv2D(3, 5, strides=(3, 2)), (3, 2)),
    (layers.MaxPooling2D(2), (2, 2)),
    (layers.AveragePooling2D(3, 2, "same"), (2, 2)),
    (
        pycnn.Sequential([layers.Conv2D(3, 3, strides=2), layers.ReLU(), layers.MaxPooling2D(2), layers.Conv2D(2, 2)]),
        (4, 4),
    ),
    (layers.Resizing(16, 10, "nearest"), (2, 3)),
]


@pytest.mark.parametrize(("layer", "stride"), STRIDED, ids=lambda value: getattr(value, "name", ""))
def test_equivariant_to_multiples_of_the_stride_only(layer, stride, backend):
    check = check_equivariance(type(layer).from_config(layer.get_config()), SHAPE)
    assert check.passed
    assert not check.any_shift
    assert check.stride == stride
    for shift in check.shifts:
        multiple = not any(d % s for d, s in zip(shift.input, stride, strict=True))
        assert (shift.output is not None) == multiple
        assert shift.output is None or shift.output == tuple(d // s for d, s in zip(shift.input, stride, strict=True))
        assert multiple or shift.deviation > 0.05
    for axis in (0, 1):  # both directions were tried by themselves
        assert any(shift.input[axis] % stride[axis] and not shift.input[1 - axis] for shift in check.shifts)
    text = " x ".join(map(str, stride)) if len(set(stride)) > 1 else str(stride[0])
    assert f"equivariant to translation by multiples of its stride {text} only; largest" in str(check)


@pytest.mark.parametrize(
    ("layer", "outwards"), [(layers.UpSampling2D((2, 3)), (2, 3)), (layers.Conv2DTranspose(3, 4, strides=2), (2, 2))]
)
def test_outputs_that_move_further(layer, outwards, backend):
    check = check_equivariance(type(layer).from_config(layer.get_config()), SHAPE)
    assert check.any_shift
    for shift in check.shifts:
        assert shift.output == tuple(d * factor for d, factor in zip(shift.input, outwards, strict=True))


def test_invariance(backend):
    check = check_equivariance(layers.GlobalMaxPooling2D(), SHAPE)
    assert check.invariant
    assert check.any_shift
    assert str(check).split(": ")[1].startswith("invariant to translation; ")
    dense = check_equivariance(pycnn.Sequential([layers.Flatten(), layers.Dense(3)]), SHAPE)
    assert dense.invariant
    assert not dense
    assert dense.deviation > 0.1
    strided = pycnn.Sequential([layers.Conv2D(3, 3, strides=2), layers.GlobalMaxPooling2D()])
    check = check_equivariance(strided, SHAPE)
    assert (check.passed, check.any_shift, check.stride) == (True, False, (2, 2))


NOT_EQUIVARIANT = [
    layers.LocallyConnected2D(2, 3),
    layers.LayerNormalization(axis=(1, 2, 3), gamma_initializer="random_normal"),
    layers.PReLU(alpha_initializer="random_normal"),
]


@pytest.mark.parametrize("layer", NOT_EQUIVARIANT, ids=lambda layer: layer.name)
def test_not_equivariant(layer, backend):
    fresh = type(layer).from_config(layer.get_config())
    check = check_equivariance(fresh, (12, 12, 2))
    assert not fresh.built
    assert not check
    assert "not equivariant to translation; largest deviation" in str(check)
    with pytest.raises(EquivarianceError, match=r"does not commute with shifts. Received: .*not equivariant"):
        check_equivariance(layer, (12, 12, 2), raise_error=True)


def test_functions(backend):
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 2))
    check = check_equivariance(lambda x: ops.conv2d(x, kernel, padding="same"), SHAPE)
    assert check.any_shift
    assert check.tolerance == 1e-10
    assert check_equivariance(lambda x: ops.max_pool2d(x, 3, 2), SHAPE).stride == (2, 2)
    assert check_equivariance(lambda x: ops.resize(x, (64, 60), "bilinear"), SHAPE).any_shift
    assert check_equivariance(lambda x: ops.conv2d(x, kernel, strides=3), SHAPE, stride=3).passed
    assert not check_equivariance(lambda x: ops.conv2d(x, kernel, strides=3), SHAPE, stride=(3, 1))
    assert check_equivariance(lambda x: ops.resize(x, (48, 45), "nearest"), SHAPE, stride=Fraction(2, 3)).passed
    assert not check_equivariance(lambda x: ops.flip(x, 1), SHAPE)
    ramp = np.linspace(0, 1, 32).reshape(32, 1, 1)
    check = check_equivariance(lambda x: x * ramp, SHAPE)
    moved = {shift.input: shift.deviation for shift in check.shifts}
    assert moved[(0, 1)] == 0  # the same in each column, but not in each row
    assert moved[(1, 0)] > 0.01


def test_the_deviation_by_hand(backend):
    """The identity, but for one place that is doubled: the deviation is what stood there or comes there."""
    weights = np.ones((16, 16, 1))
    weights[8, 8] = 3.0
    (shift,) = check_equivariance(lambda x: x * weights, (16, 16, 1), shifts=[(0, 1)]).shifts
    content = np.zeros((16, 16))
    content[:, 1:15] = np.random.default_rng(0).standard_normal((16, 14))
    still = content * weights[..., 0]
    moved = np.roll(content, 1, 1) * weights[..., 0]
    expected = max(abs(moved[8, 8] - still[8, 7]), abs(moved[8, 9] - still[8, 8])) / np.abs(still).max()
    assert shift.deviation == pytest.approx(expected, rel=1e-12)
    assert shift.output == (0, 1)


def test_shifts_of_ones_own(backend):
    check = check_equivariance(layers.MaxPooling2D(2), SHAPE, shifts=[(2, 4), (1, 2)])
    assert [shift.output for shift in check.shifts] == [(1, 2), None]
    assert check.worst.input == (2, 4)
    with pytest.raises(ValueError, match="shifts must hold multiples of the stride"):
        check_equivariance(layers.MaxPooling2D(2), SHAPE, shifts=[(1, 2)])


def test_built_layers_are_used_as_they_are(backend):
    layer = layers.Conv2D(1, 3)
    layer.build((None, *SHAPE))
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    layer.bias.assign([2.0])
    assert check_equivariance(layer, SHAPE).deviation == 0


def test_bad_arguments(backend):
    with pytest.raises(TypeError, match="layer must be a layer, a model or a function. Received: layer='conv'"):
        check_equivariance("conv", SHAPE)
    with pytest.raises(ValueError, match=r"\(height, width, channels\). Received: input_shape=\(9, 9\)"):
        check_equivariance(layers.ReLU(), (9, 9))
    with pytest.raises(ValueError, match="larger than twice the shifts"):
        check_equivariance(layers.MaxPooling2D(4), (8, 8, 1))
    deep = pycnn.Sequential([layers.Conv2D(2, 7, padding="same"), layers.Conv2D(2, 7, padding="same")])
    with pytest.raises(ValueError, match="all places of the output see the border"):
        check_equivariance(deep, (12, 12, 1))
