"""RadialBasis: distances to fixed centres."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

from pycnn import layers

CENTRES = normal((4, 3), seed=7)


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3)])
def test_layer(backend, shape, tmp_path):
    run_layer_test(functools.partial(layers.RadialBasis, CENTRES), normal(shape), (*shape[:-1], 4), tmp_path)


def test_by_hand(backend):
    x = normal((6, 3))
    expected = [[-sum((a - b) ** 2 for a, b in zip(row, centre, strict=True)) for centre in CENTRES] for row in x]
    assert_close(layers.RadialBasis(CENTRES, dtype="float64")(x).numpy(), np.array(expected))


def test_nothing_is_learned(backend):
    layer = layers.RadialBasis(CENTRES)
    layer(normal((1, 3)))
    assert layer.weights == []
    with pytest.raises(ValueError, match="size 3 on axis -1"):
        layer(normal((1, 4)))


@pytest.mark.parametrize("centres", [[1.0, 2.0], [[]], [[np.nan]]])
def test_wrong_centres(centres):
    with pytest.raises(ValueError, match="centres must be numbers"):
        layers.RadialBasis(centres)
