"""What show_config prints, and what set_backend says where it cannot."""

import io
import sys
import time
from types import SimpleNamespace

import pytest

import pycnn
from pycnn.backend import availability
from pycnn.backend.availability import missing_for_cuda
from pycnn.backend.registry import why_unavailable


def test_show_config_names_everything():
    text = io.StringIO()
    pycnn.show_config(file=text)
    pycnn.show_config(file=io.StringIO())  # nothing that it imports hides it
    lines = dict(line.split(":", 1) for line in text.getvalue().splitlines())
    assert lines["pycnn"].strip() == pycnn.__version__
    assert lines["backend cpu"].strip() == "available"
    assert lines["backend cuda"].strip() == "available" or "unavailable: " in lines["backend cuda"]
    assert lines["threads"].strip() == str(pycnn.get_num_threads())
    assert lines["instruction set"].strip() in ("base", "avx2", "avx512")
    assert lines["OpenMP"].strip()


def test_show_config_describes_gpus(monkeypatch):
    gpu = {"name": b"NVIDIA H100", "major": 9, "minor": 0, "totalGlobalMem": 80 << 30}
    runtime = SimpleNamespace(
        driverGetVersion=lambda: 13010, getDeviceCount=lambda: 2, getDeviceProperties=lambda number: gpu
    )
    nvrtc = SimpleNamespace(getVersion=lambda: (13, 0))
    cupy = SimpleNamespace(__version__="14.2.0", cuda=SimpleNamespace(runtime=runtime, nvrtc=nvrtc))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(availability, "missing_for_cuda", lambda: None)
    text = io.StringIO()
    pycnn.show_config(file=text)
    lines = dict(line.split(":", 1) for line in text.getvalue().splitlines())
    assert lines["CUDA"].strip() == "CuPy 14.2.0, NVRTC 13.0, a driver for CUDA 13.1"
    assert lines["GPU 0"].strip() == lines["GPU 1"].strip() == "NVIDIA H100, sm_90, 80.0 GiB"


@pytest.mark.skipif(why_unavailable("cuda") is None, reason="there is a GPU")
def test_cuda_raises_at_once_and_says_what_is_missing():
    missing_for_cuda.cache_clear()
    start = time.perf_counter()
    with pytest.raises(pycnn.backend.BackendUnavailableError, match="cuda backend is not available: .*(install|GPU)"):
        pycnn.set_backend("cuda")
    assert time.perf_counter() - start < 0.5


def test_auto_says_what_it_chose(capsys):
    pycnn.set_backend("auto")
    chosen = "cpu" if why_unavailable("cuda") else "cuda"
    assert pycnn.get_backend().name == chosen
    assert f"'auto' chose '{chosen}'" in capsys.readouterr().err
