import numpy as np
import pytest

import pycnn
from pycnn import config, ops


def test_share_and_scale(backend):
    y = ops.dropout(np.ones((100, 100)), 0.3).numpy()
    assert set(np.unique(y)) == {0.0, 1 / 0.7}
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.02)


def test_the_gradient_takes_the_same_mask(backend):
    x = pycnn.Tensor(np.ones((10, 10)), requires_grad=True)
    y = ops.dropout(x, 0.5)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())


def test_noise_shape_drops_whole_maps(backend):
    x = pycnn.Tensor(np.ones((4, 3, 3, 8)), requires_grad=True)
    y = ops.dropout(x, 0.5, noise_shape=(None, 1, 1, None))
    y.sum().backward()
    assert (y.numpy() == y.numpy()[:, :1, :1]).all()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())


def test_the_seed_decides(backend):
    x = np.ones(50)
    config.set_random_seed(7)
    first = ops.dropout(x, 0.5).tolist()
    second = ops.dropout(x, 0.5).tolist()
    config.set_random_seed(7)
    assert ops.dropout(x, 0.5).tolist() == first != second
    generators = [np.random.default_rng(1) for _ in range(2)]
    assert (
        ops.dropout(x, 0.5, generator=generators[0]).tolist() == ops.dropout(x, 0.5, generator=generators[1]).tolist()
    )


def test_rate_zero_is_the_identity(backend):
    x = pycnn.Tensor([1.0])
    assert ops.dropout(x, 0) is x


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_wrong_rates(backend, rate):
    with pytest.raises(ValueError, match=rf"rate must lie in \[0, 1\). Received: rate={rate}"):
        ops.dropout([1.0], rate)


@pytest.mark.parametrize("noise_shape", [(3,), (2, 2), (1, 3, 1)])
def test_wrong_noise_shapes(backend, noise_shape):
    with pytest.raises(ValueError, match=r"noise_shape must have .* x.shape=\(2, 3\). Received: noise_shape="):
        ops.dropout(np.ones((2, 3)), 0.5, noise_shape=noise_shape)
