"""Where Winograd's algorithm is used, and the plans of it; the kernels are in pycnn_ext."""

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from pycnn.backend.cpu.activation import ACTIVATION_NUMBERS
from pycnn.backend.cpu.compiled import run
from pycnn.backend.cpu.turned import turned
from pycnn.backend.cpu.workspace import workspace
from pycnn_ext import winograd as ext


class _Rule(NamedTuple):
    """From so many tiles and channels on, tiles of outputs x outputs are faster than the direct algorithm."""

    outputs: int
    tiles: int
    channels: int  # at least, on both sides
    products: int | None = None  # in * out channels at most
    covered: float = 0.0  # share of the tiles' outputs that lie in the image, at least


# What python -m benchmarks tune measures (1.1 to 2.5 times the direct algorithm; the ratios grow with the tiles).
_RULES = {
    (3, "forward"): (_Rule(4, 16, 16, covered=0.5), _Rule(2, 16, 16, products=64 * 64, covered=0.75)),
    (3, "input_grad"): (_Rule(4, 16, 16, covered=0.5), _Rule(2, 16, 16, products=32 * 32, covered=0.75)),
    (3, "filter_grad"): (
        _Rule(4, 32, 16, covered=0.6),
        _Rule(4, 16, 16, products=256 * 256, covered=0.6),
        _Rule(2, 16, 16, products=64 * 64, covered=0.75),
    ),
    (5, "forward"): (_Rule(2, 48, 16, covered=0.85), _Rule(2, 48, 24, products=128 * 128, covered=0.75)),
    (5, "input_grad"): (_Rule(2, 48, 16, covered=0.85), _Rule(2, 48, 24, products=128 * 128, covered=0.75)),
    (5, "filter_grad"): (_Rule(2, 48, 16, covered=0.8), _Rule(2, 48, 16, products=32 * 32, covered=0.75)),
}


_MOST_PREPARED = 640 * 1024  # numbers: 2.5 MiB of float32


@lru_cache(maxsize=1024)
def winograd_plan(geometry, dtype, batch, which, algorithm):
    """The plan of one pass, or None where the direct algorithm is to be used.

    ``"auto"`` never leaves the direct algorithm in float64, which is asked for where accuracy counts.
    """
    g = geometry
    if algorithm == "direct" or not batch or not g.allows_winograd():
        return None
    side = g.kernel_size[0]
    if algorithm == "winograd":
        return make_plan(g, dtype, which, 4 if side == 3 else 2)
    if dtype.itemsize > 4:
        return None
    size = g.input_size if which == "input_grad" else g.output_size
    for rule in _RULES[side, which]:
        tiles = batch * prod(d * -(-n // (d * rule.outputs)) for n, d in zip(size, g.dilation, strict=True))
        few, products = min(g.in_channels, g.out_channels), g.in_channels * g.out_channels
        if (
            tiles >= rule.tiles
            and few >= rule.channels
            and (rule.products is None or products <= rule.products)
            and batch * size[0] * size[1] >= rule.covered * tiles * rule.outputs**2
        ):
            return make_plan(g, dtype, which, rule.outputs)
    return None


def make_plan(g, dtype, which, outputs):
    """The plan of one pass with tiles of outputs x outputs."""
    zeros = np.zeros(max(g.in_channels, g.out_channels) + 64, dtype)
    adjoint = which == "input_grad"
    g = turned(g) if adjoint else g
    (top, _), (left, _) = g.padding
    sizes = (g.input_size, g.output_size, g.in_channels, g.out_channels)
    return ext.WinogradPlan(*sizes, top, left, g.dilation, g.kernel_size[0], outputs, adjoint, zeros)


def winograd_prepare(plan, w):
    """Return the filters as ``winograd_forward`` uses them; None for so many that to read them takes as long.

    Four times as many numbers come from memory then, which only cost room: of VGG-16 some 300 MiB.
    """
    if plan.filters_size() > _MOST_PREPARED:
        return None
    transformed = np.empty(plan.filters_size(), w.dtype)
    plan.transform_filters(w, transformed)
    return transformed


def winograd_forward(plan, x, w, bias, residual, activation, out, prepared=None):
    """Fill and return ``out``, of the forward pass or, with its plan, of the input gradient."""
    run(plan.forward, np.ascontiguousarray(x), w, prepared, bias, residual, ACTIVATION_NUMBERS[activation], out)
    return out


def winograd_filter_grad(plan, x, gy, out):
    """Fill and return ``out``."""
    run(plan.filter_grad, np.ascontiguousarray(x), gy, workspace(plan.filter_grad_sums(len(x)), x.dtype), out)
    return out
