"""The cuda backend on the emulated device, under a name of its own: ``install()``, then ``set_backend(NAME)``."""

import os
import shutil
from functools import cache

import pytest
from cuda_emulator import stand_in

from pycnn.backend import registry

NAME = "cuda-emulated"
_GPUS = [NAME] if registry.why_unavailable("cuda") else [NAME, pytest.param("cuda", marks=pytest.mark.gpu)]
on_gpus = pytest.mark.parametrize("backend", _GPUS, indirect=True)
"""Run a test with the fixture ``backend`` on the emulated GPU, and on a real one where there is one."""


@cache
def modules():
    """The modules of ``pycnn.backend.cuda`` as they are, with the stand-in for CuPy, by name."""
    return stand_in.load("pycnn.backend.cuda")


def load():
    """The backend. Its modules that no member hides are attributes of it: ``launch``, ``sources``, ``arrays``."""
    backend = modules()["pycnn.backend.cuda"]
    backend.name = NAME
    return backend


def install():
    """Let ``set_backend`` take it; without a C++ compiler skip, or fail if peers are required."""
    if shutil.which("g++") is None:
        if os.environ.get("PYCNN_REQUIRE_PEERS") == "1":
            pytest.fail("PYCNN_REQUIRE_PEERS=1, and g++ is missing, which compiles kernels for the emulated GPU")
        pytest.skip("g++ is not installed, which compiles kernels for the emulated GPU")
    registry.install(NAME, load())
