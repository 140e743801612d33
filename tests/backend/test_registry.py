"""Choosing a backend."""

import os
import subprocess
import sys
import threading

import pytest

import pycnn
from pycnn.backend import BackendUnavailableError
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


def test_cuda_raises_and_says_what_is_missing():
    before = pycnn.get_backend()
    with pytest.raises(BackendUnavailableError, match=r"cuda backend is not available: .*no CUDA kernels"):
        pycnn.set_backend("cuda")
    assert pycnn.get_backend() is before
    assert "CUDA" in why_unavailable("cuda")
    assert why_unavailable("reference") is None


def test_auto_chooses_and_says_so(capsys):
    pycnn.set_backend("auto")
    assert pycnn.get_backend().name == "cpu"
    line = capsys.readouterr().err
    assert line.startswith("pycnn: backend 'auto' chose 'cpu' (")
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
