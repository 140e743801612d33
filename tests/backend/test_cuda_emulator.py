"""The emulated GPU: it computes what a GPU does, and notices what a GPU would let pass."""

import ml_dtypes  # noqa: F401  which tells NumPy of bfloat16
import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from cuda_emulator import machine, stand_in
from helpers import normal

from pycnn.backend.geometry import pool_geometry


@pytest.fixture
def emulated():
    cuda_emulated.install()
    return cuda_emulated.load()


@pytest.fixture
def run(emulated):
    """Launch a kernel of a source, the arrays of the host among its arguments taken to the device and back."""

    def run(code, kernel, grid, threads, *arguments, shared=0):
        given = [stand_in.ndarray(a) if getattr(a, "ndim", 0) else a for a in arguments]
        machine.launch(machine.compiled(code), kernel, grid, threads, given, shared)

    return run


@pytest.fixture
def wrappers(emulated):
    return wrappers_for(emulated, "float16")


def wrappers_for(emulated, dtype):
    return emulated.sources.expand((machine.HERE / "wrappers.cu").read_text(encoding="utf-8"), dtype)


@pytest.fixture
def mutate(emulated, monkeypatch):
    """Put something else in the place of a part of the kernels' source."""
    caches = emulated.launch.module, emulated.launch._function

    def mutate(old, new):
        text = emulated.sources.text

        def mutated(name, dtype):
            code = text(name, dtype)
            assert old in code
            return code.replace(old, new, 1)

        monkeypatch.setattr(emulated.sources, "text", mutated)
        for cache in caches:
            cache.cache_clear()

    yield mutate
    for cache in caches:
        cache.cache_clear()


def test_lanes_of_a_warp_see_each_other(run, wrappers):
    x = np.round(normal(128, "float32") * 100)
    out, positive, shown = np.empty_like(x), np.empty(128, np.int32), np.empty_like(x)
    run(wrappers, "warp_sums", (2, 1, 1), 64, x, out, positive, shown, np.int32(5))
    warps = x.reshape(4, 32)
    np.testing.assert_array_equal(out.reshape(4, 32), np.repeat(warps.sum(axis=1), 32).reshape(4, 32))
    bits = [sum(int(v > 0) << lane for lane, v in enumerate(warp)) for warp in warps]
    np.testing.assert_array_equal(positive.view(np.uint32), np.repeat(bits, 32))
    np.testing.assert_array_equal(shown, np.repeat(warps[:, 5], 32))


