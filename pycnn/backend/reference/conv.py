"""2-D cross-correlation and its two adjoints: one matrix product a tap and group, whatever ``algorithm`` says."""

import numpy as np

from pycnn.backend.reference.activation import activation_forward
from pycnn.backend.reference.result import deliver
from pycnn.backend.reference.windows import crop, pad, taps


def conv2d_prepare(w, geometry, batch, algorithm="auto"):
    return None


def conv2d_forward(
    x, w, geometry, bias=None, residual=None, activation=None, algorithm="auto", prepared=None, out=None
):
    y = np.zeros(geometry.output_shape(len(x)), x.dtype)
    padded = pad(x, geometry.padding, 0)
    for r, s, rows, columns in _taps(geometry):
        for ins, outs in _groups(geometry):
            y[..., outs] += np.tensordot(padded[:, rows, columns, ins], w[r, s, :, outs], axes=1)
    if bias is not None:
        y += bias
    if residual is not None:
        y += residual
    if activation is not None:
        y = activation_forward(y, activation)
    return deliver(y, out, x.dtype)


def conv2d_input_grad(gy, w, geometry, algorithm="auto", out=None):
    padded = pad(np.zeros(geometry.input_shape(len(gy)), gy.dtype), geometry.padding, 0)
    for r, s, rows, columns in _taps(geometry):
        for ins, outs in _groups(geometry):
            padded[:, rows, columns, ins] += np.tensordot(gy[..., outs], w[r, s, :, outs].T, axes=1)
    return deliver(crop(padded, geometry.padding), out, gy.dtype)


def conv2d_filter_grad(x, gy, geometry, algorithm="auto", out=None):
    gw = np.zeros(geometry.kernel_shape, x.dtype)
    padded = pad(x, geometry.padding, 0)
    pixels = (0, 1, 2)
    for r, s, rows, columns in _taps(geometry):
        for ins, outs in _groups(geometry):
            gw[r, s, :, outs] = np.tensordot(padded[:, rows, columns, ins], gy[..., outs], axes=(pixels, pixels))
    return deliver(gw, out, x.dtype)


def _taps(geometry):
    return taps(geometry.output_size, geometry.kernel_size, geometry.strides, geometry.dilation)


def _groups(geometry):
    """The input and the output channels of each group."""
    ins, outs = geometry.in_channels // geometry.groups, geometry.out_channels // geometry.groups
    return [(slice(g * ins, (g + 1) * ins), slice(g * outs, (g + 1) * outs)) for g in range(geometry.groups)]
