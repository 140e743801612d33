"""Kernels give the same bits in each run; those of the CPU for any number of threads."""

import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from helpers import normal
from kernel_calls import CALL_IDS, Call, kernel_calls, run_call

import pycnn
from pycnn.backend.geometry import conv_geometry, pool_geometry


def large_calls():
    """Work that is worth threads: each family, above any threshold."""
    for x_shape, w_shape, options in (
        ((8, 28, 28, 32), (3, 3, 32, 64), {"padding": 1}),
        ((2, 28, 28, 96), (3, 3, 96, 40), {"padding": 1, "strides": 2}),
        ((2, 28, 28, 48), (5, 5, 48, 96), {"padding": 2}),
        ((2, 14, 14, 130), (3, 3, 130, 70), {"padding": 0}),
        ((4, 28, 28, 64), (1, 1, 64, 256), {}),
        ((1, 64, 64, 3), (7, 7, 3, 64), {"padding": 3, "strides": 2}),
        ((4, 28, 28, 64), (3, 3, 1, 64), {"padding": 1, "groups": 64}),
        ((32, 14, 14, 6), (5, 5, 6, 16), {}),
        ((64, 32, 32, 1), (5, 5, 1, 6), {}),
        ((2, 28, 28, 96), (3, 3, 96, 7), {"padding": 1}),
        ((4, 28, 28, 64), (1, 1, 64, 2), {"strides": 2}),
        ((1, 28, 28, 32), (3, 3, 32, 48), {"padding": 1}),
        ((1, 31, 31, 128), (3, 3, 1, 128), {"padding": 1, "groups": 128}),
        ((2, 14, 14, 64), (3, 3, 8, 64), {"padding": 1, "groups": 8}),
        ((2, 14, 14, 128), (3, 3, 16, 24), {"padding": 1, "groups": 8}),
        ((2, 14, 14, 96), (3, 3, 24, 96), {"padding": 1, "groups": 4}),
        ((1, 28, 28, 144), (3, 3, 18, 24), {"padding": 1, "groups": 8}),
        ((4, 9, 9, 64), (3, 3, 64, 64), {"padding": 1}),
        ((4, 40, 40, 48), (5, 5, 48, 6), {"padding": 2}),
        ((2, 33, 33, 32), (3, 3, 32, 80), {"padding": 12, "dilation": 12}),
    ):
        geometry = conv_geometry(x_shape, w_shape, **options)
        x, w = normal(x_shape, "float32"), normal(w_shape, "float32", 1)
        gy, options = normal(geometry.output_shape(x_shape[0]), "float32", 2), {"geometry": geometry}
        yield Call("conv2d_forward", {"x": x, "w": w, "bias": normal(w_shape[3], "float32")}, options)
        yield Call("conv2d_input_grad", {"gy": gy, "w": w}, options)
        yield Call("conv2d_filter_grad", {"x": x, "gy": gy}, options)
    a, b = normal((500, 400), "float32"), normal((400, 130), "float32", 1)
    yield Call("matmul", {"a": a, "b": b}, {})
    yield Call("matmul", {"a": normal((1, 6000), "float32"), "b": normal((6000, 100), "float32", 1)}, {})
    thin = normal((3, 500), "float32")
    yield Call("matmul", {"a": thin, "b": normal((500, 300), "float32")}, {})
    yield Call("matmul", {"a": thin, "b": normal((300, 500), "float32")}, {"transpose_b": True})
    yield Call("matmul", {"a": a, "b": normal((500, 84), "float32")}, {"transpose_a": True})
    x, gy = normal((8, 56, 56, 32), "float32"), normal((8, 28, 28, 32), "float32", 1)
    options = {"geometry": pool_geometry(x.shape, 3, 2, 1)}
    yield Call("max_pool2d_forward", {"x": x}, options)
    yield Call("avg_pool2d_forward", {"x": x}, options)
    yield Call("avg_pool2d_input_grad", {"gy": gy}, options)
    index = np.full(gy.shape, 4, np.uint8)
    yield Call("extreme_pool2d_input_grad", {"gy": gy, "index": index}, options)
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    moments = {"x": x, "mean": mean, "variance": variance}
    yield Call("sum_rows", {"x": x}, {})
    yield Call("batch_norm_statistics", {"x": x}, {})
    yield Call("batch_norm_forward", moments, {"gamma": None, "beta": None, "epsilon": 1e-3})
    yield Call("batch_norm_grad", {"gy": x[::-1].copy(), **moments}, {"gamma": None, "epsilon": 1e-3})
    for name in ("tanh", "gelu", "relu"):
        yield Call("activation_forward", {"x": x}, {"name": name})
        yield Call("activation_grad", {"gy": x, "x": x, "y": x}, {"name": name})
    for b in (x[::-1].copy(), normal((8, 1, 1, 32), "float32", 3), normal((8, 56, 56, 1), "float32", 4)):
        yield Call("add", {"a": x, "b": b}, {})
        yield Call("add_clipped", {"a": x, "b": b}, {"low": 0.0, "high": 1.0})
        yield Call("multiply_grad", {"gy": x[::-1].copy(), "a": x, "b": b}, {})
    yield Call("sum_products", {"a": x}, {"b": None, "shape": (8, 1, 1, 32)})
    logits = normal((8000, 100), "float32")
    yield Call("softmax_forward", {"x": logits}, {})
    labels = np.arange(8000) % 100
    yield Call("cross_entropy", {"x": logits, "targets": labels}, {"mean": True, "gradient": np.empty_like(logits)})
    yield Call("log_softmax_forward", {"x": logits}, {})
    yield Call("resize2d_forward", {"x": x}, {"size": (112, 80), "method": "bilinear"})
    yield Call("resize2d_input_grad", {"gy": x}, {"input_size": (20, 30), "method": "bilinear"})
    matrices = np.array([[0.9, 0.1, 2, -0.1, 1.1, 3]] * 8)
    yield Call("affine2d_forward", {"x": x, "matrices": matrices}, {})


