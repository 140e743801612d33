"""What the choice between the direct and Winograd's algorithm rests on: time(direct) / time(Winograd), by shape."""

import itertools
from functools import partial

import numpy as np

from benchmarks.timing import interleave
from pycnn.backend import cpu
from pycnn.backend.cpu import winograd
from pycnn.backend.geometry import conv_geometry

MAPS = [(7, 1, 1), (7, 8, 1), (14, 1, 1), (14, 8, 1), (28, 1, 1), (28, 4, 1), (56, 1, 1)]  # size, batch, dilation
MAPS += [(5, 8, 1), (6, 8, 1), (9, 4, 1), (28, 1, 2), (12, 4, 4), (17, 4, 4)]  # tiles that reach out of the image
CHANNELS = ((8, 16), (16, 16), (16, 32), (24, 24), (32, 64), (64, 32), (64, 64), (128, 128), (256, 256), (512, 512))
TILES = {3: (4, 2), 5: (2,)}
MOST_MULTIPLY_ADDS = 1e9
PASSES = ("forward", "input_grad", "filter_grad")


def run(torch, args):
    """Print a row a shape: the ratios of each pass, for each size of tiles, and which one "auto" takes."""
    print(f"{args.threads} thread(s); time(direct) / time(Winograd), tiles of 4x4 and 2x2 outputs; * what auto takes")
    rows = []
    for side, (size, batch, dilation), (channels, filters) in itertools.product(TILES, MAPS, CHANNELS):
        shapes, padding = ((batch, size, size, channels), (side, side, channels, filters)), side // 2 * dilation
        geometry = conv_geometry(*shapes, padding=padding, dilation=dilation)
        if geometry.multiply_adds * batch > MOST_MULTIPLY_ADDS:
            continue
        ratios = {which: contest(geometry, batch, which, args.seconds / 4) for which in PASSES}
        name = f"{side}x{side}{f' d{dilation}' if dilation > 1 else ''} {channels}->{filters}@{size} b{batch}"
        print(f"{name:<24} " + "   ".join(f"{which} {text(ratios[which])}" for which in PASSES), flush=True)
        rows.append({"shape": name, **{which: dict(ratios[which]) for which in PASSES}})
    return rows


def text(ratios):
    """Ratios of one pass, as they are printed."""
    return " ".join(f"{ratio:.2f}{'*' if taken else ' '}" for _, (ratio, taken) in ratios.items())


def contest(geometry, batch, which, seconds):
    """A dict of outputs a tile -> (ratio, whether "auto" takes it)."""
    rng = np.random.default_rng(0)
    x, w, gy = (
        rng.standard_normal(shape, dtype=np.float32)
        for shape in (geometry.input_shape(batch), geometry.kernel_shape, geometry.output_shape(batch))
    )
    arrays = {"forward": (x, w), "input_grad": (gy, w), "filter_grad": (x, gy)}[which]
    kernel = getattr(cpu, f"conv2d_{which}")
    taken = winograd.winograd_plan(geometry, x.dtype, batch, which, "auto")
    contestants = {0: lambda: kernel(*arrays, geometry, algorithm="direct")}
    out = np.empty_like({"forward": gy, "input_grad": x, "filter_grad": w}[which])
    for outputs in TILES[geometry.kernel_size[0]]:
        plan = winograd.make_plan(geometry, x.dtype, which, outputs)
        if which == "filter_grad":
            contestants[outputs] = partial(winograd.winograd_filter_grad, plan, *arrays, out)
        else:
            contestants[outputs] = partial(winograd.winograd_forward, plan, *arrays, None, None, None, out)
    times = interleave(contestants, seconds, least=5)
    direct = times.pop(0)
    return {m: (direct / seconds, taken is not None and taken.outputs == m) for m, seconds in times.items()}
