"""One example call of every kernel of the protocol, for tests of what holds for all of them."""

from typing import NamedTuple

import numpy as np
from helpers import normal

from pycnn.backend import reference
from pycnn.backend.geometry import conv_geometry, pool_geometry
from pycnn.backend.names import ACTIVATIONS, FUSED_ACTIVATIONS
from pycnn.backend.roi_geometry import roi_geometry


class Call(NamedTuple):
    """A kernel, its arrays by parameter name, its other arguments, and which arrays begin with a batch axis."""

    member: str
    arrays: dict
    options: dict = {}
    batched: tuple = ()

    def with_batch(self, batch):
        """The same call on the first ``batch`` examples."""
        cut = {name: a[:batch] if name in self.batched else a for name, a in self.arrays.items()}
        return self._replace(arrays=cut)


def run(backend, member, *args, **options):
    """Call a kernel of ``backend`` on NumPy arrays, taken to the device and back."""

    def to_device(value):
        return backend.asarray(value) if isinstance(value, np.ndarray) else value

    def to_host(value):
        return tuple(map(backend.to_numpy, value)) if isinstance(value, tuple) else backend.to_numpy(value)

    kernel = getattr(backend, member)
    return to_host(kernel(*map(to_device, args), **{name: to_device(value) for name, value in options.items()}))


def run_call(backend, call, **extra):
    """Run a ``Call``; the results as a tuple of NumPy arrays."""
    results = run(backend, call.member, **call.arrays, **call.options, **extra)
    return results if isinstance(results, tuple) else (results,)


def _conv_calls(dtype):
    shapes = {
        "plain": ((3, 9, 8, 5), (3, 3, 5, 17), {"padding": 1}),
        "strided": ((2, 12, 11, 16), (3, 2, 16, 6), {"strides": (2, 3), "padding": ((2, 0), (1, 2))}),
        "pointwise": ((2, 14, 14, 24), (1, 1, 24, 40), {}),
        "dilated": ((2, 13, 12, 6), (3, 3, 3, 8), {"dilation": 2, "groups": 2, "padding": "same"}),
        "depthwise": ((2, 10, 9, 17), (3, 3, 1, 34), {"groups": 17, "padding": "same"}),
        "threaded": ((4, 16, 16, 32), (3, 3, 32, 64), {"padding": 1}),
    }
    for i, (x_shape, w_shape, options) in enumerate(shapes.values()):
        geometry = conv_geometry(x_shape, w_shape, **options)
        x, w = normal(x_shape, dtype, i), normal(w_shape, dtype, i + 50)
        bias = normal(w_shape[3], dtype, i + 100)
        gy = normal(geometry.output_shape(x_shape[0]), dtype, i + 150)
        activation = (None, "relu", "tanh", "sigmoid", "linear", None)[i]
        options = {"geometry": geometry}
        forward = {"x": x, "w": w, "bias": bias} if i else {"x": x, "w": w}
        yield Call("conv2d_forward", forward, {**options, "activation": activation}, ("x",))
        with_residual = {**forward, "residual": gy}
        yield Call("conv2d_forward", with_residual, {**options, "activation": activation}, ("x", "residual"))
        yield Call("conv2d_input_grad", {"gy": gy, "w": w}, options, ("gy",))
        yield Call("conv2d_filter_grad", {"x": x, "gy": gy}, options, ("x", "gy"))


def _matmul_calls(dtype):
    a, b, bias = normal((33, 70), dtype, 1), normal((70, 19), dtype, 2), normal(19, dtype, 3)
    yield Call("matmul", {"a": a, "b": b}, {}, ("a",))
    yield Call("matmul", {"a": a, "b": b, "bias": bias}, {"activation": "tanh"}, ("a",))
    yield Call("matmul", {"a": a.T.copy(), "b": b.T.copy()}, {"transpose_a": True, "transpose_b": True})
    yield Call("matmul", {"a": normal((128, 96), dtype), "b": normal((96, 130), dtype)}, {}, ("a",))


def _pool_calls(dtype):
    x = normal((3, 11, 10, 17), dtype)
    for geometry in (
        pool_geometry(x.shape, 2),
        pool_geometry(x.shape, 3, 2, 1),
        pool_geometry(x.shape, (2, 3), (3, 2), ((1, 0), (0, 2)), ceil_mode=True),
        pool_geometry(x.shape, (11, 10)),
    ):
        gy = normal(geometry.output_shape(3, 17), dtype, 1)
        index = np.random.default_rng(2).integers(0, np.prod(geometry.pool_size), gy.shape).astype(np.uint8)
        index[...] = _some_place_with_data(geometry)
        options = {"geometry": geometry}
        yield Call("max_pool2d_forward", {"x": x}, options, ("x",))
        yield Call("min_pool2d_forward", {"x": x}, options, ("x",))
        yield Call("extreme_pool2d_input_grad", {"gy": gy, "index": index}, options, ("gy", "index"))
        for include in (False, True):
            yield Call("avg_pool2d_forward", {"x": x}, {**options, "count_include_pad": include}, ("x",))
            yield Call("avg_pool2d_input_grad", {"gy": gy}, {**options, "count_include_pad": include}, ("gy",))


