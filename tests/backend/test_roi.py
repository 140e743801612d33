"""Pooling of regions: against ONNX Runtime and PyTorch, by hand, and on regions that are hardly any."""

import warnings
from functools import cache

import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from helpers import assert_close, normal, peer
from kernel_calls import run

import pycnn
from pycnn.backend import reference
from pycnn.backend.roi_geometry import roi_geometry

SAMPLING = ("roi_align", "roi_warp")
DEGENERATE = [
    [0, 0, 0, 0, 0],  # a point at the corner
    [0, 5, 3, 5, 3],
    [1, 4.5, 2.5, 4.5, 2.5],  # halves, which are rounded
    [0, -2.5, -1.5, 2.5, 1.5],
    [1, 8, 6, 3, 2],  # inverted in both axes
    [1, 8, 2, 3, 6],  # in one
    [0, -20, -20, -5, -7],  # outside, on each side
    [0, 100, 2, 120, 6],
    [1, 2, 100, 6, 130],
    [1, -50, -50, 60, 60],  # around all
    [0, -1, -1, 13, 10],
    [1, 0, 0, 12, 9],  # the map itself
    [0, 3.2, 1.7, 3.9, 2.1],  # less than a pixel
]
ALIGNMENTS = [(s, ratio, aligned) for s in (1.0, 0.25) for ratio in (0, 1, 3) for aligned in (True, False)]


def random_rois(count, batch, size, seed, spread=0.3, dtype=np.float32):
    """Boxes about an image of the size (height, width), some partly or wholly outside, some inverted."""
    rng = np.random.default_rng(seed)
    high = np.array([size[1], size[0]] * 2)
    corners = rng.uniform(-spread * high, (1 + spread) * high, (count, 4))
    corners[: count // 2] = np.concatenate(  # the first half is upright
        [
            np.minimum(corners[: count // 2, :2], corners[: count // 2, 2:]),
            np.maximum(corners[: count // 2, :2], corners[: count // 2, 2:]),
        ],
        axis=1,
    )
    return np.concatenate([rng.integers(0, batch, (count, 1)), corners], axis=1).astype(dtype)


@cache
def session(operator, dtype, split, **attributes):
    """ONNX Runtime's kernel, called on arrays with channels last."""
    onnx, runtime = peer("onnx"), peer("onnxruntime")
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    value = onnx.helper.make_tensor_value_info
    names = ["x", "boxes", "images"] if split else ["x", "rois"]
    inputs = [value("x", element, [None] * 4), value(names[1], element, [None, 4 if split else 5])]
    inputs += [value("images", onnx.TensorProto.INT64, [None])] if split else []
    node = onnx.helper.make_node(operator, names, ["y"], **attributes)
    graph = onnx.helper.make_graph([node], operator, inputs, [value("y", element, None)])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 16)], ir_version=8)
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    made = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def infer(x, rois):
        feeds = {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2))}
        feeds |= {"boxes": rois[:, 1:].copy(), "images": rois[:, 0].astype(np.int64)} if split else {"rois": rois}
        return made.run(None, feeds)[0].transpose(0, 2, 3, 1)

    return infer


def onnx_max_roi_pool(x, rois, size, scale):
    return session("MaxRoiPool", x.dtype, False, pooled_shape=size, spatial_scale=scale)(x, rois)


def onnx_roi_align(x, rois, size, scale, ratio, aligned):
    """But inverted regions with a number of samples to be found, which it fails at: they have none, which gives 0."""
    if aligned and not ratio:
        upright = (rois[:, 1] <= rois[:, 3]) & (rois[:, 2] <= rois[:, 4])
        if not upright.all():
            y = np.zeros((len(rois), *size, x.shape[3]), x.dtype)
            y[upright] = onnx_roi_align(x, rois[upright], size, scale, ratio, aligned)
            return y
    mode = "half_pixel" if aligned else "output_half_pixel"
    options = {"output_height": size[0], "output_width": size[1], "spatial_scale": scale, "sampling_ratio": ratio}
    return session("RoiAlign", x.dtype, True, coordinate_transformation_mode=mode, **options)(x, rois)


