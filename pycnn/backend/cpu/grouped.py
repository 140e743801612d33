"""Convolution by groups of few channels, depthwise above all: when, and the plans; the kernels are in pycnn_ext."""

from functools import lru_cache
from itertools import pairwise

import numpy as np

from pycnn.backend.cpu.activation import ACTIVATION_NUMBERS
from pycnn.backend.cpu.compiled import run
from pycnn.backend.cpu.lanes import LANES
from pycnn.backend.cpu.turned import turned
from pycnn.backend.cpu.workspace import workspace
from pycnn_ext import conv as conv_ext
from pycnn_ext import grouped as ext

_FEW = 24  # channels a group, on both sides, below which this is faster than a matrix product a group
_FEW_FILTER_GRAD = 32  # the same of the filter gradient, if one side has less than a vector, which is not the input
_WIDTHS = {1: (7, 5, 3, 2), 2: (5, 3)}  # taps side by side that the kernels take as one, by stride


def is_grouped(geometry):
    """Whether these kernels are used forward and for the input gradient; as measured, by ratios up to 1.7."""
    g = geometry
    return g.groups > 1 and max(g.in_channels, g.out_channels) // g.groups < _FEW


def has_grouped_filter_grad(geometry):
    """Whether they are used for the filter gradient: not for whole vectors of channels, which need no packing."""
    g = geometry
    channels, filters = g.in_channels // g.groups, g.out_channels // g.groups
    few = max(channels, filters) < _FEW_FILTER_GRAD and min(channels, filters) < LANES
    if g.groups == 1 or not few:
        return False
    if channels % LANES == 0:
        return channels > 8 * filters and _turned(g) is not None
    return max(g.strides) == 1 or max(channels, filters) <= LANES or channels <= 5


@lru_cache(maxsize=1024)
def _turned(g):
    """The convolution of the output's gradient that has the same filter gradient, turned; None where it is no better.

    Filters lie along the vector: where there are fewer than channels in a group, the two sides change places.
    """
    return turned(g) if g.strides == (1, 1) and g.in_channels > g.out_channels else None


@lru_cache(maxsize=1024)
def _forward_plan(g):
    taps_y = [(r * g.dilation[0] - g.padding[0][0], r) for r in range(g.kernel_size[0])]
    taps_x = [(s * g.dilation[1] - g.padding[1][0], s) for s in range(g.kernel_size[1])]
    phase = ((0, 0), (1, 1), g.output_size, g.strides, *_runs(g, taps_y, taps_x, g.strides[1]))
    return ext.GroupedPlan(g.input_size, g.output_size, g.in_channels, g.out_channels, g.groups, [phase])


@lru_cache(maxsize=1024)
def _input_grad_plan(g):
    """The plan, and whether it leaves pixels out, which no tap reaches."""
    (height, width), phases = g.input_size, []
    starts = [(y, x) for y in range(min(g.strides[0], height)) for x in range(min(g.strides[1], width))]
    for y, x in starts:
        taps_y, taps_x = _phase_taps(g, 0, y), _phase_taps(g, 1, x)
        if taps_y and taps_x:
            grid = (-(-(height - y) // g.strides[0]), -(-(width - x) // g.strides[1]))
            phases.append(((y, x), g.strides, grid, (1, 1), *_runs(g, taps_y, taps_x, 1)))
    plan = ext.GroupedPlan(g.output_size, g.input_size, g.out_channels, g.in_channels, g.groups, phases)
    return plan, len(phases) < len(starts)


def _phase_taps(g, axis, first):
    """Of pixels first, first + stride, ...: which outputs see them, and by which row or column of the filters."""
    reached = [(first + g.padding[axis][0] - r * g.dilation[axis], r) for r in range(g.kernel_size[axis])]
    return sorted((at // g.strides[axis], r) for at, r in reached if at % g.strides[axis] == 0)


def _runs(g, taps_y, taps_x, stride):
    """Width of the runs, the filters' step within one, and the runs; the last reads the lowest line."""
    tap = g.in_channels // g.groups * g.out_channels
    adjacent = all(b[0] - a[0] == 1 for a, b in pairwise(taps_x))
    widths = [width for width in _WIDTHS.get(stride, ()) if len(taps_x) % width == 0 and adjacent]
    width = widths[0] if widths else 1
    step = (taps_x[1][1] - taps_x[0][1]) * tap if width > 1 else 0
    runs = [(y, x, (r * g.kernel_size[1] + s) * tap) for y, r in taps_y for x, s in taps_x[::width]]
    return width, step, runs


def grouped_forward(geometry, x, w, bias, residual, activation, out):
    """Fill and return ``out``."""
    forward, number = _forward_plan(geometry).forward, ACTIVATION_NUMBERS[activation]
    run(forward, np.ascontiguousarray(x), w, bias, residual, number, out)
    return out


def grouped_input_grad(geometry, gy, w, out):
    """Fill and return ``out``."""
    plan, leaves_out = _input_grad_plan(geometry)
    if leaves_out:
        run(conv_ext.fill_zeros, out)
    run(plan.forward, gy, w, None, None, ACTIVATION_NUMBERS[None], out, True)  # its adjoint
    return out


def grouped_filter_grad(geometry, x, gy, out):
    """Fill and return ``out``."""
    g, other, x = geometry, _turned(geometry), np.ascontiguousarray(x)
    plan = _forward_plan(other or g)
    memory = workspace((plan.slices(len(x)) + 1, *out.shape), x.dtype)
    if other is None:
        run(plan.filter_grad, x, gy, memory[1:], out)
        return out
    run(plan.filter_grad, gy, x, memory[1:].reshape(-1, *other.kernel_shape), memory[0].reshape(other.kernel_shape))
    sides = memory[0].reshape(*g.kernel_size, -1, g.groups, g.in_channels // g.groups)
    target = out.reshape(*g.kernel_size, -1, g.groups, g.out_channels // g.groups)
    run(np.copyto, target, sides[::-1, ::-1].transpose(0, 1, 4, 3, 2))
    return out
