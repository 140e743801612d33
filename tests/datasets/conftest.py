"""A server of files, and a cache of the test's own."""

import importlib.util
from pathlib import Path

import pytest

from pycnn.datasets import download


def _server_class():
    spec = importlib.util.spec_from_file_location("file_server", Path(__file__).with_name("file_server.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FileServer


@pytest.fixture
def server():
    made = _server_class()()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache; and nobody waits before another attempt."""
    monkeypatch.setenv("PYCNN_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "_PAUSE", 0)
    return tmp_path / "cache" / "datasets"
