"""One convolution layer: forward, input gradient, filter gradient, and for single images inference, against the peers.

Forward is that of training, where filters change at every step; in inference each side may keep them as it likes best.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

import pycnn
from benchmarks.contest import contest
from benchmarks.limits import conv_flops
from benchmarks.peers import channels_first, onnx_inference
from pycnn import layers
from pycnn.backend import cpu
from pycnn.backend.geometry import conv_geometry

SHAPES = Path(__file__).parent / "shapes"
GRADED = ("forward", "input_grad", "filter_grad")  # the passes of the gates
SIZES = (5, 7, 8, 12, 14, 17, 20, 24, 28, 31, 40, 56, 64)
CHANNELS = (1, 3, 6, 8, 16, 17, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512)
MOST_MULTIPLY_ADDS = 5e8  # of a random shape


class Shape(NamedTuple):
    """One line of the shapes file."""

    batch: int
    size: int
    channels: int
    filters: int
    kernel: int
    stride: int
    dilation: int
    groups: int
    gates: tuple = (None, None, None)
    group: str = ""

    def __str__(self):
        extra = "".join(
            f" {name}{value}"
            for name, value in (("s", self.stride), ("d", self.dilation), ("g", self.groups))
            if value > 1
        )
        return f"{self.kernel}x{self.kernel}{extra} {self.channels}->{self.filters}@{self.size} b{self.batch}"

    @property
    def geometry(self):
        """As the kernels want it; padded so that stride 1 keeps the size of the map."""
        kernel_shape = (self.kernel, self.kernel, self.channels // self.groups, self.filters)
        x_shape, padding = (self.batch, self.size, self.size, self.channels), self.dilation * (self.kernel - 1) // 2
        return conv_geometry(x_shape, kernel_shape, self.stride, padding, self.dilation, self.groups)


def read_shapes(path):
    """The shapes of a text file: eight integers a line and perhaps three gates; ## starts a group, # a comment."""
    shapes, group = [], ""
    for line in Path(path).read_text().splitlines():
        if line.startswith("##"):
            group = line.strip("# ")
            continue
        words = line.split("#")[0].split()
        if words:
            gates = tuple(None if word == "-" else float(word) for word in words[8:]) or (None, None, None)
            shapes.append(Shape(*map(int, words[:8]), gates, group))
    return shapes


def random_shapes(count, seed):
    """Shapes of the same kinds as the file's, of other sizes, channels and strides: nothing is tuned to these."""
    rng = np.random.default_rng(seed)
    shapes = []
    while len(shapes) < count:
        kind = rng.choice(["dense", "depthwise", "grouped", "dilated", "stem"], p=[0.7, 0.1, 0.07, 0.06, 0.07])
        batch, size, stride = int(rng.choice([1, 1, 2, 4, 8])), int(rng.choice(SIZES)), int(rng.choice([1, 1, 1, 2]))
        kernel, (channels, filters) = int(rng.choice([1, 3, 3, 3, 5])), map(int, rng.choice(CHANNELS, 2))
        dilation = groups = 1
        if kind == "depthwise":
            kernel, groups, filters = max(kernel, 3), channels, channels
        elif kind == "grouped":
            groups = int(rng.choice([2, 4, 8, 32]))
            channels, filters = (-(-n // groups) * groups for n in (channels, filters))
        elif kind == "dilated":
            kernel, stride, dilation = 3, 1, int(rng.choice([2, 4]))
        elif kind == "stem":
            size, channels, kernel, stride = 4 * size, int(rng.choice([1, 3, 4])), 7, 2
        shape = Shape(batch, size, channels, filters, kernel, stride, dilation, groups, group=str(kind))
        if shape.geometry.multiply_adds * batch <= MOST_MULTIPLY_ADDS:
            shapes.append(shape)
    return shapes


def measure(shape, torch, args):
    """The rows of all passes of one shape."""
    rng = np.random.default_rng(0)
    s, geometry = shape, shape.geometry
    x, w, gy = (  # in PyTorch's memory, which begins at cache lines, as both sides' results do
        torch.from_numpy(rng.standard_normal(sizes, dtype=np.float32)).clone().numpy()
        for sizes in (geometry.input_shape(s.batch), geometry.kernel_shape, geometry.output_shape(s.batch))
    )
    tx, tgy = channels_first(torch, x), channels_first(torch, gy)
    single = 1 in w.shape[2:]  # PyTorch refuses some of them in channels_last: "grad_weight must be contiguous"
    layout = torch.contiguous_format if single else torch.channels_last
    tw = torch.from_numpy(w).permute(3, 2, 0, 1).contiguous(memory_format=layout)
    settings = ([s.stride] * 2, [geometry.padding[0][0]] * 2, [s.dilation] * 2)

    def peer_backward(mask):
        return torch.ops.aten.convolution_backward(tgy, tx, tw, None, *settings, False, [0, 0], s.groups, mask)

    contests = {
        "forward": {
            "torch": lambda: torch.nn.functional.conv2d(tx, tw, None, *settings, s.groups),
            "pycnn": lambda: cpu.conv2d_forward(x, w, geometry),
        },
        "input_grad": {
            "torch": lambda: peer_backward([True, False, False]),
            "pycnn": lambda: cpu.conv2d_input_grad(gy, w, geometry),
        },
        "filter_grad": {
            "torch": lambda: peer_backward([False, True, False]),
            "pycnn": lambda: cpu.conv2d_filter_grad(x, gy, geometry),
        },
    }
    if s.batch == 1:
        contests["inference"] = inference(shape, torch, args, x, w)
    work = {"flops": conv_flops(geometry, s.batch), "nbytes": x.nbytes + w.nbytes + gy.nbytes}
    gates = dict(zip(GRADED, s.gates, strict=True))
    return [
        contest(args, (s.group, str(s), which), contestants, gate=gates.get(which), **work)
        for which, contestants in contests.items()
    ]


def inference(shape, torch, args, x, w):
    """The contestants of the pass that never changes its filters: whole models of one layer."""
    s, pad = shape, shape.geometry.padding[0][0]
    options = {"strides": s.stride, "padding": pad, "dilation_rate": s.dilation, "groups": s.groups}
    model = pycnn.Sequential([layers.Input(x.shape[1:]), layers.Conv2D(s.filters, s.kernel, use_bias=False, **options)])
    model.set_weights([w])
    module = torch.nn.Conv2d(s.channels, s.filters, s.kernel, s.stride, pad, s.dilation, s.groups, bias=False)
    module.weight.copy_(torch.from_numpy(w).permute(3, 2, 0, 1))
    module.to(memory_format=torch.channels_last)
    tx = channels_first(torch, x)
    contestants = {"torch": lambda: module(tx), "pycnn": lambda: model.predict_on_batch(x)}
    if "onnxruntime" in args.peers:
        contestants["onnxruntime"] = onnx_inference(torch, module, tx, args.threads)
    return contestants


def run(torch, args):
    """The rows of the shapes that the arguments name."""
    if args.random:
        shapes = random_shapes(args.random, args.seed)
    else:
        path = Path(args.shapes)
        shapes = read_shapes(path if path.suffix else SHAPES / f"{path}.txt")
    with torch.inference_mode():
        return [row for shape in shapes for row in measure(shape, torch, args)]