@pytest.mark.parametrize(
    ("counter_and_key", "words"),
    [
        ("00000000 00000000 00000000 00000000 00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_random_bits_are_those_of_its_authors(run, wrappers, counter_and_key, words):
    """Known answers of Random123."""
    given, expected = (np.array([int(word, 16) for word in text.split()], "u4") for text in (counter_and_key, words))
    out = np.empty(4, np.int32)
    run(wrappers, "philox_words", (1, 1, 1), 32, given.view(np.int32), out)
    np.testing.assert_array_equal(out.view(np.uint32), expected)


def product(run, code):
    a, b, out = normal((16, 40), "float32"), normal((40, 8), "float32", 1), np.empty((16, 8), np.float32)
    run(code, "staged_mma", (1, 1, 1), 32, a, b, out, np.int32(40))
    return a, b, out


def test_tensor_cores_take_ten_bits(run, wrappers):
    a, b, out = product(run, wrappers)

    def tf32(x):  # the nearest number of ten bits after the point of the mantissa
        mantissa, exponent = np.frexp(x.astype(np.float64))
        return np.ldexp(np.round(mantissa * 2**11), exponent - 11)

    np.testing.assert_allclose(out, tf32(a) @ tf32(b), rtol=0, atol=1e-5)
    assert np.abs(out - a @ b).max() > 1e-4


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_tensor_cores_take_numbers_of_16_bits(run, emulated, dtype, transposed):
    a, b, out = normal((16, 48), dtype), normal((48, 8), dtype, 1), np.empty((16, 8), np.float32)
    given = b.T.copy() if transposed else b
    code = wrappers_for(emulated, dtype)
    run(code, "product_of_halves", (1, 1, 1), 32, a, given, out, np.int32(48), np.int32(transposed))
    np.testing.assert_allclose(out, a.astype(np.float64) @ b.astype(np.float64), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_numbers_of_16_bits_are_rounded_as_numpy_does(run, emulated, dtype):
    bits = np.random.default_rng(0).integers(0, 2**32, 100_000, np.uint32)
    near_halves = np.arange(2**16, dtype=np.uint32) << 16  # and those between: halfway cases
    x = np.concatenate([bits, near_halves, near_halves | 0x8000, near_halves | 0x1000, near_halves | 0x3000])
    x = np.concatenate([x.view(np.float32), np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)])
    half, out = np.empty(x.shape, dtype), np.empty_like(x)
    run(wrappers_for(emulated, dtype), "through_halves", (64, 1, 1), 256, x, half, out, np.int32(x.size))
    with np.errstate(over="ignore", invalid="ignore"):
        expected = x.astype(dtype)
    nan = np.isnan(x)
    np.testing.assert_array_equal(half.view(np.uint16)[~nan], expected.view(np.uint16)[~nan])
    assert np.isnan(half[nan].astype(np.float32)).all()
    np.testing.assert_array_equal(out, expected.astype(np.float32))


def test_copies_are_cut_and_filled_with_zeros(run, wrappers):
    x, out = normal((64, 4), "float32"), np.empty((64, 4), np.float32)
    for count in range(5):
        run(wrappers, "cut_and_reverse", (1, 1, 1), 64, x, out, np.int32(count), shared=64 * 16)
        np.testing.assert_array_equal(out[::-1, :count], x[:, :count])
        assert not out[:, count:].any()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cp_wait<1>();", "", None),
        ("cp_wait<1>();", "cp_wait<2>();", None),
        ("mma_tf32(d, left, right);", "if (lane) mma_tf32(d, left, right);", "not all lanes of a warp"),
        ("lane / 2 * depth + 8", "lane / 2 * depth + 1 + 8", "an alignment"),
        ("if (lane < 16) cp_async16", "cp_async16", "a bound"),
    ],
)
def test_what_goes_wrong_with_copies_and_tensor_cores_is_noticed(run, wrappers, old, new, message):
    assert old in wrappers
    code = wrappers.replace(old, new)
    if message is None:  # what was not waited for is not there
        assert np.isnan(product(run, code)[2]).any()
    else:
        with pytest.raises(machine.EmulationError, match=message):
            product(run, code)


@pytest.mark.parametrize("shared", [0, 63 * 16])
def test_dynamic_shared_memory_ends_where_it_ends(run, wrappers, shared):
    x, out = normal((64, 4), "float32"), np.empty((64, 4), np.float32)
    with pytest.raises(machine.EmulationError, match="memory beside|writes beside"):
        run(wrappers, "cut_and_reverse", (1, 1, 1), 64, x, out, np.int32(4), shared=shared)


def matmul(backend):
    a, b = normal((70, 40), "float32"), normal((40, 66), "float32", 1)
    y = backend.to_numpy(backend.matmul(backend.asarray(a), backend.asarray(b)))
    np.testing.assert_allclose(y, a @ b, atol=1e-4)


def pool(backend):
    x = normal((2, 7, 6, 3), "float32")
    geometry = pool_geometry(x.shape, 3, 2, 1)
    y, index = backend.max_pool2d_forward(backend.asarray(x), geometry)
    gx = backend.extreme_pool2d_input_grad(y, index, geometry)
    assert np.isfinite(backend.to_numpy(gx)).all()


def norm(backend):
    x = backend.asarray(normal((3000, 33), "float32"))
    mean, variance = backend.batch_norm_statistics(x)
    y = backend.batch_norm_forward(x, mean, variance, None, None, 1e-3, out=x)
    assert np.isfinite(backend.to_numpy(y)).all()


def softmax(backend):
    x, labels = backend.asarray(normal((7, 300), "float32")), backend.asarray(np.arange(7))
    assert np.isfinite(backend.to_numpy(backend.cross_entropy(x, labels, gradient=backend.xp.empty_like(x)))).all()


def optimizer(backend):
    p, g = ([backend.asarray(normal(size, "float32", i)) for size in (5, 5000)] for i in range(2))
    backend.sgd_update(p, g, None, 0.1, 0.0, False, 0.0)


def resample(backend):
    x = backend.asarray(normal((1, 40, 40, 16), "float32"))
    backend.resize2d_input_grad(backend.resize2d_forward(x, (90, 90), "bilinear"), (40, 40), "bilinear")
    backend.affine2d_forward(x, backend.asarray(np.array([[1, 0, 900.0, 0, 1, 900]])), fill_mode="reflect")


def update_at(backend):
    x = backend.asarray(np.zeros(500))
    backend.update_at(x, backend.asarray(np.arange(3000) % 500), backend.asarray(normal(3000)), "add")


@pytest.mark.parametrize("work", [matmul, pool, norm, softmax, optimizer, resample, update_at])
def test_kernels_as_they_are_pass(emulated, work):
    work(emulated)


@pytest.mark.parametrize(
    ("work", "old", "new", "message"),
    [
        (matmul, "        __syncthreads();\n#pragma", "#pragma", "in another order"),  # before the tiles are read
        (matmul, "        __syncthreads();\n    }", "    }", "in another order"),  # before they are written again
        (matmul, "if (r < s.rows && c < s.columns)", "if (c < s.columns)", "memory beside|writes beside"),
        (matmul, "row + ai < s.rows && ", "", "memory beside"),
        (matmul, "        __syncthreads();\n    }", "        if (ty) __syncthreads();\n    }", "not all threads"),
        (matmul, "[DEPTH][TILE + 1], b_tile", "[DEPTH][TILE - 1], b_tile", "a bound"),
        (
            matmul,
            "__shared__ wide a_tile",
            "__shared__ wide own[2]; own[s.rows] = 0; __shared__ wide a_tile",
            "a bound",
        ),
        (norm, "        __syncthreads();\n        if (my.lane", "        if (my.lane", "in another order"),
        (
            norm,
            "last = there ? min((slice + 1) * per_slice, s.rows)",
            "last = there ? (slice + 1) * per_slice",
            "memory",
        ),
        (norm, "there = output < s.outputs", "there = true", "memory beside|writes beside"),
        (softmax, "    __syncthreads();\n    const int count", "    const int count", "in another order|isfinite"),
        (softmax, "    __syncthreads(); // the last call has been read\n", "", "in another order"),
        (softmax, "    there = row < s.rows, row = min(row, s.rows - 1);", "there = true;", "memory beside"),
        (optimizer, "min(begin + SHARE, sizes.at[low])", "begin + SHARE", "memory beside|writes beside"),
        (resample, "high = min(low + 1, size - 1)", "high = low + 1", "memory beside"),
        (resample, "size - 1 ? count :", "size - 1 ? count + 1 :", "memory beside"),
        (resample, "j < size ? j : period - 1 - j", "j", "memory beside"),
        (update_at, "next < last && ", "", "memory beside"),
        (update_at, "if (first > 0 && ", "if (0 && ", "in another order"),
        (pool, "last(min(last, size))", "last(last)", "memory beside"),
        (pool, "first(max(first, 0))", "first(first)", "memory beside"),
    ],
)
def test_what_is_broken_in_a_kernel_is_noticed(emulated, mutate, work, old, new, message):
    mutate(old, new)
    with pytest.raises((machine.EmulationError, AssertionError), match=message):
        work(emulated)


def test_arguments_are_checked_by_name(emulated):
    launch, x = emulated.launch.launch, emulated.asarray(np.ones(16, "float32"))
    out, alpha = emulated.asarray(np.ones((4, 4), "float32")), 0.5

    def activation(*arguments):
        launch("activation", "activation_forward", 1, *arguments)

    activation(x, out, 1, alpha, 16)
    for arguments, error, message in [
        ((x, out, 1, alpha), TypeError, r"activation_forward takes \(x, out, name, alpha, count\)\. Received: 4"),
        ((None, out, 1, alpha, 16), TypeError, "x of kernel activation_forward must be an array of the device"),
        ((x, None, 1, alpha, 16), TypeError, "argument out of kernel activation_forward must be an array of the dev"),
        ((np.ones(16, "float32"), out, 1, alpha, 16), TypeError, r"argument x .*Received: x=ndarray of shape \(16,\)"),
        ((x.astype("int32"), out, 1, alpha, 16), TypeError, "x .* one of float32, float64"),
        ((x, out.astype("float64"), 1, alpha, 16), TypeError, "argument out .* of dtype float32"),
        ((x, out[:, ::2], 1, alpha, 16), ValueError, r"argument out .* C-contiguous.*strides \(16, 8\)"),
        ((x.view("u1")[1:-3].view("f4"), out, 1, alpha, 15), ValueError, "argument x .* at a multiple of 4 bytes"),
        ((x, out, 1.5, alpha, 16), TypeError, r"argument name .* an integer \(int32\)\. Received: name=1.5"),
        ((x, out, np.int64(1 << 40), alpha, 16), OverflowError, "argument name .* within int32"),
    ]:
        with pytest.raises(error, match=message):
            activation(*arguments)
    with pytest.raises(TypeError, match=r"argument s of kernel avg_pool2d_forward must be 13 ints \(height, .*right"):
        launch("pool", "avg_pool2d_forward", 1, x, out, (1, 2, 3), 0, 16)
    with pytest.raises(OverflowError, match=r"activation_forward takes a grid .* Received: grid=\(1, 65536, 1\)"):
        launch("activation", "activation_forward", (1, 65536), x, out, 1, alpha, 16)


def test_what_the_compiler_or_driver_refuses_names_the_kernel(emulated, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("CUDA_ERROR_INVALID_VALUE")

    monkeypatch.setattr(emulated.launch, "_function", lambda *args: fail)
    x = emulated.asarray(np.ones((4, 4), "float32"))
    with pytest.raises(RuntimeError, match="INVALID_VALUE") as error:
        emulated.launch.launch("activation", "activation_forward", 2, x, x, 1, 0.5, 16)
    arrays = "x: float32(4, 4), out: float32(4, 4), name: 1, alpha: 0.5, count: 16"
    said = f"in kernel activation_forward of activation.cu for float32, grid (2, 1, 1), {arrays}"
    assert error.value.__notes__ == [said]


def test_lists_of_arrays_are_checked_one_by_one(emulated):
    p, g = [emulated.asarray(np.ones(3)) for _ in range(65)], [emulated.asarray(np.ones(3)) for _ in range(65)]

    def step(params, grads, sizes):
        launch = emulated.launch.launch
        launch("optimizer", "sgd_update", 1, params, grads, None, sizes, [0], len(params), 0.5, 0.0, False, 1.0)

    step(p[:1], g[:1], [3])
    np.testing.assert_array_equal(emulated.to_numpy(p[0]), [0.5, 0.5, 0.5])
    for arguments, error, message in [
        ((p, g, [3]), TypeError, "params of kernel sgd_update must be a list of at most 64 arrays"),
        ((p[:1], g, [3]), TypeError, "argument grads .* a list of at most 64 arrays"),
        ((p[:1], None, [3]), TypeError, "argument grads .* a list of at most 64 arrays. Received: grads=None"),
        ((p[:1], [g[0].astype("float32")], [3]), TypeError, "argument grads .* of dtype float64"),
        (([p[0][::2]], g[:1], [3]), ValueError, "argument params .* C-contiguous"),
        ((p[:1], g[:1], [3] * 65), TypeError, "argument sizes .* a list of at most 64 integers"),
    ]:
        with pytest.raises(error, match=message):
            step(*arguments)
    with pytest.raises(machine.EmulationError, match="memory beside"):
        step(p[:1], g[:1], [1000])


def test_signatures_are_read_from_the_source(emulated, monkeypatch):
    sources = emulated.sources
    kernel = sources.signatures("activation")["activation_grad"]
    assert (kernel.threads, [p.name for p in kernel.parameters]) == (
        256,
        ["gy", "x", "y", "out", "name", "alpha", "count"],
    )
    assert [p.is_array for p in kernel.parameters] == [True] * 4 + [False] * 3
    assert [p.is_written for p in kernel.parameters] == [False, False, False, True, False, False, False]
    assert [p.may_be_none for p in kernel.parameters] == [False, True, False, False, False, False, False]
    assert [p.dtype for p in kernel.parameters] == ["real"] * 4 + [np.int32, "wide", np.int64]
    for wrong, message in [
        ("EXTERN __global__ void __launch_bounds__(32) own(int n) {}", r"wrong\.cu has a kernel that is not"),
        (
            'extern "C" __global__ void __launch_bounds__(N) own(int n) {}',
            r"wrong\.cu has a kernel that is not",
        ),
        ('extern "C" __global__ void __launch_bounds__(32) own(size_t n) {}', "of own is not as .* Found: 'size_t n'"),
        ('extern "C" __global__ void __launch_bounds__(32) own(int *a, ...) {}', "of own is not .* Found: '...'"),
    ]:
        monkeypatch.setattr(sources, "text", lambda name, dtype, wrong=wrong: wrong)
        sources.signatures.cache_clear()
        with pytest.raises(SyntaxError, match=message):
            sources.signatures("wrong")
    sources.signatures.cache_clear()


def test_the_device_is_strict(emulated):
    x, host = emulated.asarray([1.0, 2.0]), np.ones(2)
    for mixed in (lambda: x + host, lambda: host * x, lambda: emulated.xp.add(x, host), lambda: np.asarray(x)):
        with pytest.raises(TypeError, match=r"Unsupported type|Implicit conversion"):
            mixed()
    assert emulated.is_array(x.sum())
    before = stand_in.synchronisations
    x = x * 2 + emulated.xp.exp(x[:1])
    assert stand_in.synchronisations == before
    assert float(x[0]) == pytest.approx(2 + np.e)
    assert stand_in.synchronisations == before + 1
    assert np.isnan(emulated.to_numpy(emulated.xp.empty(3))).all()
    mask, xp = x > 0, emulated.xp
    for waits, function in (
        (True, lambda: x[mask]),
        (True, lambda: xp.flatnonzero(x)),
        (True, lambda: xp.where(mask)),
        (True, lambda: xp.unique(x)),
        (False, lambda: xp.where(mask, x, 0)),
        (False, lambda: x[:1]),
        (False, lambda: x[xp.arange(1)]),
        (False, lambda: x.__setitem__(mask, 1)),
    ):
        before = stand_in.synchronisations
        function()
        assert stand_in.synchronisations == before + waits
