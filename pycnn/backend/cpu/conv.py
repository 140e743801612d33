"""Convolution on the CPU: which kernel, on arrays laid out as it wants them.

=====================================  ==========================================================================
depthwise, groups of few channels      kernels of their own, in grouped.py
few filters (below a vector)           dot products along many channels, or pixels along the vector, where these fill
                                       it better
few input channels (below a vector)    input gradient by products that are added up along the lines of the image
few filters of many channels           input gradient as a convolution of the gradient, in the way of the next line
fewer still, with padding              the image is padded once, so that a filter row is one run of kw*C numbers
3x3 and 5x5 of stride 1                Winograd's algorithm, where the rules of winograd.py say so
everything else                        matrix products over gathered rows
=====================================  ==========================================================================
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pycnn.backend.cpu.activation import ACTIVATION_NUMBERS, activation_forward
from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.compiled import run
from pycnn.backend.cpu.grouped import (
    grouped_filter_grad,
    grouped_forward,
    grouped_input_grad,
    has_grouped_filter_grad,
    is_grouped,
)
from pycnn.backend.cpu.lanes import LANES
from pycnn.backend.cpu.turned import turned
from pycnn.backend.cpu.winograd import winograd_filter_grad, winograd_forward, winograd_plan, winograd_prepare
from pycnn.backend.cpu.workspace import workspace
from pycnn_ext import conv as ext

_SHORT_RUN = 8  # numbers of a filter row, below which filter gradients take all rows at once, if the image has them


class _Planar(NamedTuple):
    """Which passes have pixels along the vector."""

    forward: bool
    input_grad: bool
    filter_grad: bool


class _Turned(NamedTuple):
    """The input gradient as a convolution of the gradient with the filters turned."""

    plan: ext.ConvPlan
    pad: tuple  # ((0, 0), (left, right)) that the gradient gets beforehand


class _Choice(NamedTuple):
    """What depends on geometry and dtype alone."""

    plan: ext.ConvPlan  # forward
    input_plan: ext.ConvPlan  # input gradient
    filter_plan: ext.ConvPlan  # filter gradient
    pad: tuple  # ((top, bottom), (left, right)) that the plan's image gets beforehand, or None
    scatter: bool
    planar: _Planar
    dots: bool  # forward, for which there is no other then
    turned: _Turned | None  # input gradient, for which there is no other then


@lru_cache(maxsize=1024)
def _choose(geometry, dtype):
    g = geometry
    groups, channels = g.groups, g.in_channels
    planar, dots = _planar(g), _has_dots(g)
    runs = groups == 1 and g.kernel_size[1] > 1 and g.dilation[1] == 1
    scatter = not planar.input_grad and channels < LANES and runs
    pad = None
    if runs and any(g.padding[1]) and channels <= 2 * LANES:
        pad = (g.padding[0] if channels * g.kernel_size[1] < _SHORT_RUN else (0, 0), g.padding[1])
    merge = runs and (pad is not None or not any(g.padding[1])) and channels <= 4 * LANES
    gemm_plan = _plan(_padded_geometry(g, pad) if pad else g, channels, groups, merge, dtype)
    plain_plan = _plan(g, channels, groups, False, dtype) if any(planar) or dots or pad else gemm_plan
    return _Choice(
        plain_plan if planar.forward or dots else gemm_plan,
        plain_plan,
        plain_plan if planar.filter_grad else gemm_plan,
        pad,
        scatter,
        planar,
        dots,
        _as_turned(g, dtype),
    )


def _as_turned(g, dtype):
    """For so few filters that their runs along a line, short as they are, should be one; as measured, by 1.1 to 1.4."""
    kw, (left, right) = g.kernel_size[1], g.padding[1]
    few = g.in_channels >= LANES and g.out_channels <= (12 if kw > 3 else 2 if kw > 1 else 0)
    large = g.output_size[0] * g.output_size[1] >= 256  # else one call more takes longer
    if not few or not large or g.groups > 1 or g.strides != (1, 1) or g.dilation[1] > 1 or max(left, right) >= kw:
        return None
    sides = turned(g)
    pad = ((0, 0), sides.padding[1])
    return _Turned(_plan(_padded_geometry(sides, pad), sides.in_channels, 1, True, dtype), pad)


def _has_dots(g):
    """Whether there are so few filters of so many channels that dot products are faster; as measured, up to 3 times."""
    channels, filters = g.in_channels, g.out_channels
    if g.groups > 1 or filters >= LANES:
        return False
    if g.kernel_size == (1, 1):
        return channels >= 2 * LANES * filters
    return filters <= 12 and channels >= (64 if max(g.strides) > 1 else 96)


def _planar(g):
    """For which passes pixels fill vectors better than channels do; as measured, by ratios of 1.1 to 5."""
    channels, filters = g.in_channels, g.out_channels
    if g.groups > 1 or g.kernel_size == (1, 1):
        return _Planar(False, False, False)
    few, dilated = filters < LANES, max(g.dilation) > 1
    whole = filters % LANES == 0 and not dilated  # vectors, and taps of a row are one run
    thin = channels == 1 and filters < (8 if dilated else 4) * LANES and not whole
    return _Planar(
        forward=few and _filled(filters) < _filled(g.output_size[1]),
        input_grad=few and channels < LANES and _filled(channels) < _filled(-(-g.input_size[1] // g.strides[1])),
        filter_grad=(thin or (few and channels <= 4)) and _filled(g.output_size[1]) >= 0.5,
    )


def _filled(numbers):
    """Which part of the lanes holds something, of as many vectors as ``numbers`` need."""
    return numbers / (-(-numbers // LANES) * LANES)


def _plan(g, channels, groups, merge, dtype):
    zeros = np.zeros(max(channels, g.out_channels) * g.kernel_size[1] + LANES, dtype)
    sizes = (g.input_size, g.output_size, g.kernel_size, g.strides, g.dilation)
    (top, _), (left, _) = g.padding
    return ext.ConvPlan(*sizes, top, left, channels, g.out_channels, groups, merge, zeros)


def _padded_geometry(g, pad):
    size = tuple(n + sum(more) for n, more in zip(g.input_size, pad, strict=True))
    return g._replace(input_size=size, padding=(g.padding[0] if pad[0] == (0, 0) else (0, 0), (0, 0)))


def _padded(x, pad):
    n, height, width, channels = x.shape
    padded = result((n, height + sum(pad[0]), width + sum(pad[1]), channels), x.dtype)
    run(ext.pad_zeros, np.ascontiguousarray(x), pad[0][0], pad[1][0], padded)
    return padded


def _source(x, choice, planar):
    """The input as the plan wants it: contiguous, padded."""
    return _padded(x, choice.pad) if choice.pad and not planar else np.ascontiguousarray(x)


def conv2d_prepare(w, geometry, batch, algorithm="auto"):
    w = np.ascontiguousarray(w)
    winograd = winograd_plan(geometry, w.dtype, batch, "forward", algorithm)
    if winograd is not None:
        return winograd_prepare(winograd, w)
    choice = None if is_grouped(geometry) else _choose(geometry, w.dtype)
    if choice is None or choice.planar.forward or choice.dots:
        return None
    packed = np.empty(choice.plan.packed_size(), w.dtype)
    choice.plan.pack_filters(w, packed)
    return packed


def conv2d_forward(
    x, w, geometry, bias=None, residual=None, activation=None, algorithm="auto", prepared=None, out=None
):
    out = result(geometry.output_shape(len(x)), x.dtype, out)
    w, bias, residual = contiguous(w, bias, residual)
    winograd = winograd_plan(geometry, x.dtype, len(x), "forward", algorithm)
    if winograd is not None:
        return winograd_forward(winograd, x, w, bias, residual, activation, out, prepared)
    if is_grouped(geometry):
        return grouped_forward(geometry, x, w, bias, residual, activation, out)
    choice = _choose(geometry, x.dtype)
    planar, dots = choice.planar.forward, choice.dots
    thin = activation is not None and not planar and geometry.out_channels <= LANES // 2
    later = thin or dots or (planar and residual is not None)
    if dots:
        run(choice.plan.forward_dots, np.ascontiguousarray(x), w, bias, out)
    else:
        number = ACTIVATION_NUMBERS[None if later else activation]
        residual_inside = None if planar else residual
        run(choice.plan.forward, _source(x, choice, planar), w, prepared, bias, residual_inside, number, out, planar)
    if (planar or dots) and residual is not None:  # which these kernels do not take
        run(np.add, out, residual, out)
    if later and activation is not None:  # with most lanes of a tile empty it is faster over the numbers in a row
        activation_forward(out, activation, out=out)
    return out


def conv2d_input_grad(gy, w, geometry, algorithm="auto", out=None):
    gy, w = contiguous(gy, w)
    out = result(geometry.input_shape(len(gy)), gy.dtype, out)
    winograd = winograd_plan(geometry, gy.dtype, len(gy), "input_grad", algorithm)
    if winograd is not None:
        return winograd_forward(winograd, gy, w, None, None, None, out)
    if is_grouped(geometry):
        return grouped_input_grad(geometry, gy, w, out)
    choice = _choose(geometry, gy.dtype)
    plan = choice.input_plan
    if choice.turned is not None:
        other, pad = choice.turned
        packed = workspace((other.packed_size(),), w.dtype)
        run(plan.pack_turned, w, packed)
        run(other.forward, _padded(gy, pad), w, packed, None, None, ACTIVATION_NUMBERS[None], out)
    elif choice.scatter:
        if plan.has_empty_row_phase:
            run(ext.fill_zeros, out)
        run(plan.input_grad_scatter, gy, w, out)
    else:
        if plan.has_empty_phase:
            run(ext.fill_zeros, out)
        run(plan.input_grad, gy, w, out, choice.planar.input_grad)
    return out


def conv2d_filter_grad(x, gy, geometry, algorithm="auto", out=None):
    batch, gy = len(x), np.ascontiguousarray(gy)
    out = result(geometry.kernel_shape, x.dtype, out)
    if not batch:
        run(out.fill, 0)
        return out
    winograd = winograd_plan(geometry, x.dtype, batch, "filter_grad", algorithm)
    if winograd is not None:
        return winograd_filter_grad(winograd, x, gy, out)
    if has_grouped_filter_grad(geometry):
        return grouped_filter_grad(geometry, x, gy, out)
    choice = _choose(geometry, x.dtype)
    plan, planar = choice.filter_plan, choice.planar.filter_grad
    x = _source(x, choice, planar)
    if planar:
        run(plan.planar_filter_grad, x, gy, workspace((plan.pixel_slices(batch), *out.shape), x.dtype), out)
    else:
        run(plan.filter_grad, x, gy, workspace((plan.filter_grad_partials(batch), *out.shape), x.dtype), out)
    return out
