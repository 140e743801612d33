"""Whole networks: a training step on eight images and the prediction of one image, against the peers."""

from statistics import median

import pycnn
from benchmarks.contest import make_row, show
from benchmarks.duel import duel
from benchmarks.limits import WINOGRAD_SAVES
from pycnn import layers
from pycnn.explain.explanation import read_shapes, step_of, trace_shapes

NETS = ("ResNet50", "SEResNet50", "GoogLeNet", "VGG16", "MobileNet")
WORK = {"training": 8, "inference": 1}
"""The batch of each pass."""
SIDES = {"training": ("torch", "torch.compile"), "inference": ("torch", "torch.compile", "onnxruntime")}
GATES = {
    ("GoogLeNet", "inference"): 1.4,
    ("GoogLeNet", "training"): 1.3,
    ("SEResNet50", "inference"): 1.4,
    ("SEResNet50", "training"): 1.2,
    ("VGG16", "inference"): 1.5,
}
TIMES = 25  # so many times --seconds may the turns of a network take together


def run(torch, args):
    """The rows of the networks and passes that the arguments name."""
    rows = []
    for net in args.nets:
        flops, nbytes = least_work(getattr(pycnn.applications, net)(input_shape=(args.size, args.size, 3)))
        for work in args.passes:
            batch = WORK[work]
            sides = [name for name in SIDES[work] if name in args.peers]
            needed = flops * batch * (3 if work == "training" else 1), nbytes
            what = net, work, batch, args.size, args.threads, args.turns
            answers, missing = duel([*sides, "pycnn"], *what, TIMES * args.seconds, args.compile_seconds)
            seconds = {name: median(turn.seconds for turn in turns) for name, turns in answers.items()}
            row = (f"{net} {work}", f"{net} b{batch}", work)
            rows.append(show(make_row(*row, seconds, args.limits, needed, GATES.get((net, work)), missing)))
    return rows


def least_work(model):
    """The operations for one image, Winograd's savings taken off, and the bytes of all weights."""
    calls, _ = trace_shapes(model, read_shapes(model))
    flops = sum(2 * (step_of(call).multiply_adds or 0) / _saved(call.layer) for call in calls)
    return flops, 4 * model.count_params()


def _saved(layer):
    """By what Winograd's algorithm may divide the multiplications."""
    if not isinstance(layer, layers.Conv2D) or layer.groups > 1:
        return 1
    square = tuple(layer.kernel_size) in ((3, 3), (5, 5))
    plain = tuple(layer.strides) == tuple(layer.dilation_rate) == (1, 1)
    return WINOGRAD_SAVES if square and plain else 1
