"""One convolution layer: forward, input gradient, filter gradient, against PyTorch in channels_last."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.limits import Limits
from benchmarks.timing import geometric_mean, interleave
from pycnn.backend import cpu
from pycnn.backend.geometry import conv_geometry

SHAPES = Path(__file__).parent / "shapes" / "conv.txt"
PASSES = ("forward", "input_grad", "filter_grad")


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

    def __str__(self):
        extra = "".join(
            f" {name}{value}"
            for name, value in (("s", self.stride), ("d", self.dilation), ("g", self.groups))
            if value > 1
        )
        return f"{self.kernel}x{self.kernel}{extra} {self.channels}->{self.filters}@{self.size} b{self.batch}"


def read_shapes(path=SHAPES):
    """The shapes of a text file: eight integers a line, # starts a comment."""
    lines = (line.split("#")[0].split() for line in Path(path).read_text().splitlines())
    return [Shape(*map(int, line)) for line in lines if line]


def random_shapes(count, seed):
    """Shapes of the same kinds as the file's, other sizes, channels, strides: nothing is tuned to these."""
    rng = np.random.default_rng(seed)
    shapes = []
    for _ in range(count):
        kernel, size = int(rng.choice([1, 3, 3, 3, 5, 7])), int(rng.integers(7, 64))
        base = int(rng.choice([16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256]))
        filters = int(rng.choice([16, 24, 32, 48, 64, 96, 128, 192, 256, 384]))
        kind = rng.random()
        groups = base if kind < 0.1 else 8 if kind < 0.2 else 1
        stride, dilation = (2, 1) if rng.random() < 0.25 else (1, 2 if kernel == 3 and rng.random() < 0.15 else 1)
        filters = base if groups == base else filters // groups * groups
        shapes.append(Shape(int(rng.choice([1, 2, 4, 8])), size, base, filters, kernel, stride, dilation, groups))
    return shapes


def measure(shape, torch, limits, seconds):
    """Times of both, by pass: name -> (peer seconds, our seconds, limit seconds)."""
    rng = np.random.default_rng(0)
    s, pad = shape, shape.dilation * (shape.kernel - 1) // 2
    x = rng.standard_normal((s.batch, s.size, s.size, s.channels), dtype=np.float32)
    w = rng.standard_normal((s.kernel, s.kernel, s.channels // s.groups, s.filters), dtype=np.float32)
    geometry = conv_geometry(x.shape, w.shape, s.stride, pad, s.dilation, s.groups)
    gy = rng.standard_normal(geometry.output_shape(s.batch), dtype=np.float32)

    tx, tgy = (torch.from_numpy(a).permute(0, 3, 1, 2) for a in (x, gy))
    tw = torch.from_numpy(w).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    settings = ([s.stride] * 2, [pad] * 2, [s.dilation] * 2)

    def peer_backward(mask):
        return torch.ops.aten.convolution_backward(tgy, tx, tw, None, *settings, False, [0, 0], s.groups, mask)

    contests = {
        "forward": (
            lambda: torch.nn.functional.conv2d(tx, tw, None, *settings, s.groups),
            lambda: cpu.conv2d_forward(x, w, geometry),
        ),
        "input_grad": (
            lambda: peer_backward([True, False, False]),
            lambda: cpu.conv2d_input_grad(gy, w, geometry),
        ),
        "filter_grad": (
            lambda: peer_backward([False, True, False]),
            lambda: cpu.conv2d_filter_grad(x, gy, geometry),
        ),
    }
    limit = limits.at_least(2 * geometry.multiply_adds * s.batch, x.nbytes + w.nbytes + gy.nbytes)
    results = {}
    for name, (peer, ours) in contests.items():
        times = interleave({"peer": peer, "ours": ours}, seconds)
        results[name] = (times["peer"], times["ours"], limit)
    return results


def run(torch, args):
    """Print one row a shape and pass, and the geometric means; return the rows."""
    limits = Limits()
    print(f"{args.threads} thread(s); {limits}; times in ms; ratio = time(PyTorch) / time(pycnn)")
    header = " ".join(f"| {name:>11}: peer    pycnn  ratio  limit" for name in PASSES)
    print(f"{'shape':<34}{header}")
    shapes = random_shapes(args.random, args.seed) if args.random else read_shapes(args.shapes or SHAPES)
    rows, ratios = [], {name: [] for name in PASSES}
    with torch.no_grad():
        for shape in shapes:
            cells = []
            for name, (peer, ours, limit) in measure(shape, torch, limits, args.seconds).items():
                ratios[name].append(peer / ours)
                rows.append(
                    {
                        "shape": str(shape),
                        "pass": name,
                        "peer_ms": peer * 1e3,
                        "pycnn_ms": ours * 1e3,
                        "ratio": peer / ours,
                        "share_of_limit": limit / ours,
                    }
                )
                cells.append(f"| {peer * 1e3:>16.3f} {ours * 1e3:>8.3f} {peer / ours:>6.2f} {limit / ours:>5.0%}")
            print(f"{shape!s:<34}{' '.join(cells)}", flush=True)
    for name in PASSES:
        print(f"{name:<12} geometric mean {geometric_mean(ratios[name]):.2f}, worst {min(ratios[name]):.2f}")
    return rows
