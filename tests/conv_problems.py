"""Convolutions to test with: drawn by hypothesis, and at random from the grid of difficult cases."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from pycnn.backend.geometry import ConvGeometry, conv_geometry, window_extent


class ConvProblem(NamedTuple):
    """A convolution: shapes, and the arguments of ``conv_geometry``."""

    batch: int
    size: tuple
    kernel: tuple
    strides: tuple
    padding: tuple
    dilation: tuple
    groups: int
    group_in: int
    group_out: int

    @property
    def x_shape(self):
        return (self.batch, *self.size, self.groups * self.group_in)

    @property
    def w_shape(self):
        return (*self.kernel, self.group_in, self.groups * self.group_out)

    @property
    def y_shape(self):
        return self.geometry.output_shape(self.batch)

    @property
    def geometry(self) -> ConvGeometry:
        return conv_geometry(self.x_shape, self.w_shape, self.strides, self.padding, self.dilation, self.groups)

    def arrays(self, dtype, seed=0):
        """x, w, bias and gy, of values that float32 holds exactly, so that both dtypes see the same problem.

        w is scaled as in a network, that activations do not saturate.
        """
        rng = np.random.default_rng(seed)
        shapes = (self.x_shape, self.w_shape, self.w_shape[3:], self.y_shape)
        x, w, bias, gy = (rng.standard_normal(shape, np.float32) for shape in shapes)
        w /= np.float32(np.prod(self.w_shape[:3]) ** 0.5)
        return [a.astype(dtype) for a in (x, w, bias, gy)]


@st.composite
def conv_problems(draw, max_batch=2, max_channels=3):
    """Any small convolution: stride beyond the window, dilation, groups, each padding of its own."""
    count = st.integers(1, max_channels)
    kernel, strides, dilation = ((draw(st.integers(1, 4)), draw(st.integers(1, 4))) for _ in range(3))
    padding = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(2))
    size = tuple(
        draw(st.integers(1, 5)) + max(window_extent(f, d) - sum(p) - 1, 0)
        for f, d, p in zip(kernel, dilation, padding, strict=True)
    )
    batch = draw(st.integers(0, max_batch))
    return ConvProblem(batch, size, kernel, strides, padding, dilation, draw(count), draw(count), draw(count))


def random_conv_problem(seed):
    """One of the difficult cases: channels 1 to 64, batch 0 and 1, one-pixel outputs, depthwise with multiplier."""
    rng = np.random.default_rng(seed)

    def both(choices):
        return tuple(int(v) for v in rng.choice(choices, 2))

    kernel, strides = both([1, 2, 3, 3, 4, 5, 7]), both([1, 1, 1, 2, 2, 3, 5])
    dilation = both([1, 1, 1, 2, 3])
    padding = tuple(both([0, 0, 1, 1, 2, 3]) for _ in range(2))
    channels = int(rng.choice([1, 3, 5, 17, 64]))
    kind = rng.choice(["dense", "dense", "dense", "two groups", "depthwise", "multiplier"])
    groups = {"dense": 1, "two groups": 2}.get(kind, channels)
    group_in = 1 if groups == channels else max(channels // groups, 1)
    group_out = 1 if kind == "depthwise" else int(rng.choice([2, 3] if kind == "multiplier" else [1, 3, 6, 17, 33, 64]))
    fitting = [max(window_extent(f, d) - sum(p), 1) for f, d, p in zip(kernel, dilation, padding, strict=True)]
    one_pixel = rng.random() < 0.15
    size = tuple(least + (0 if one_pixel else int(rng.integers(0, 9))) for least in fitting)
    batch = int(rng.choice([0, 1, 1, 2, 3]))
    return ConvProblem(batch, size, kernel, strides, padding, dilation, groups, group_in, group_out)


WINOGRAD_PROBLEMS = {  # shape of x, shape of w, padding, dilation
    "one tile": ((1, 4, 4, 1), (3, 3, 1, 1), 1, 1),
    "parts of tiles": ((3, 9, 6, 5), (3, 3, 5, 17), 1, 1),
    "unpadded": ((2, 7, 12, 17), (3, 3, 17, 6), 0, 1),
    "padding of each side": ((2, 6, 5, 3), (3, 3, 3, 64), ((0, 3), (2, 1)), 1),
    "padding beyond the filter": ((1, 5, 6, 2), (3, 3, 2, 3), 4, 1),
    "one output": ((2, 3, 3, 64), (3, 3, 64, 5), 0, 1),
    "several panels and chunks": ((2, 8, 9, 100), (3, 3, 100, 150), 1, 1),
    "slices": ((4, 30, 31, 17), (3, 3, 17, 16), 1, 1),
    "five": ((2, 9, 8, 17), (5, 5, 17, 33), 2, 1),
    "five, unpadded": ((1, 6, 11, 3), (5, 5, 3, 70), 0, 1),
    "dilated": ((2, 13, 12, 17), (3, 3, 17, 18), 2, 2),
    "dilated, uneven": ((1, 11, 17, 5), (3, 3, 5, 6), ((1, 3), (0, 2)), (3, 2)),
    "dilated beyond the output": ((1, 9, 22, 3), (5, 5, 3, 4), 0, (2, 5)),
}
