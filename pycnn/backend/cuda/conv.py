"""Convolution on the GPU: three matrix products, their operands gathered; which kernels make them.

============================  ==========================================================================================
conv_grouped                  groups of few channels (below 16 of the result): threads by themselves, no tiles
conv_mma, exact or tf32       tensor cores, as ``config.float32_precision`` says: float32 from sm_80 on, channels of a
                              group in fours, more than 16 of the result, arrays aligned to 16 bytes
conv_half                     tensor cores: float16 and bfloat16, the same, but channels in eights
..., tiles of 128 x 128       where these are enough for a large GPU
..., of 128 x 64              the same, where the other half would be empty in the last column of tiles
..., of 64 x 64               else
cuBLAS                        else, dense 1 x 1 without stride and padding: large ones (``cublas.suits``), more than 16
                              channels of the result
conv, thin or square          float64, older chips, other numbers of channels; thin up to 16 of the result. cuBLAS is
                              never given numbers of 16 bits, for CuPy rounds gradients of filters then
============================  ==========================================================================================

Filter gradients are sums over very many pixels: these are cut into slices, as many as the shape says, of which each
becomes a partial result, and a second kernel sums these in an order that never changes.
"""

from math import prod
from typing import NamedTuple

from pycnn import config
from pycnn.backend.cuda import cublas
from pycnn.backend.cuda.activation import ACTIVATION_NUMBERS
from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import blocks_for, compute_capability, launch
from pycnn.backend.dtypes import is_half, widened


class _Tile(NamedTuple):
    """Kernels of a kind: their file and the end of their names, and which tile of the result a block makes."""

    source: str
    suffix: str
    rows: int
    columns: int
    shared: int = 0

    def blocks(self, rows, columns):
        return blocks_for(rows, self.rows) * blocks_for(columns, self.columns)


def _tensor_cores(source, kind):
    """Tiles on tensor cores: square, tall, small. In shared memory are three stages of 128 bytes of the sum."""
    sizes = (128, 128), (128, 64), (64, 64)
    return [_Tile(source, f"{kind}_{r}x{c}", r, c, 3 * 128 * (r + c)) for r, c in sizes]


_GROUPED = _Tile("conv_grouped", "grouped", 9, 32)  # of the filter gradient
_CUBLAS = None  # no kernels of ours
_SQUARE = _Tile("conv", "square", 64, 64)
_THIN = _Tile("conv", "thin", 256, 16)
_THIN_FILTERS = _Tile("conv", "thin", 64, 16)
_TENSOR_CORES = {"highest": _tensor_cores("conv_mma", "exact"), "high": _tensor_cores("conv_mma", "tf32")}
_OF_HALVES = _tensor_cores("conv_half", "half")
_FEW = 16  # channels of the result, in a group, that waste most of a square tile
_FULL = 128  # blocks, about the multiprocessors of a large GPU
_PIXELS = 256  # of a slice at least


def _choose(g, columns, rows, depth, parts, arrays, thin=_THIN):
    """Which kernels make ``parts`` results of so many rows and columns (channels of a group), sums of ``depth``."""
    if columns < _FEW and g.groups > 1:
        return _GROUPED
    if not suits_tensor_cores(g, columns, arrays):
        if columns <= _FEW:
            return thin
        return _CUBLAS if _is_product(g) and cublas.suits(arrays[0].dtype, rows, columns, depth) else _SQUARE
    square, tall, small = _OF_HALVES if is_half(arrays[0].dtype) else _TENSOR_CORES[config.float32_precision()]
    fills = blocks_for(columns, square.columns) * square.columns == blocks_for(columns, tall.columns) * tall.columns
    large = square if fills else tall
    return large if large.blocks(rows, columns) * parts >= _FULL else small


def _is_product(g):
    """Whether each pixel of the result is one of the image by the same matrix."""
    return g.kernel_size == g.strides == (1, 1) and g.groups == 1 and not any(map(any, g.padding))


def _pixels(x):
    """(N, H, W, C), and filters of 1 x 1, as a matrix."""
    return x.reshape(-1, x.shape[-1])


def suits_tensor_cores(g, columns, arrays):
    """Whether the kernels of conv_mma or conv_half are there for these arrays, and worth it."""
    dtype = arrays[0].dtype
    if dtype == "float64" or columns <= _FEW:
        return False
    together = 16 // dtype.itemsize
    whole = g.in_channels // g.groups % together == 0 == g.out_channels // g.groups % together
    return whole and all(a.data.ptr % 16 == 0 for a in arrays) and compute_capability() >= 80


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
    rows, columns = prod(out.shape[:3]), g.out_channels // g.groups
    tile = _choose(g, columns, rows, prod(g.kernel_shape[:3]), g.groups, (x, w, out))
    if tile is _GROUPED:
        strips = prod(out.shape[:2]) * blocks_for(g.output_size[1], 4) * g.out_channels
        launch("conv_grouped", "conv2d_forward_grouped", blocks_for(strips, 256), *arguments, strips)
    elif tile is _CUBLAS:
        cublas.product(_pixels(x), _pixels(w), _pixels(out), bias, residual, activation)
    else:
        grid = (tile.blocks(rows, columns), 1, g.groups)
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
    rows, columns, phases = len(gy) * height * width, g.in_channels // g.groups, prod(steps)
    depth = prod(g.kernel_size) * (g.out_channels // g.groups)
    tile = _choose(g, columns, rows, depth, phases * g.groups, (gy, w, out))
    if tile is _GROUPED:
        strips = len(gy) * height * blocks_for(width, 4) * g.in_channels
        launch("conv_grouped", "conv2d_input_grad_grouped", (blocks_for(strips, 256), 1, phases), *arguments)
    elif tile is _CUBLAS:
        cublas.product(_pixels(gy), _pixels(w).T, _pixels(out))
    else:
        grid = (tile.blocks(rows, columns), 1, phases * g.groups)
        launch(tile.source, f"conv2d_input_grad_{tile.suffix}", grid, *arguments, shared=tile.shared)
    return out


def conv2d_filter_grad(x, gy, geometry, algorithm="auto", out=None):
    x, gy = contiguous(x, gy)
    out, g = result(geometry.kernel_shape, widened(x.dtype), out), geometry
    rows, columns, pixels = prod(g.kernel_shape[:3]), g.out_channels // g.groups, prod(gy.shape[:3])
    most = max(1, blocks_for(pixels, _PIXELS))  # slices
    tile = _choose(g, columns, rows, pixels, g.groups * most, (x, gy, out), _THIN_FILTERS)
    if tile is _CUBLAS:
        cublas.product(_pixels(x).T, _pixels(gy), _pixels(out))
        return out
    if tile is _GROUPED:
        tiles = (blocks_for(g.out_channels, tile.columns), blocks_for(rows, tile.rows), 1)
    else:
        tiles = (tile.blocks(rows, columns), 1, g.groups)
    slices = max(1, min(most, 4 * _FULL // prod(tiles)))
    each = max(1, blocks_for(pixels, slices))
    slices = max(1, blocks_for(pixels, each))
    parts = out if slices == 1 else result((slices, *out.shape), out.dtype)
    grid, arguments = (*tiles[:2], tiles[2] * slices), (x, gy, parts, _shape(g, len(x)), each)
    launch(tile.source, f"conv2d_filter_grad_{tile.suffix}", grid, *arguments, shared=tile.shared)
    if slices > 1:
        launch("conv", "sum_slices", blocks_for(out.size, 32), parts, out, slices, out.size)
    return out
