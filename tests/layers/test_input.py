"""Input and InputLayer."""

import numpy as np
import pytest

from pycnn import layers


def test_input_is_a_symbolic_tensor():
    x = layers.Input((8, 8, 1), name="image")
    assert (x.shape, x.dtype, x.name, x.ndim) == ((None, 8, 8, 1), "float32", "image", 4)
    assert layers.Input(batch_shape=(4, 3)).shape == (4, 3)
    assert layers.Input((3,), batch_size=4).shape == (4, 3)
    assert layers.Input((None, None, 3), dtype="float64").dtype == "float64"


def test_the_layer_checks_and_casts(backend):
    layer = layers.Input((8, None, 1)).node.layer
    assert layer(np.zeros((2, 8, 5, 1), np.uint8)).dtype == np.float32
    with pytest.raises(ValueError, match=r"must have the size 8 on axis 1, the shape \(None, 8, None, 1\)"):
        layer(np.zeros((2, 7, 5, 1)))


def test_the_layer_survives_a_file():
    layer = layers.InputLayer((3, 2), batch_size=4, name="x")
    twin = layers.InputLayer.from_config(layer.get_config())
    assert (twin.batch_shape, twin.name) == ((4, 3, 2), "x")


@pytest.mark.parametrize("shape", [None, (0, 3), (3.5,), "abc"])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match="shape must be a tuple of sizes"):
        layers.Input(shape)
