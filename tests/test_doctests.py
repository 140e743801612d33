"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import importlib.util
from pathlib import Path

import pytest
from cuda_emulator import backend as cuda_emulated

import pycnn

ROOT = Path(importlib.util.find_spec("pycnn").origin).parent
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("pycnn", *path.relative_to(ROOT).with_suffix("").parts)
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("name", list(modules()))
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = cuda_emulated.modules().get(name) or importlib.import_module(name)
    report = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module):
        pycnn.utils.clear_session()  # layers are named as in a new session, whatever was tested before
        runner.run(example, out=report.append)
    assert not runner.failures, "".join(report)