def check_pool(backend, x, rois, size, scale):
    geometry = roi_geometry(x.shape, size, scale)
    y, index = run(backend, "roi_pool_forward", x, rois, geometry=geometry)
    np.testing.assert_array_equal(y, onnx_max_roi_pool(x, rois, size, scale))
    flat = x[rois[:, 0].astype(int)].reshape(len(rois), 1, -1, x.shape[3])
    found = np.take_along_axis(flat, np.maximum(index.reshape(len(rois), 1, -1, x.shape[3]), 0), 2).reshape(y.shape)
    np.testing.assert_array_equal(np.where(index < 0, 0, found), y)
    gy = normal(y.shape, x.dtype, 5)
    gx = run(backend, "roi_pool_input_grad", gy, rois, index, geometry=geometry)
    assert_close(gx, reference.roi_pool_input_grad(gy.astype(float), rois.astype(float), index, geometry), 1e-5)


@pytest.mark.parametrize(("size", "scale"), [((7, 7), 1.0), ((2, 3), 0.25), ((1, 1), 0.5), ((5, 4), 0.1)])
def test_max_pooling_equals_onnx_runtime(backend, size, scale):
    x = normal((2, 9, 12, 3), np.float32)
    for rois in (
        random_rois(24, 2, (9 / scale, 12 / scale), 1),
        np.float32(DEGENERATE) / np.float32([1, *[scale] * 4]),
    ):
        check_pool(backend, x, rois, size, scale)


@pytest.mark.parametrize("seed", range(6))
def test_max_pooling_of_larger_maps_equals_onnx_runtime(cpu_and_reference, seed):
    """Regions of up to 56 pixels: at 57 and 7 bins its last bin, computed in floating point, is one too wide."""
    x = normal((2, 30, 50, (1, 4, 17, 33, 64, 90)[seed]), np.float32, seed)
    rois = random_rois(60, 2, (30, 50), seed, 0.05)
    check_pool(cpu_and_reference, x, rois, (7, 7) if seed % 2 else (6, 14), 1.0)


@pytest.fixture(params=["reference", "cpu"])
def cpu_and_reference(request):
    with pycnn.backend_scope(request.param):
        yield pycnn.get_backend()


def test_bins_are_whole_numbers_where_floating_point_is_wrong(backend):
    """7 * (57 / 7) is above 57 in float32; the last bin ends where the region does."""
    x = np.arange(60, dtype=np.float32).reshape(1, 1, 60, 1)
    rois = np.float32([[0, 0, 0, 56, 0]])
    y, _ = run(backend, "roi_pool_forward", x, rois, geometry=roi_geometry(x.shape, (1, 7)))
    assert y.ravel().tolist() == [8, 16, 24, 32, 40, 48, 56]


@pytest.mark.parametrize("size", [(217, 151), (257, 128)])  # the most with places of 16 bits; too many for those
def test_max_pooling_finds_the_last_pixel_of_a_large_map(cpu_and_reference, size):
    x = np.zeros((1, *size, 5), np.float32)
    x[0, -1, -1] = 1
    rois, geometry = np.float32([[0, 0, 0, size[1] - 1, size[0] - 1]]), roi_geometry(x.shape, 2)
    y, index = cpu_and_reference.roi_pool_forward(x, rois, geometry)
    np.testing.assert_array_equal(index[0, 1, 1], np.full(5, size[0] * size[1] - 1))
    gx = cpu_and_reference.roi_pool_input_grad(np.full_like(y, 3), rois, index, geometry)
    np.testing.assert_array_equal(gx[0, -1, -1], np.full(5, 3))
    assert gx.sum() == 4 * 5 * 3


def test_max_pooling_by_hand(backend):
    """Halves go away from zero, bins overlap, equals go to the first, NaN wins, what is empty is 0 and -1."""
    x = np.float32([[5, 1, 2], [7, 7, np.nan], [0, 4, 4]]).reshape(1, 3, 3, 1)
    rois = np.float32([[0, 0.5, -0.5, 1.5, 0.5], [0, 0, 0, 2, 2], [0, 0, 5, 2, 9]])
    y, index = run(backend, "roi_pool_forward", x, rois, geometry=roi_geometry(x.shape, 2))
    assert index[..., 0].tolist() == [[[1, 2], [4, 5]], [[3, 5], [3, 5]], [[-1, -1], [-1, -1]]]
    np.testing.assert_array_equal(y[..., 0], [[[1, 2], [7, np.nan]], [[7, np.nan], [7, np.nan]], np.zeros((2, 2))])
    gy = np.arange(1.0, 13).reshape(3, 2, 2, 1).astype(np.float32)
    gx = run(backend, "roi_pool_input_grad", gy, rois, index, geometry=roi_geometry(x.shape, 2))
    assert gx[0, :, :, 0].tolist() == [[0, 1, 2], [5 + 7, 3, 4 + 6 + 8], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("scale", "ratio", "aligned"), ALIGNMENTS)
