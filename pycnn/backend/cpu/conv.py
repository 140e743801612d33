"""Convolution on the CPU: which kernel, on arrays laid out as it wants them.

=====================================  ==========================================================================
depthwise (C/groups = 1, K = m*C)      its own kernel; a multiplier m > 1 repeats each channel of the input m times
groups of few channels                 several groups as one, with block-diagonal filters, until a vector is full
few input channels (a vector or less)  input gradient by products that are scattered, not gathered
fewer still, with padding              the image is padded once, so that a filter row is one run of kw*C numbers
everything else                        matrix products over gathered rows
=====================================  ==========================================================================
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pycnn.backend.cpu.activation import ACTIVATION_NUMBERS
from pycnn_ext import conv as ext

_LANES = 16  # numbers a vector holds (float32, AVX-512); what counts as few channels


class _Choice(NamedTuple):
    """What depends on geometry and dtype alone."""

    plan: ext.ConvPlan
    pad: tuple  # ((top, bottom), (left, right)) that the image gets beforehand, or None
    multiplier: int  # depthwise filters a channel; 0: not depthwise
    blocks: int  # groups that are taken as one
    scatter: bool


@lru_cache(maxsize=1024)
def _choose(geometry, dtype):
    g = geometry
    group_channels, group_filters = g.in_channels // g.groups, g.out_channels // g.groups
    multiplier = group_filters if group_channels == 1 and g.groups > 1 else 0
    blocks = 1 if multiplier else _groups_as_one(g.groups, min(group_channels, group_filters))
    groups, channels = (g.out_channels, g.out_channels) if multiplier else (g.groups // blocks, g.in_channels)
    wide = g.kernel_size[1] > 1 and g.dilation[1] == 1 and groups == 1 and not multiplier
    pad = g.padding if wide and any(g.padding[1]) and channels < _LANES else None
    if pad:
        (top, bottom), (left, right) = pad
        g = g._replace(
            input_size=(g.input_size[0] + top + bottom, g.input_size[1] + left + right), padding=((0, 0), (0, 0))
        )
    plan = ext.ConvPlan(
        g.input_size,
        g.output_size,
        g.kernel_size,
        g.strides,
        g.dilation,
        g.padding[0][0],
        g.padding[1][0],
        channels,
        g.out_channels,
        groups,
        wide and not any(g.padding[1]) and channels < 4 * _LANES,
        np.zeros(max(channels, g.out_channels) * g.kernel_size[1] + _LANES, dtype),
    )
    scatter = not multiplier and channels // groups < _LANES and g.kernel_size != (1, 1)
    return _Choice(plan, pad, multiplier, blocks, scatter)


def _groups_as_one(groups, smaller):
    """The smallest divisor of ``groups`` that fills a vector with the groups' smaller side."""
    blocks = next(b for b in range(1, groups + 1) if groups % b == 0 and (b * smaller >= _LANES or b == groups))
    return blocks


def _block_diagonal(w, groups, blocks):
    """Filters of ``blocks`` groups as one: (R, S, C, K) -> (R, S, blocks*C, K), zero between groups."""
    r, s, channels, filters = w.shape
    wide = np.zeros((r, s, blocks, channels, groups // blocks, blocks, filters // groups), w.dtype)
    parts = w.reshape(r, s, channels, groups // blocks, blocks, filters // groups)
    for b in range(blocks):
        wide[:, :, b, :, :, b] = parts[:, :, :, :, b]
    return wide.reshape(r, s, blocks * channels, filters)


def _diagonal_blocks(wide, groups, blocks):
    """Adjoint of ``_block_diagonal``."""
    r, s, channels, filters = wide.shape
    parts = wide.reshape(r, s, blocks, channels // blocks, groups // blocks, blocks, filters // groups)
    w = np.stack([parts[:, :, b, :, :, b] for b in range(blocks)], axis=4)
    return w.reshape(r, s, channels // blocks, filters)


def _padded(x, pad):
    (top, _), (left, _) = pad
    n, height, width, channels = x.shape
    padded = np.zeros((n, height + sum(pad[0]), width + sum(pad[1]), channels), x.dtype)
    padded[:, top : top + height, left : left + width] = x
    return padded


def _source(x, choice):
    """The input as the plan wants it: contiguous, padded, each channel once a filter."""
    if choice.multiplier > 1:
        x = np.repeat(x, choice.multiplier, axis=-1)
    return _padded(x, choice.pad) if choice.pad else np.ascontiguousarray(x)


def conv2d_forward(x, w, geometry, bias=None, activation=None, out=None):
    choice = _choose(geometry, x.dtype)
    if out is None:
        out = np.empty(geometry.output_shape(len(x)), x.dtype)
    x, w = _source(x, choice), np.ascontiguousarray(w)
    bias = None if bias is None else np.ascontiguousarray(bias)
    number = ACTIVATION_NUMBERS[activation]
    if choice.multiplier:
        choice.plan.depthwise_forward(x, w, bias, number, out)
    else:
        if choice.blocks > 1:
            w = _block_diagonal(w, geometry.groups, choice.blocks)
        choice.plan.forward(x, w, bias, number, out)
    return out


def conv2d_input_grad(gy, w, geometry, out=None):
    choice = _choose(geometry, gy.dtype)
    plan, batch, gy, w = choice.plan, len(gy), np.ascontiguousarray(gy), np.ascontiguousarray(w)
    if out is None:
        out = np.empty(geometry.input_shape(batch), gy.dtype)
    if choice.multiplier:
        gx = out if choice.multiplier == 1 else np.empty((*out.shape[:3], geometry.out_channels), gy.dtype)
        if plan.has_empty_phase:
            gx.fill(0)
        plan.depthwise_input_grad(gy, w, gx)
        if choice.multiplier > 1:
            np.sum(gx.reshape(*out.shape, choice.multiplier), axis=-1, out=out)
        return out
    if choice.blocks > 1:
        w = _block_diagonal(w, geometry.groups, choice.blocks)
    if choice.pad:
        (top, bottom), (left, right) = choice.pad
        n, height, width, channels = out.shape
        padded = np.zeros((n, height + top + bottom, width + left + right, channels), gy.dtype)
        plan.input_grad_scatter(gy, w, padded)
        out[...] = padded[:, top : top + height, left : left + width]
    elif choice.scatter:
        out.fill(0)
        plan.input_grad_scatter(gy, w, out)
    else:
        if plan.has_empty_phase:
            out.fill(0)
        plan.input_grad(gy, w, out)
    return out


def conv2d_filter_grad(x, gy, geometry, out=None):
    choice = _choose(geometry, x.dtype)
    plan, batch, gy = choice.plan, len(x), np.ascontiguousarray(gy)
    if out is None:
        out = np.empty(geometry.kernel_shape, x.dtype)
    if not batch:
        out.fill(0)
        return out
    x = _source(x, choice)
    if choice.multiplier:
        plan.depthwise_filter_grad(x, gy, np.empty((plan.depthwise_slices(batch), *out.shape), x.dtype), out)
        return out
    wide = out
    if choice.blocks > 1:
        kh, kw, channels, filters = out.shape
        wide = np.empty((kh, kw, choice.blocks * channels, filters), x.dtype)
    plan.filter_grad(x, gy, np.empty((plan.filter_grad_slices(x), *wide.shape), x.dtype), wide)
    if choice.blocks > 1:
        out[...] = _diagonal_blocks(wide, geometry.groups, choice.blocks)
    return out
