"""An Inception module computes what PyTorch computes branch by branch; the body has its layers in the paper's order."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import applications, layers
from pycnn.applications.inception import MODULES, inception_module


@pytest.mark.parametrize("reduction", [None, 4])
def test_module(reduction):
    torch = peer("torch")
    functional = torch.nn.functional
    inputs = pycnn.Input((7, 6, 5))
    model = pycnn.Model(inputs, inception_module(inputs, (4, 3, 5, 2, 6, 7), "m", reduction))
    model.set_weights([normal(w.shape, np.float32, seed=i) for i, w in enumerate(model.weights)])
    x = normal((2, 7, 6, 5), np.float32)

    def conv(name, x):
        layer = model.get_layer(f"m_{name}")
        kernel = torch.from_numpy(layer.kernel.numpy().transpose(3, 2, 0, 1).copy())
        return functional.conv2d(x, kernel, torch.from_numpy(layer.bias.numpy()), padding="same").relu()

    theirs = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
    y = torch.cat(
        [
            conv("1x1", theirs),
            conv("3x3", conv("3x3_reduce", theirs)),
            conv("5x5", conv("5x5_reduce", theirs)),
            conv("proj", functional.max_pool2d(theirs, 3, 1, 1)),
        ],
        1,
    )
    assert y.shape[1] == 4 + 5 + 6 + 7
    if reduction is not None:
        squeeze, squeeze_bias, excite, excite_bias = map(torch.from_numpy, model.get_layer("m_se").get_weights())
        assert squeeze.shape == (22, 22 // reduction)
        hidden = (y.mean((2, 3)) @ squeeze + squeeze_bias).relu()
        y = y * (hidden @ excite + excite_bias).sigmoid()[:, :, None, None]
    assert_close(model.predict(x, verbose=0), y.permute(0, 2, 3, 1).numpy(), 1e-5)


@pytest.mark.usefixtures("without_numbers")
def test_order_of_the_body():
    """Pooling, normalisation, two convolutions, normalisation, pooling; pooling again behind 3b and 4e."""
    model = applications.SEInception()
    names = [layer.name for layer in model.layers]
    assert names[1:8] == ["conv1", "pool1", "norm1", "conv2_reduce", "conv2", "norm2", "pool2"]
    order = [n for n in names if n.startswith("pool") or n.endswith("_se")]
    expected = [f"inception_{module}_se" for module in MODULES]
    expected[2:2], expected[8:8] = ["pool3"], ["pool4"]
    assert order == ["pool1", "pool2", *expected]
    for name in ("norm1", "norm2"):
        norm = model.get_layer(name)
        assert (norm.size, norm.alpha, norm.beta, norm.bias) == (5, 1e-4, 0.75, 1.0)
    strides = {la.name: la.strides for la in model.layers if isinstance(la, layers.MaxPooling2D) and la.ceil_mode}
    assert strides == dict.fromkeys(("pool1", "pool2", "pool3", "pool4"), (2, 2))
    assert model.get_layer("dropout").rate == 0.4