LARGE = list(large_calls())
SMALL = kernel_calls("float32")
DOUBLE = kernel_calls("float64")


@pytest.fixture
def cpu():
    pycnn.set_backend("cpu")
    before = pycnn.get_num_threads()
    yield pycnn.get_backend()
    pycnn.set_num_threads(before)


def check_same_bits(cpu, call):
    pycnn.set_num_threads(1)
    expected = [y.tobytes() for y in run_call(cpu, call)]
    for threads in (1, 2, 3, 2):
        pycnn.set_num_threads(threads)
        results = [y.tobytes() for y in run_call(cpu, call)]
        assert results == expected, f"{call.member}: other bits with {threads} threads"


@pytest.mark.parametrize("number", range(len(SMALL)), ids=CALL_IDS)
def test_same_bits_for_any_number_of_threads(cpu, number):
    check_same_bits(cpu, SMALL[number])
    check_same_bits(cpu, DOUBLE[number])


@pytest.mark.parametrize("number", range(len(LARGE)), ids=[f"{i}-{c.member}" for i, c in enumerate(LARGE)])
def test_same_bits_for_any_number_of_threads_where_threads_are_used(cpu, number):
    check_same_bits(cpu, LARGE[number])


@cuda_emulated.on_gpus
@pytest.mark.parametrize("number", range(len(LARGE)), ids=[f"{i}-{c.member}" for i, c in enumerate(LARGE)])
def test_same_bits_in_each_run_on_a_gpu(backend, number):
    """There by large work, whose blocks run in any order; the emulated one has two orders for small launches."""
    call = LARGE[number] if backend.name == "cuda" else SMALL[number % len(SMALL)]
    runs = [[y.tobytes() for y in run_call(backend, call)] for _ in range(4)]
    assert runs.count(runs[0]) == 4, f"{call.member}: other bits in another run"


def test_same_bits_of_optimizers(cpu):
    results = []
    for threads in (1, 2, 3):
        pycnn.set_num_threads(threads)
        arrays = [normal((300, 401), "float32", i) for i in range(3)]
        second = np.abs(normal((300, 401), "float32", 4))
        cpu.adam_update([arrays[0]], [arrays[1]], [arrays[2]], [second], None, 3, 0.1, 0.9, 0.99, 1e-7, 0.01)
        cpu.sgd_update([arrays[0]], [arrays[1]], [arrays[2]], 0.1, 0.9, True, 0.0)
        cpu.rmsprop_update([arrays[0]], [arrays[1]], [second], None, None, 0.1, 0.9, 0.0, 1e-7, 0.0)
        results.append(b"".join(a.tobytes() for a in (*arrays, second)))
    assert len(set(results)) == 1
