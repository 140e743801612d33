"""AlexNet: the parameters and sizes of Krizhevsky's network of two groups."""

import numpy as np
import pytest
from helpers import normal

from pycnn.applications import AlexNet

PARAMETERS = {
    "conv1": 34_944, "conv2": 307_456, "conv3": 885_120, "conv4": 663_936, "conv5": 442_624,
    "fc6": 37_752_832, "fc7": 16_781_312, "predictions": 4_097_000,
}  # fmt: skip
SIZES = {
    "conv1": (55, 55, 96), "pool1": (27, 27, 96), "conv2": (27, 27, 256), "pool2": (13, 13, 256),
    "conv3": (13, 13, 384), "conv4": (13, 13, 384), "conv5": (13, 13, 256), "pool5": (6, 6, 256), "flatten": (9216,),
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return AlexNet()


def test_parameters_and_sizes(model):
    assert {la.name: la.count_params() for la in model.layers if la.weights} == PARAMETERS
    assert model.count_params() == 60_965_224
    assert {name: model.get_layer(name).output.shape[1:] for name in SIZES} == SIZES
    assert model.output_shape == (None, 1000)


def test_normalization_is_the_papers(model):
    """(2 + 1e-4 * sum of squares) ** 0.75 over five channels."""
    x = 100 * normal((1, 2, 2, 7), np.float32)
    squares = np.pad(x.astype(float) ** 2, ((0, 0), (0, 0), (0, 0), (2, 2)))
    sums = sum(squares[..., i : i + 7] for i in range(5))
    layer = type(model.get_layer("norm1")).from_config(model.get_layer("norm1").get_config())
    np.testing.assert_allclose(layer(x).numpy(), x / (2 + 1e-4 * sums) ** 0.75, rtol=1e-5)


def test_forward_and_step_at_a_small_size():
    small = AlexNet(input_shape=(67, 67, 3), classes=5)
    assert small.get_layer("pool5").output.shape == (None, 1, 1, 256)
    small.compile("sgd", "sparse_categorical_crossentropy")
    x, y = normal((2, 67, 67, 3)), np.array([0, 4])
    assert small.predict(x, verbose=0).shape == (2, 5)
    before = small.get_weights()
    assert np.isfinite(small.train_on_batch(x, y))
    assert all((old != new).any() for old, new in zip(before, small.get_weights(), strict=True))


def test_arguments():
    assert AlexNet(include_top=False, pooling="max").output_shape == (None, 256)
    with pytest.raises(ValueError, match="at least 67 x 67"):
        AlexNet(input_shape=(64, 64, 3))
