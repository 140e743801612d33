"""The loop that RoI pooling is measured against does the same work, and its rows are there."""

import helpers
import numpy as np
import pytest
from benchmark_modules import arguments, benchmark

from pycnn.backend import cpu
from pycnn.backend.roi_geometry import roi_geometry


@pytest.mark.parametrize("shape", [(2, 9, 12, 20, 30, 3), (1, 14, 14, 5, 8, 7)])
def test_both_sides_agree(shape):
    images, height, width, channels, regions, bins = shape
    module = benchmark("roi")
    geometry = roi_geometry((images, height, width, channels), bins, module.SCALE)
    rng = np.random.default_rng(1)
    x, gy = (
        rng.standard_normal(s, dtype=np.float32)
        for s in (geometry.input_shape(channels), geometry.output_shape(regions, channels))
    )
    rois = module.boxes(rng, images, 16 * height, 16 * width, regions)
    y, index = cpu.roi_pool_forward(x, rois, geometry)
    forward, backward = module.loops(x, gy, rois, index, geometry)
    for actual, expected in zip(forward(), (y, index), strict=True):
        np.testing.assert_array_equal(actual, expected)
    helpers.assert_close(backward(), cpu.roi_pool_input_grad(gy, rois, index, geometry))


def test_rows(monkeypatch):
    module = benchmark("roi")
    monkeypatch.setattr(module, "SHAPES", ((1, 8, 9, 4, 5, 3),))
    rows = module.run(None, arguments())
    assert [row["gate"] for row in rows] == [None, None, 4.0]
    assert [row["best"] for row in rows] == ["loop"] * 3
