"""Steps of training of recurrent layers, forward and backward over whole sequences, against PyTorch's layers.

``torch.compile`` is left out: it runs recurrent layers as they are.
"""

import numpy as np

import pycnn
from benchmarks.contest import contest
from pycnn import layers

SHAPES = (  # units, steps, batch, inputs, gate
    (128, 28, 64, 28, 1.0),
    (32, 28, 64, 28, None),
    (512, 6, 96, 512, None),
    (256, 50, 16, 96, None),
)
GATES = {"LSTM": 4, "GRU": 3}


def run(torch, args):
    """The rows of both kinds, of all shapes."""
    return [measure(torch, args, name, *shape) for name in GATES for shape in SHAPES]


def measure(torch, args, name, units, steps, batch, inputs, gate):
    """Both passes of one layer; only the last output goes on, as in a classifier."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, steps, inputs), dtype=np.float32)
    gy = rng.standard_normal((batch, units), dtype=np.float32)
    layer, module = getattr(layers, name)(units), getattr(torch.nn, name)(inputs, units, batch_first=True)
    given, their_x = pycnn.Tensor(x, requires_grad=True), torch.from_numpy(x).requires_grad_()
    their_gy, our_gy, parameters = torch.from_numpy(gy), pycnn.Tensor(gy), tuple(module.parameters())
    layer(given)

    def ours():
        given.zero_grad()
        for weight in layer.weights:
            weight.zero_grad()
        layer(given, training=True).backward(our_gy)

    def theirs():
        torch.autograd.grad(module(their_x)[0][:, -1], (their_x, *parameters), their_gy)

    products = GATES[name] * units * (inputs + units) * batch * steps  # multiply-adds, forward; twice as many backward
    row = ("recurrent layers", f"{name}({units}) {steps} steps of {inputs} b{batch}", "training")
    return contest(args, row, {"torch": theirs, "pycnn": ours}, flops=6 * products, nbytes=3 * x.nbytes, gate=gate)
