"""Choosing a backend."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

import pycnn
from pycnn.backend import BackendUnavailableError, availability
from pycnn.backend.registry import why_unavailable


def test_set_backend_is_what_get_backend_returns(backend):
    assert pycnn.get_backend() is backend
    pycnn.set_backend("reference")
    assert pycnn.get_backend().name == "reference"
    assert pycnn.get_backend().__name__ == "pycnn.backend.reference"


def test_a_scope_ends(backend):
    with pycnn.backend_scope("reference") as inner:
        assert inner.name == pycnn.get_backend().name == "reference"
        with pycnn.backend_scope(backend.name):
            assert pycnn.get_backend() is backend
        assert pycnn.get_backend() is inner
    assert pycnn.get_backend() is backend
    with pytest.raises(KeyError), pycnn.backend_scope("reference"):
        raise KeyError
    assert pycnn.get_backend() is backend


def test_a_scope_is_of_its_thread_and_the_default_of_all():
    pycnn.set_backend("cpu")
    seen = []
    with pycnn.backend_scope("reference"):
        thread = threading.Thread(target=lambda: seen.append(pycnn.get_backend().name))
        thread.start()
        thread.join()
    assert seen == ["cpu"]


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"backend must be one of auto, cpu, cuda, reference\. Received: name='gpu'"):
        pycnn.set_backend("gpu")
    with pytest.raises(ValueError, match="Received: name='gpu'"), pycnn.backend_scope("gpu"):
        pass


@pytest.fixture
def machine(monkeypatch):
    """A machine of which tests take things away: it has CuPy, a driver, a GPU and the compiler."""
    device = SimpleNamespace(count=1, error=0)

    def count_devices(count):
        count._obj.value = device.count
        return device.error

    device.driver = SimpleNamespace(cuInit=lambda flags: 0, cuDeviceGetCount=count_devices)
    device.driver_version, device.capability = 13010, (7, 5)
    runtime = SimpleNamespace(
        driverGetVersion=lambda: device.driver_version,
        getDevice=lambda: 1,
        getDeviceProperties=lambda number: {
            "name": b"Tesla",
            "major": number * device.capability[0],
            "minor": device.capability[1],
        },
    )
    nvrtc = SimpleNamespace(getVersion=lambda: (13, 0))
    device.cupy = SimpleNamespace(__version__="14.2.0", cuda=SimpleNamespace(nvrtc=nvrtc, runtime=runtime))
    monkeypatch.setattr(availability.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(availability.ctypes, "CDLL", lambda name: device.driver)
    monkeypatch.setattr(availability.importlib, "import_module", lambda name: device.cupy)
    availability.missing_for_cuda.cache_clear()
    yield device
    availability.missing_for_cuda.cache_clear()


def test_cuda_says_which_of_package_driver_device_and_compiler_is_missing(machine, monkeypatch):
    def missing():
        availability.missing_for_cuda.cache_clear()
        return why_unavailable("cuda")

    assert missing() is None
    machine.capability = (7, 0)
    assert "compute capability 7.5 is needed, and Tesla has 7.0: " in missing()
    machine.cupy.cuda.runtime.getDevice = raising(RuntimeError("cudaErrorDevicesUnavailable"))
    assert "the GPU does not answer (cudaErrorDevicesUnavailable): " in missing()
    machine.driver_version = 11080
    assert missing().endswith("the driver is for CUDA 11.8, CuPy for 13.0: install a newer driver")
    machine.driver_version = 12090
    assert 'the driver is for CUDA 12.9, CuPy for 13.0: install a newer driver, or "pycnn[cuda12]"' in missing()
    machine.cupy.cuda.nvrtc = None
    assert "the compiler NVRTC does not load" in missing()
    for version in ("14.1.9", "15.0.0rc1", "13.6.0"):
        machine.cupy.__version__ = version
        assert f"CuPy from 14.2 to below 15.0 is needed, and {version} is installed: pip install" in missing()
    monkeypatch.setattr(availability.importlib, "import_module", raising(ImportError("no libcublas.so.13")))
    assert "the package cupy does not load (no libcublas.so.13): pip install" in missing()
    machine.error = 3
    assert "does not start (error 3)" in missing()
    machine.error, machine.count = 0, 0
    assert "finds no GPU" in missing()
    monkeypatch.setattr(availability.ctypes, "CDLL", raising(OSError))
    assert "there is no NVIDIA driver" in missing()
    monkeypatch.setattr(availability.importlib.util, "find_spec", lambda name: None)
    assert "cupy is not installed: pip install" in missing()
    before = pycnn.get_backend()
    with pytest.raises(BackendUnavailableError, match="The cuda backend is not available: the package cupy"):
        pycnn.set_backend("cuda")
    assert pycnn.get_backend() is before


def raising(error):
    def function(*args):
        raise error

    return function


def test_auto_chooses_and_says_so(capsys):
    pycnn.set_backend("auto")
    assert pycnn.get_backend().name == ("cpu" if why_unavailable("cuda") else "cuda")
    line = capsys.readouterr().err
    assert line.startswith(f"pycnn: backend 'auto' chose '{pycnn.get_backend().name}'")
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "status", "printed"),
    [("reference", 0, "reference"), ("", 1, "Received: name=''"), ("tpu", 1, "name='tpu'")],
)
def test_environment_names_the_backend_to_start_with(name, status, printed):
    run = subprocess.run(
        [sys.executable, "-c", "import pycnn; print(pycnn.get_backend().name)"],
        env={**os.environ, "PYCNN_BACKEND": name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status
    assert printed in run.stdout + run.stderr
