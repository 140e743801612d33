"""Arrays of a device: in, out, and random."""

import subprocess
import sys

import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from cuda_emulator import stand_in
from cuda_emulator.backend import on_gpus
from helpers import normal

import pycnn
from pycnn.backend.names import REDUCTIONS


def test_there_and_back(backend):
    for value in ([[1.0, 2.0], [3.0, 4.0]], np.arange(6, dtype=np.float32).reshape(2, 3), 3.5):
        array = backend.asarray(value)
        assert backend.is_array(array)
        np.testing.assert_array_equal(backend.to_numpy(array), value)
    assert not backend.is_array([1.0])
    assert not backend.is_array(1.0)


def test_asarray_takes_a_dtype(backend):
    assert backend.asarray([1, 2], dtype="float32").dtype == np.float32
    array = backend.asarray(np.ones(3))
    assert array.dtype == np.float64
    assert backend.asarray(array) is array


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_numbers_come_from_the_generator_of_the_host(backend, dtype):
    numbers = backend.random_uniform(np.random.default_rng(7), (50, 40), dtype)
    assert backend.is_array(numbers)
    assert numbers.dtype == dtype
    values = backend.to_numpy(numbers)
    assert 0 <= values.min() < 0.01
    assert 0.99 < values.max() < 1
    again = backend.to_numpy(backend.random_uniform(np.random.default_rng(7), (50, 40), dtype))
    np.testing.assert_array_equal(values, again)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("member", ["random_uniform", "random_normal"])
def test_random_numbers_are_distributed_as_they_should(backend, member, dtype):
    """Moments to five standard deviations, of values and of neighbours' products; and another draw is another."""
    generator, count = np.random.default_rng(8), 20_001
    first, second = (getattr(backend, member)(generator, (3, 6667), dtype) for _ in range(2))
    assert first.dtype == dtype
    x, other = (backend.to_numpy(a).astype(np.float64).reshape(-1) for a in (first, second))
    if member == "random_uniform":
        x, other = (x - 0.5) * 12**0.5, (other - 0.5) * 12**0.5
        moments = 0, 1, 0, 9 / 5
        spreads = 1, 4 / 5, 27 / 7, 144 / 25
    else:
        moments, spreads = (0, 1, 0, 3), (1, 2, 15, 96)
    for power, (moment, spread) in enumerate(zip(moments, spreads, strict=True), 1):
        assert abs((x**power).mean() - moment) < 5 * (spread / count) ** 0.5
    for a, b in [(x, other), *((x[:-step], x[step:]) for step in (1, 2, 4))]:
        assert abs((a * b).mean()) < 5 / len(a) ** 0.5
    assert len(np.unique(x)) > 0.99 * count


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (7, 11, 3)])
@pytest.mark.parametrize("member", ["random_uniform", "random_normal"])
@pytest.mark.each_kernel
def test_random_numbers_fill_any_shape(backend, member, shape):
    numbers = backend.to_numpy(backend.xp.asarray(getattr(backend, member)(np.random.default_rng(3), shape, "float32")))
    assert numbers.shape == shape
    assert np.isfinite(numbers).all()


@on_gpus
@pytest.mark.parametrize("member", ["random_uniform", "random_normal"])
def test_random_numbers_do_not_depend_on_the_grid(backend, monkeypatch, member):
    draw = getattr(backend, member)
    expected = backend.to_numpy(draw(np.random.default_rng(3), (9, 501), "float32"))
    monkeypatch.setitem(draw.__globals__, "elementwise_blocks", lambda count: 2)
    np.testing.assert_array_equal(backend.to_numpy(draw(np.random.default_rng(3), (9, 501), "float32")), expected)


def test_xp_is_the_namespace_of_its_arrays(backend):
    assert backend.is_array(backend.xp.zeros(3))
    assert backend.is_array(backend.xp.exp(backend.asarray([0.0])))


GROWTH = """before = pycnn.backend.memory_info()["used"]
kept = numpy.ones((64, 1 << 18), "float32")
assert pycnn.backend.memory_info()["used"] >= before + kept.nbytes // 2"""


def test_memory_in_use_grows_with_arrays(backend):
    info = pycnn.backend.memory_info()
    assert set(info) == {"used", "held", "free", "total"}
    assert 0 <= info["free"] <= info["total"]
    assert 0 <= info["used"] <= info["total"]
    if backend.name in ("cpu", "reference"):  # a process that has freed nothing yet, and so must ask for more
        code = f"import numpy, pycnn; pycnn.set_backend({backend.name!r}); {GROWTH}"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
    else:
        kept = backend.activation_forward(backend.asarray(np.ones((64, 1 << 18), "float32")), "relu")
        assert pycnn.backend.memory_info()["used"] >= info["used"] + kept.nbytes // 2
    pycnn.backend.free_pool()
    assert pycnn.backend.memory_info()["held"] == 0


@pytest.mark.parametrize("backend", [cuda_emulated.NAME], indirect=True)
def test_too_little_memory_says_what_there_was_and_what_helps(backend, monkeypatch):
    x = backend.asarray(np.ones(3 << 18, "float32"))
    monkeypatch.setattr(stand_in.Memory, "room", 1 << 20)
    words = r"no room for 3\.0 MiB more: of .* MiB are free .* MiB, in use .* held .* smaller batches.*free_pool\(\)"
    with pytest.raises(pycnn.backend.OutOfMemoryError, match=words):
        backend.activation_forward(x, "relu")
    with pytest.raises(MemoryError, match=words):
        backend.record(lambda x: backend.activation_forward(x, "relu"), [x])
    backend.activation_forward(x[:5], "relu")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("reduction", [None, *REDUCTIONS])
@pytest.mark.each_kernel
def test_updates_of_places_that_repeat_count_in_their_order(backend, reduction, dtype):
    rng = np.random.default_rng(3)
    indices = {
        "rows": (rng.integers(-5, 5, 40), (40, 4, 3)),
        "places": ((rng.integers(0, 5, (7, 6)), rng.integers(0, 4, 6)), (7, 6, 3)),
        "between": ((slice(None), rng.integers(0, 4, 9), slice(0, 2)), (5, 9, 2)),
        "one for all": (np.array([[2, 2], [0, 2]]), (4, 3)),
        "none": (np.zeros(0, int), (0, 4, 3)),
    }
    for index, shape in indices.values():
        target = np.abs(10 * normal((5, 4, 3))).astype(dtype)
        values = (np.sign(rng.random(shape) - 0.5) + 10 * np.abs(normal(shape, seed=1)) + 1).astype(dtype)
        expected = target.copy()
        if reduction is None:
            expected[index] = values
        else:
            getattr(np, reduction).at(expected, index, values)
        array = backend.asarray(target.copy())
        parts = tuple(map(on_device, index)) if isinstance(index, tuple) else on_device(index)
        assert backend.update_at(array, parts, backend.asarray(values), reduction) is None
        np.testing.assert_array_equal(backend.to_numpy(array), expected)


def on_device(part):
    return pycnn.get_backend().asarray(part) if isinstance(part, np.ndarray) else part


def test_a_copy_on_the_host_has_memory_of_its_own(backend):
    for shape in ((3, 4), (1 << 9, 1 << 10), (0, 2)):
        x = backend.asarray(np.ones(shape, np.float32))
        kept = backend.to_numpy(x, copy=True)
        x += 1
        np.testing.assert_array_equal(kept, np.ones(shape))
