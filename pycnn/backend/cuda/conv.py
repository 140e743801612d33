"""Convolution on the GPU: three matrix products, their operands gathered; which kernels make them.

=============  =========================================================================================================
conv_grouped   groups of few channels (below 16 of the result): a thread for some results, no products of tiles
conv           everything else
=============  =========================================================================================================

Filter gradients are sums over very many pixels: these are cut into slices, as many as the shape says, of which each
becomes a partial result, and a second kernel sums them in their order.
"""

from math import prod
from typing import NamedTuple

from pycnn.backend.cuda.activation import ACTIVATION_NUMBERS
from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import blocks_for, elementwise_blocks, launch


class _Tile(NamedTuple):
    """Kernels of a kind: their file and the end of their names, and which tile of the result a block makes."""

    source: str
    suffix: str
    rows: int
    columns: int
    shared: int = 0

    def blocks(self, rows, columns):
        return blocks_for(rows, self.rows) * blocks_for(columns, self.columns)


_GROUPED = _Tile("conv_grouped", "grouped", 9, 32)  # of the filter gradient
_SQUARE = _Tile("conv", "square", 64, 64)
_THIN = _Tile("conv", "thin", 256, 16)
_FEW = 16  # channels of the result, in a group, that waste most of a square tile
_BLOCKS = 512  # that keep a large GPU busy: into so many filter gradients are cut
_PIXELS = 256  # of a slice at least


def _choose(geometry, columns):
    """Which kernels make a result of so many columns, the channels of a group."""
    if columns < _FEW and geometry.groups > 1:
        return _GROUPED
    return _THIN if columns <= _FEW else _SQUARE


def _shape(g, batch):
    """``struct ConvShape`` of ``kernels/conv.cuh``."""
    (top, _), (left, _) = g.padding
    sizes = (*g.input_size, *g.output_size, *g.kernel_size, *g.strides, *g.dilation)
    return (batch, *sizes, top, left, g.groups, g.in_channels // g.groups, g.out_channels // g.groups)


def conv2d_prepare(w, geometry, batch, algorithm="auto"):
    return None


def conv2d_forward(
    x, w, geometry, bias=None, residual=None, activation=None, algorithm="auto", prepared=None, out=None
):
    x, w, bias, residual = contiguous(x, w, bias, residual)
    out, g = result(geometry.output_shape(len(x)), x.dtype, out), geometry
    arguments = (x, w, bias, residual, out, _shape(g, len(x)), ACTIVATION_NUMBERS[activation])
    columns = g.out_channels // g.groups
    tile = _choose(g, columns)
    if tile is _GROUPED:
        strips = prod(out.shape[:2]) * blocks_for(g.output_size[1], 4) * g.out_channels
        launch("conv_grouped", "conv2d_forward_grouped", blocks_for(strips, 256), *arguments, strips)
    else:
        grid = (tile.blocks(prod(out.shape[:3]), columns), 1, g.groups)
        launch(tile.source, f"conv2d_forward_{tile.suffix}", grid, *arguments, shared=tile.shared)
    return out


def conv2d_input_grad(gy, w, geometry, algorithm="auto", out=None):
    gy, w = contiguous(gy, w)
    out, g = result(geometry.input_shape(len(gy)), gy.dtype, out), geometry
    arguments = (gy, w, out, _shape(g, len(gy)))
    steps = [
        min(s, size) for s, size in zip(g.strides, g.input_size, strict=True)
    ]  # a phase for each place in a stride
    height, width = (blocks_for(size, step) for size, step in zip(g.input_size, steps, strict=True))
    columns, phases = g.in_channels // g.groups, prod(steps)
    tile = _choose(g, columns)
    if tile is _GROUPED:
        strips = len(gy) * height * blocks_for(width, 4) * g.in_channels
        launch("conv_grouped", "conv2d_input_grad_grouped", (blocks_for(strips, 256), 1, phases), *arguments)
    else:
        grid = (tile.blocks(len(gy) * height * width, columns), 1, phases * g.groups)
        launch(tile.source, f"conv2d_input_grad_{tile.suffix}", grid, *arguments, shared=tile.shared)
    return out


def conv2d_filter_grad(x, gy, geometry, algorithm="auto", out=None):
    x, gy = contiguous(x, gy)
    out, g = result(geometry.kernel_shape, x.dtype, out), geometry
    rows, columns = prod(g.kernel_shape[:3]), g.out_channels // g.groups
    tile = _choose(g, columns)
    if tile is _GROUPED:
        tiles = (blocks_for(g.out_channels, tile.columns), blocks_for(rows, tile.rows), 1)
    else:
        height = 64 if tile is _THIN else tile.rows
        tiles = (blocks_for(rows, height) * blocks_for(columns, tile.columns), 1, g.groups)
    pixels = prod(gy.shape[:3])
    slices = max(1, min(blocks_for(pixels, _PIXELS), _BLOCKS // prod(tiles)))
    pixels = max(1, blocks_for(pixels, slices))
    slices = max(1, blocks_for(prod(gy.shape[:3]), pixels))
    parts = out if slices == 1 else result((slices, *out.shape), out.dtype)
    grid, arguments = (*tiles[:2], tiles[2] * slices), (x, gy, parts, _shape(g, len(x)), pixels)
    launch(tile.source, f"conv2d_filter_grad_{tile.suffix}", grid, *arguments, shared=tile.shared)
    if slices > 1:
        launch("conv", "sum_slices", elementwise_blocks(out.size), parts, out, slices, out.size)
    return out
