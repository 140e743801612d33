"""Pooling, forward and backward, against PyTorch; torch.compile takes part in the first shape of each kind."""

import numpy as np

from benchmarks.contest import contest
from benchmarks.peers import channels_first, compiled
from pycnn.backend import cpu
from pycnn.backend.geometry import pool_geometry

GATES = {"forward": 2.0, "backward": 3.0}  # of max pooling 3x3, stride 2
SHAPES = (  # batch, size, channels, pool size, stride, padding
    (8, 112, 64, 3, 2, 1),
    (1, 112, 64, 3, 2, 1),
    (8, 28, 480, 3, 2, 1),
    (8, 14, 512, 3, 1, 1),
    (1, 224, 64, 2, 2, 0),
    (32, 28, 6, 2, 2, 0),
    (8, 7, 2048, 7, 7, 0),
)


def run(torch, args):
    """The rows of both kinds of pooling, of all shapes."""
    rows = []
    with torch.inference_mode():
        for kind in (max_pooling, average_pooling):
            for i, shape in enumerate(SHAPES):
                rows += measure(torch, args, kind, shape, with_compiled=i == 0)
    return rows


def measure(torch, args, kind, shape, with_compiled):
    """Both passes of one shape."""
    batch, size, channels, window, stride, padding = shape
    rng = np.random.default_rng(0)
    geometry = pool_geometry((batch, size, size, channels), window, stride, padding)
    x = rng.standard_normal((batch, size, size, channels), dtype=np.float32)
    gy = rng.standard_normal(geometry.output_shape(batch, channels), dtype=np.float32)
    group = kind.__name__.replace("_", " ")
    rows = []
    index_bytes, passes = kind(torch, x, gy, geometry)
    for which, ((peer, tensors), ours) in passes.items():
        contestants = {"torch": lambda peer=peer, tensors=tensors: peer(*tensors), "pycnn": ours}
        if with_compiled:
            fast = compiled(torch, peer)
            contestants["torch.compile"] = lambda fast=fast, tensors=tensors: fast(*tensors)
        gate = GATES[which] if (kind, window, stride) == (max_pooling, 3, 2) else None
        name = f"{group} {window}x{window} s{stride} {channels}@{size} b{batch}"
        nbytes = x.nbytes + gy.nbytes + index_bytes
        rows.append(contest(args, (group, name, which), contestants, nbytes=nbytes, gate=gate))
    return rows


def max_pooling(torch, x, gy, geometry):
    """Bytes of the winners' places, and of each pass ((PyTorch's function, its tensors), pycnn's function)."""
    settings = (geometry.pool_size, geometry.strides, [p for p, _ in geometry.padding], (1, 1), False)
    tx, tgy = channels_first(torch, x), channels_first(torch, gy)
    index = cpu.max_pool2d_forward(x, geometry)[1]
    tindex = torch.ops.aten.max_pool2d_with_indices(tx, *settings)[1]

    def forward(tx):
        return torch.ops.aten.max_pool2d_with_indices(tx, *settings)

    def backward(tgy, tx, tindex):
        return torch.ops.aten.max_pool2d_with_indices_backward(tgy, tx, *settings, tindex)

    return index.nbytes, {
        "forward": ((forward, (tx,)), lambda: cpu.max_pool2d_forward(x, geometry)),
        "backward": ((backward, (tgy, tx, tindex)), lambda: cpu.extreme_pool2d_input_grad(gy, index, geometry)),
    }


def average_pooling(torch, x, gy, geometry):
    """The same of means."""
    settings = (geometry.pool_size, geometry.strides, [p for p, _ in geometry.padding], False, False, None)
    tx, tgy = channels_first(torch, x), channels_first(torch, gy)

    def forward(tx):
        return torch.ops.aten.avg_pool2d(tx, *settings)

    def backward(tgy, tx):
        return torch.ops.aten.avg_pool2d_backward(tgy, tx, *settings)

    return 0, {
        "forward": ((forward, (tx,)), lambda: cpu.avg_pool2d_forward(x, geometry)),
        "backward": ((backward, (tgy, tx)), lambda: cpu.avg_pool2d_input_grad(gy, geometry)),
    }