def _some_place_with_data(geometry):
    """For each window a place of it, (1, P, Q, 1), that lies in the image."""
    places = []
    for size, count, window, stride, (before, _) in zip(
        geometry.input_size, geometry.output_size, geometry.pool_size, geometry.strides, geometry.padding, strict=True
    ):
        start = np.arange(count) * stride - before
        places.append(
            np.minimum(np.maximum(-start, 0) + np.arange(count) % 2, np.minimum(size - 1 - start, window - 1))
        )
    rows, columns = places
    return (rows[:, None] * geometry.pool_size[1] + columns)[None, :, :, None]


def _elementwise_calls(dtype):
    x, gy = normal((5, 7, 33), dtype, 1) * 3, normal((5, 7, 33), dtype, 2)
    for name in ACTIVATIONS:
        options = {"name": name, "alpha": 0.3}
        yield Call("activation_forward", {"x": x}, options, ("x",))
        y = reference.activation_forward(x, **options)
        yield Call("activation_grad", {"gy": gy, "x": x, "y": y}, options, ("gy", "x", "y"))
    y = np.exp(gy) / np.exp(gy).sum(axis=-1, keepdims=True)
    yield Call("softmax_forward", {"x": x}, {}, ("x",))
    yield Call("softmax_grad", {"gy": gy, "y": y}, {}, ("gy", "y"))
    yield Call("log_softmax_forward", {"x": x}, {}, ("x",))
    yield Call("log_softmax_grad", {"gy": gy, "y": np.log(y)}, {}, ("gy", "y"))
    labels = np.random.default_rng(5).integers(0, 33, (5, 7))
    yield Call("cross_entropy", {"x": x, "targets": labels}, {}, ("x", "targets"))
    yield Call("cross_entropy", {"x": x, "targets": y}, {"smoothing": 0.2}, ("x", "targets"))
    yield Call("cross_entropy", {"x": x, "targets": y}, {"mean": True})


def _arithmetic_calls(dtype):
    a, gy = normal((6, 9, 8, 17), dtype, 1), normal((6, 9, 8, 17), dtype, 2)
    for i, shape in enumerate([(6, 9, 8, 17), (17,), (6, 1, 1, 17), (6, 9, 8, 1), (9, 8, 17), (1, 1, 1, 1)]):
        b = normal(shape, dtype, 3 + i)
        arrays, batched = {"a": a, "b": b}, ("a", "b") if shape[0] == 6 else ("a",)
        yield Call("add", arrays, {}, batched)
        yield Call("add_clipped", arrays, {"low": -0.5, "high": 1.0}, batched)
        yield Call("multiply", arrays, {}, batched)
        yield Call("multiply_grad", {"gy": gy, **arrays}, {}, ("gy", *batched))
        if shape[0] != 6:
            yield Call("sum_products", {"a": a, "b": gy}, {"shape": shape}, ("a", "b"))
            yield Call("sum_products", {"a": a}, {"b": None, "shape": shape}, ("a",))
    yield Call("sum_products", {"a": normal((70, 900), dtype), "b": normal((70, 900), dtype, 1)}, {"shape": (1, 900)})


def _norm_calls(dtype):
    x, gy = normal((6, 9, 8, 17), dtype, 1) * 2 + 3, normal((6, 9, 8, 17), dtype, 2)
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    gamma, beta = normal(17, dtype, 3), normal(17, dtype, 4)
    moments = {"x": x, "mean": mean, "variance": variance}
    yield Call("sum_rows", {"x": x}, {}, ("x",))
    yield Call("batch_norm_statistics", {"x": x}, {}, ("x",))
    yield Call("batch_norm_forward", {**moments, "gamma": gamma, "beta": beta}, {"epsilon": 1e-3}, ("x",))
    yield Call("batch_norm_forward", moments, {"gamma": None, "beta": None, "epsilon": 1e-3}, ("x",))
    residual, terms = normal(x.shape, dtype, 5), {"gamma": gamma, "beta": beta}
    for activation in FUSED_ACTIVATIONS:
        options = {"epsilon": 1e-3, "activation": activation}
        arrays = {**moments, **terms, "residual": residual}
        yield Call("batch_norm_forward", arrays, options, ("x", "residual"))
        y = reference.batch_norm_forward(**arrays, **options)
        arrays = {"gy": gy, **moments, **terms}
        yield Call("batch_norm_grad", arrays, options, ("gy", "x"))
        yield Call("batch_norm_grad", {**arrays, "y": y}, {**options, "own_statistics": False}, ("gy", "x", "y"))
    yield Call("batch_norm_grad", {"gy": gy, **moments, "gamma": gamma}, {"epsilon": 1e-3}, ("gy", "x"))
    yield Call("batch_norm_grad", {"gy": gy, **moments}, {"gamma": None, "epsilon": 1e-3}, ("gy", "x"))


