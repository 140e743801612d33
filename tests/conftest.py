"""Fixtures of all tests: the backends, and a known state before each test."""

import os

import pytest
from hypothesis import HealthCheck, settings

import pycnn
from pycnn import config

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("KERAS_BACKEND", "torch")

BACKENDS = ("reference", "cpu")

settings.register_profile(
    "pycnn",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("pycnn")


@pytest.fixture(autouse=True)
def known_state():
    """The same seed before each test; floatx, epsilon, layout and backend as they were after it."""
    before = pycnn.get_backend().name, config.floatx(), config.epsilon(), config.image_data_format()
    config.set_random_seed(0)
    yield
    name, floatx, epsilon, layout = before
    pycnn.set_backend(name)
    config.set_floatx(floatx)
    config.set_epsilon(epsilon)
    config.set_image_data_format(layout)


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each backend in turn, set for the test: what ``pycnn.get_backend()`` returns."""
    pycnn.set_backend(request.param)
    return pycnn.get_backend()
