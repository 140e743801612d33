"""What show_config prints, and what set_backend says where it cannot."""

import io
import time

import pytest

import pycnn


def test_show_config_names_everything():
    text = io.StringIO()
    pycnn.show_config(file=text)
    pycnn.show_config(file=io.StringIO())  # nothing that it imports hides it
    lines = dict(line.split(":", 1) for line in text.getvalue().splitlines())
    assert lines["pycnn"].strip() == pycnn.__version__
    assert lines["backend cpu"].strip() == "available"
    assert "no CUDA kernels" in lines["backend cuda"]
    assert lines["threads"].strip() == str(pycnn.get_num_threads())
    assert lines["instruction set"].strip() in ("base", "avx2", "avx512")
    assert lines["OpenMP"].strip()


def test_cuda_raises_at_once_and_says_what_is_missing():
    start = time.perf_counter()
    with pytest.raises(pycnn.backend.BackendUnavailableError, match="cuda backend is not available: .*CUDA kernels"):
        pycnn.set_backend("cuda")
    assert time.perf_counter() - start < 0.5


def test_auto_says_what_it_chose(capsys):
    pycnn.set_backend("auto")
    assert pycnn.get_backend().name == "cpu"
    assert "'auto' chose 'cpu'" in capsys.readouterr().err
