"""Fixtures of all tests: the backends, and a known state before each test; and how many processes share the tests."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin while they wait keep other processes waiting
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "2")  # enough for every parallel path, here and in programs run by tests

from cuda_emulator import backend as cuda_emulated

import pycnn  # after the variables that OpenMP reads when it is loaded
from pycnn import config
from pycnn.backend.registry import why_unavailable

BACKENDS = ["reference", "cpu", cuda_emulated.NAME]
if why_unavailable("cuda") is None:
    BACKENDS.append(pytest.param("cuda", marks=pytest.mark.gpu))

settings.register_profile(
    "pycnn",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("pycnn")


def pytest_xdist_auto_num_workers(config):
    """As many processes as processors, for all tests or whole folders; none for single files, which start at once."""
    option = config.option
    if option.keyword or option.capture == "no" or not all(os.path.isdir(place) for place in config.args):
        return 0
    processors = pycnn.threads.default_num_threads()
    return min(processors, 8) if processors > 1 else 0


def pytest_collection_modifyitems(config, items):
    """Leave out the tests that the file ``PYCNN_LEAVE_OUT`` lists: those that have passed, in another environment."""
    path = os.environ.get("PYCNN_LEAVE_OUT")
    if path:
        known = set(Path(path).read_text(encoding="utf-8").splitlines())
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in known])
        items[:] = [item for item in items if item.nodeid not in known]


def pytest_runtest_logreport(report):
    """Add each test that passes to the file ``PYCNN_PASSED``; of several processes the one that gathers does it."""
    path = os.environ.get("PYCNN_PASSED")
    if path and "PYTEST_XDIST_WORKER" not in os.environ and report.when == "call" and report.passed:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{report.nodeid}\n")


def pytest_collection_finish():
    """Spare the collector the thousands of collected tests: a pass over everything then takes a millisecond."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def known_state():
    """The same seed before each test; the settings and the backend as they were after it."""
    before = pycnn.get_backend().name, config.floatx(), config.epsilon(), config.image_data_format()
    algorithm, precision = config.conv_algorithm(), config.float32_precision()
    config.set_random_seed(0)
    yield
    name, floatx, epsilon, layout = before
    pycnn.set_backend(name)
    config.set_floatx(floatx)
    config.set_epsilon(epsilon)
    config.set_image_data_format(layout)
    config.set_conv_algorithm(algorithm)
    config.set_float32_precision(precision)
    config.set_dtype_policy(None)


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each backend in turn, set for the test: what ``pycnn.get_backend()`` returns."""
    if request.param == cuda_emulated.NAME:
        cuda_emulated.install()
    pycnn.set_backend(request.param)
    return pycnn.get_backend()


@pytest.fixture
def without_numbers(monkeypatch):
    """Kernels begin as zeros that the system provides only when they are touched: for networks that are not run."""
    monkeypatch.setattr(
        pycnn.initializers.VarianceScaling, "values", lambda self, shape, generator: np.zeros(shape, "f4")
    )
