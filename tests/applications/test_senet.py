"""SqueezeExcite in Inception modules: what PyTorch computes way by way, and the layers of SEInception."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn import applications, layers
from pycnn.applications.googlenet import inception_module


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
            conv("pool_proj", functional.max_pool2d(theirs, 3, 1, 1)),
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
def test_seinception():
    """GoogLeNet's layers, and behind each module a SqueezeExcite, which the next module and the pooling see."""
    model, plain = applications.SEInception(), applications.GoogLeNet()
    modules = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    names = [layer.name for layer in model.layers[1:]]
    assert [n for n in names if not n.endswith("_se")] == [layer.name for layer in plain.layers[1:]]
    assert [n for n in names if n.endswith("_se")] == [f"inception_{module}_se" for module in modules]
    for module, behind in zip(modules, [*modules[1:], None], strict=True):
        squeeze = model.get_layer(f"inception_{module}_se")
        assert isinstance(squeeze, layers.SqueezeExcite)
        assert squeeze.ratio == 16
        follower = {"3b": "pool3", "4e": "pool4", "5b": "avg_pool"}.get(module, f"inception_{behind}_1x1")
        assert model.get_layer(follower).input is squeeze.output