def test_alignment_equals_onnx_runtime(backend, dtype, scale, ratio, aligned):
    x, size = normal((2, 9, 12, 3), dtype), (3, 2)
    rois = np.concatenate([random_rois(12, 2, (9, 12), 2), np.float32(DEGENERATE)]).astype(dtype)
    rois[:, 1:] /= scale
    y = run(backend, "roi_align_forward", x, rois, geometry=roi_geometry(x.shape, size, scale, ratio, aligned))
    assert_close(y, onnx_roi_align(x, rois, size, scale, ratio, aligned), 1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_alignment_of_larger_maps_equals_onnx_runtime(cpu_and_reference, seed):
    x = normal((2, 25, 40, (1, 4, 17, 33, 64, 90)[seed]), np.float64, seed)
    rois = random_rois(20, 2, (25 * 16, 40 * 16), seed, dtype=np.float64)
    geometry = roi_geometry(x.shape, 7, 1 / 16, seed % 3, seed % 2)
    y = run(cpu_and_reference, "roi_align_forward", x, rois, geometry=geometry)
    assert_close(y, onnx_roi_align(x, rois, (7, 7), 1 / 16, seed % 3, seed % 2), 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(3, 4), (1, 2), (5, 1)])
def test_warping_equals_grid_sample(backend, dtype, size):
    torch = peer("torch")
    x, scale = normal((2, 9, 12, 3), dtype), 0.25
    rois = np.concatenate([random_rois(12, 2, (9, 12), 3), np.float32(DEGENERATE)]).astype(dtype)
    rois[:, 1:] /= scale
    x1, y1, x2, y2 = rois[:, 1:].T * scale / np.array([[12], [9], [12], [9]]) * 2 - 1  # the map is from -1 to 1
    none = np.zeros_like(x1)
    theta = np.stack([(x2 - x1) / 2, none, (x1 + x2) / 2, none, (y2 - y1) / 2, (y1 + y2) / 2], 1).reshape(-1, 2, 3)
    maps = torch.tensor(x[rois[:, 0].astype(int)].transpose(0, 3, 1, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes of 1, that their meaning has changed
        theta = torch.tensor(theta.astype(dtype))
        grid = torch.nn.functional.affine_grid(theta, [len(rois), 3, *size], align_corners=True)
    expected = torch.nn.functional.grid_sample(maps, grid, align_corners=True).permute(0, 2, 3, 1)
    y = run(backend, "roi_warp_forward", x, rois, geometry=roi_geometry(x.shape, size, scale))
    assert_close(y, expected.numpy(), {np.float32: 2e-5, np.float64: 1e-12}[dtype])


@pytest.mark.parametrize("kernel", SAMPLING)
@pytest.mark.parametrize("options", [{}, {"aligned": False}, {"sampling_ratio": 2}])
def test_gradients_agree_with_the_specification(backend, kernel, options):
    x = normal((2, 9, 12, 5))
    rois = np.concatenate([random_rois(8, 2, (9, 12), 4), np.float32(DEGENERATE)]).astype(np.float64)
    geometry = roi_geometry(x.shape, (2, 3), **options)
    gy = normal(geometry.output_shape(len(rois), 5), seed=1)
    for member, arrays in ((f"{kernel}_input_grad", (gy, rois)), (f"{kernel}_rois_grad", (gy, x, rois))):
        assert_close(
            run(backend, member, *arrays, geometry=geometry), getattr(reference, member)(*arrays, geometry), 1e-12
        )


@pytest.mark.parametrize("kernel", SAMPLING)
def test_adjoint(backend, kernel):
    x, rois = normal((2, 6, 7, 4)), random_rois(9, 2, (6, 7), 5, dtype=np.float64)
    geometry = roi_geometry(x.shape, (3, 2))
    y = run(backend, f"{kernel}_forward", x, rois, geometry=geometry)
    gy = normal(y.shape, seed=1)
    gx = run(backend, f"{kernel}_input_grad", gy, rois, geometry=geometry)
    assert np.vdot(gy, y) == pytest.approx(np.vdot(gx, x), rel=1e-12)


@pytest.mark.parametrize("kernel", ["roi_pool", *SAMPLING])
def test_a_region_of_no_image_gives_nan_and_no_gradient(backend, kernel):
    x, inf = normal((2, 4, 5, 3)), np.inf
    bad = [[-1, 0, 0, 3, 3], [2, 0, 0, 3, 3], [np.nan, 0, 0, 3, 3], [0, 0, np.nan, 3, 3], [1, 0, 0, inf, 3]]
    rois = np.array([*bad, [1, 0, 0, 3, 3]])
    geometry = roi_geometry(x.shape, 2)
    y = run(backend, f"{kernel}_forward", x, rois, geometry=geometry)
    y, index = y if kernel == "roi_pool" else (y, None)
    assert np.isnan(y[:5]).all()
    assert np.isfinite(y[5]).all()
    gy = np.ones_like(y)
    more = (index,) if kernel == "roi_pool" else ()
    gx = run(backend, f"{kernel}_input_grad", gy, rois, *more, geometry=geometry)
    assert gx.sum() == pytest.approx(4 * 3)
    assert not gx[0].any()
    if kernel != "roi_pool":
        grad = run(backend, f"{kernel}_rois_grad", gy, x, rois, geometry=geometry)
        assert not grad[:5].any()
        assert grad[5, 1:].all()


@pytest.mark.parametrize("backend", ["cpu", cuda_emulated.NAME], indirect=True)
@pytest.mark.parametrize("kernel", ["roi_pool", *SAMPLING])
def test_regions_as_wide_as_can_be(backend, kernel):
    """Of the samples, which are as many as pixels, only those near the map are gone through."""
    x = normal((1, 3, 4, 2), np.float32)
    rois = np.float32([[0, -3e9, -3e9, 3e9, 3e9], [0, -3e38, 0, 3e37, 2], [0, 1e30, 1e30, 2e30, 2e30]])
    geometry = roi_geometry(x.shape, 3)
    y = run(backend, f"{kernel}_forward", x, rois, geometry=geometry)
    y = y[0] if kernel == "roi_pool" else y
    assert not y[2].any()
    if kernel == "roi_pool":
        np.testing.assert_array_equal(y[0, 1, 1], x[0].max(axis=(0, 1)))
    assert np.isfinite(y).all()


@pytest.mark.parametrize("channels", [1, 3, 16, 40, 130])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_the_same_bits(channels, threads):
    with pycnn.backend_scope("cpu"):
        backend, before = pycnn.get_backend(), pycnn.get_num_threads()
        x, rois = normal((2, 20, 30, channels), np.float32), random_rois(300, 2, (20, 30), 6)
        geometry = roi_geometry(x.shape, 5)
        gy = normal(geometry.output_shape(300, channels), np.float32, 1)

        def all_results():
            y, index = backend.roi_pool_forward(x, rois, geometry)
            results = [y, index, backend.roi_pool_input_grad(gy, rois, index, geometry)]
            for kernel in SAMPLING:
                results.append(getattr(backend, f"{kernel}_forward")(x, rois, geometry))
                results.append(getattr(backend, f"{kernel}_input_grad")(gy, rois, geometry))
                results.append(getattr(backend, f"{kernel}_rois_grad")(gy, x, rois, geometry))
            return [result.tobytes() for result in results]

        try:
            pycnn.set_num_threads(1)
            expected = all_results()
            pycnn.set_num_threads(threads)
            assert all_results() == expected
        finally:
            pycnn.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((9, 9, 3), 2), "x must have 4 axes"),
        (((1, 0, 9, 3), 2), "x must have one row and column or more"),
        (((1, 9, 9, 3), 0), "output_size must be an integer >= 1"),
        (((1, 9, 9, 3), 2, 0.0), r"spatial_scale must be a number above 0.* Received: spatial_scale=0.0"),
        (((1, 9, 9, 3), 2, "a"), "spatial_scale must be a number"),
        (((1, 9, 9, 3), 2, 1.0, 1.5), r"sampling_ratio must be an integer.* Received: sampling_ratio=1.5"),
    ],
)
def test_geometry_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        roi_geometry(*arguments)
