"""RoI max pooling, forward and backward, against a scalar loop on one thread, compiled from C.

PyTorch's vision package has no build for its CPU package on PyPI, and ONNX Runtime no gradients.
"""

import ctypes

import numpy as np

from benchmarks.contest import contest
from benchmarks.loops import loop
from pycnn.backend import cpu
from pycnn.backend.roi_geometry import roi_geometry

GATE = 4.0  # of both passes together
SHAPES = (  # images, height, width, channels, regions, bins; a pixel of the map is 16 of the image
    (1, 38, 63, 512, 128, 7),
    (2, 38, 63, 512, 128, 7),
    (2, 38, 63, 512, 300, 7),
    (8, 14, 14, 64, 64, 7),
    (16, 14, 14, 64, 512, 7),
    (2, 25, 25, 256, 128, 14),
    (4, 20, 30, 20, 100, 5),
)
SCALE = 1 / 16


def run(torch, args):
    """The rows of all shapes; PyTorch takes no part."""
    return [row for shape in SHAPES for row in measure(args, *shape)]


def measure(args, images, height, width, channels, regions, bins):
    """Both passes of one shape, and the two together, which is what training takes."""
    rng = np.random.default_rng(0)
    geometry = roi_geometry((images, height, width, channels), bins, SCALE)
    x = rng.standard_normal(geometry.input_shape(channels), dtype=np.float32)
    gy = rng.standard_normal(geometry.output_shape(regions, channels), dtype=np.float32)
    rois = boxes(rng, images, height / SCALE, width / SCALE, regions)
    y, index = cpu.roi_pool_forward(x, rois, geometry)
    out, gx = {"out": np.empty_like(y), "index": np.empty_like(index)}, np.empty_like(x)  # the loop has its own, too
    forward, backward = loops(x, gy, rois, index, geometry)
    passes = {
        "forward": ((forward,), (lambda: cpu.roi_pool_forward(x, rois, geometry, **out),)),
        "backward": ((backward,), (lambda: cpu.roi_pool_input_grad(gy, rois, index, geometry, gx),)),
    }
    passes["both"] = tuple(f + b for f, b in zip(passes["forward"], passes["backward"], strict=True))
    name = f"RoI max pooling {bins}x{bins} {regions} of {channels}@{height}x{width} b{images}"
    rows = []
    for which, (theirs, ours) in passes.items():
        contestants = {"loop": lambda theirs=theirs: call(theirs), "pycnn": lambda ours=ours: call(ours)}
        nbytes = len(theirs) * (x.nbytes + gy.nbytes + index.nbytes)
        row = ("RoI max pooling", name, which)
        one = args.__class__(**{**vars(args), "peers": ("loop",)})
        rows.append(contest(one, row, contestants, nbytes=nbytes, gate=GATE if which == "both" else None))
    return rows


def call(functions):
    """Call each of them."""
    for function in functions:
        function()


def boxes(rng, images, height, width, count):
    """Regions like those of selective search: sides from 32 pixels up to the image's, small ones more often."""
    sides = np.exp(rng.uniform(np.log(32), np.log([width, height]), (count, 2)))
    corners = rng.uniform(0, 1, (count, 2)) * ([width, height] - sides)
    return np.concatenate([rng.integers(0, images, (count, 1)), corners, corners + sides], 1).astype(np.float32)


def loops(x, gy, rois, index, geometry):
    """Functions that run the forward and the backward loop on arrays of their own; they return their results."""
    index = index.astype(np.int32)
    y, places, gx = np.empty_like(gy), np.empty_like(index), np.empty_like(x)
    images, height, width, channels = x.shape
    (bins_y, bins_x), count = geometry.output_size, len(rois)

    def address(array):
        return ctypes.c_void_p(array.ctypes.data)

    def forward():
        sizes = (count, bins_y, bins_x, ctypes.c_float(geometry.spatial_scale))
        loop("roi").roi_pool_forward(
            address(x), height, width, channels, address(rois), *sizes, address(y), address(places)
        )
        return y, places

    def backward():
        sizes = (images, height, width, channels)
        loop("roi").roi_pool_input_grad(
            address(gy), *sizes, address(rois), count, bins_y * bins_x, address(index), address(gx)
        )
        return gx

    return forward, backward