def _resample_calls(dtype):
    x = normal((3, 7, 9, 5), dtype)
    matrices = np.array([1, 0, 0, 0, 1, 0]) + np.random.default_rng(1).uniform(-0.4, 0.4, (3, 6)) * [1, 1, 9, 1, 1, 9]
    for method in ("nearest", "bilinear"):
        gy = normal((3, 10, 6, 5), dtype, 1)
        yield Call("resize2d_forward", {"x": x}, {"size": (10, 6), "method": method}, ("x",))
        yield Call("resize2d_input_grad", {"gy": gy}, {"input_size": (7, 9), "method": method}, ("gy",))
        for mode in ("constant", "nearest", "reflect", "wrap"):
            options = {"interpolation": method, "fill_mode": mode, "fill_value": 0.5}
            yield Call("affine2d_forward", {"x": x, "matrices": matrices}, options, ("x", "matrices"))


def _boxes_calls(dtype):
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 40, (170, 2)), rng.uniform(0, 20, (170, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(dtype)
    scores, labels = (rng.integers(0, 30, 170) / 32).astype(dtype), rng.integers(0, 3, 170)
    yield Call("box_iou", {"a": boxes[:50], "b": boxes}, {}, ("a",))
    yield Call("nms", {"boxes": boxes, "scores": scores}, {"iou_threshold": 0.4}, ("boxes", "scores"))
    labelled = {"boxes": boxes, "scores": scores, "labels": labels}
    yield Call("nms", labelled, {"iou_threshold": 0.4}, tuple(labelled))


def _roi_calls(dtype):
    x = normal((2, 9, 11, 19), dtype)
    rois = np.array(
        [
            [0, 3.1, 2.2, 17.3, 14.9],  # inside
            [1, -9.3, -4.1, 5.2, 30.7],  # partly outside
            [1, 12.4, 9.3, 12.4, 9.3],  # a point
            [0, 15.2, 11.7, 8.6, 5.9],  # inverted
            [0, 90.1, 70.2, 99.3, 88.8],  # outside
            [1, 0.4, 0.3, 21.9, 17.6],  # the whole map
        ],
        dtype,
    )
    settings = {"roi_pool": [{}], "roi_warp": [{}], "roi_align": []}
    settings["roi_align"] = [{}, {"sampling_ratio": 2}, {"aligned": False}]
    for size in ((3, 2), (1, 5)):
        gy = normal((len(rois), *size, 19), dtype, 1)
        for kernel, several in settings.items():
            for some in several:
                options = {"geometry": roi_geometry(x.shape, size, 0.5, **some)}
                yield Call(f"{kernel}_forward", {"x": x, "rois": rois}, options, ("rois",))
                if kernel == "roi_pool":
                    index = reference.roi_pool_forward(x, rois, **options)[1]
                    arrays = {"gy": gy, "rois": rois, "index": index}
                    yield Call("roi_pool_input_grad", arrays, options, ("gy", "rois", "index"))
                    continue
                yield Call(f"{kernel}_input_grad", {"gy": gy, "rois": rois}, options, ("gy", "rois"))
                yield Call(f"{kernel}_rois_grad", {"gy": gy, "x": x, "rois": rois}, options, ("gy", "rois"))


def _recurrent_calls(dtype):
    for n, steps, units in ((5, 4, 3), (9, 1, 32), (33, 2, 37)):
        h, c, gc = (normal((n, units), dtype, i) for i in range(3))
        gy, mask = normal((n, steps, units), dtype, 3), normal((n, steps), dtype, 4) > -0.5
        x, recurrent, bias = (
            normal((*shape, 4 * units), dtype, i) for i, shape in enumerate(((n, steps), (units,), ()))
        )
        for options in ({}, {"mask": mask}):
            arrays = {"x": x, "recurrent": recurrent, "h": h, "c": c, **options}
            yield Call("lstm_forward", arrays, {}, ("x", "h", "c", "mask"))
            _, all_c, gates = reference.lstm_forward(**arrays)
            arrays = {"gates": gates, "recurrent": recurrent, "c": c, "all_c": all_c, "gy": gy, "gc": gc, **options}
            yield Call("lstm_grad", arrays, {}, ("gates", "c", "all_c", "gy", "gc", "mask"))
            arrays = {"x": x[..., units:], "recurrent": recurrent[:, units:], "h": h, "bias": bias[units:], **options}
            yield Call("gru_forward", arrays, {}, ("x", "h", "mask"))
            all_h, gates, inner = reference.gru_forward(**arrays)
            arrays = {
                "gates": gates,
                "inner": inner,
                "recurrent": recurrent[:, units:],
                "h": h,
                "all_h": all_h,
                "gy": gy,
            }
            yield Call("gru_grad", {**arrays, **options}, {}, ("gates", "inner", "h", "all_h", "gy", "mask"))


def kernel_calls(dtype):
    """Every kernel that returns arrays, on examples that cover its options: a list of ``Call``."""
    families = (_conv_calls, _matmul_calls, _pool_calls, _elementwise_calls, _arithmetic_calls)
    families += (_norm_calls, _resample_calls, _roi_calls, _boxes_calls, _recurrent_calls)
    return [call for family in families for call in family(np.dtype(dtype))]


CALL_IDS = [f"{i}-{call.member}" for i, call in enumerate(kernel_calls(np.float32))]
