"""A plugin of pytest: which kernels run on the emulated GPU, in the file that ``PYCNN_LAUNCHED`` names."""

import os
from pathlib import Path

from cuda_emulator import backend as cuda_emulated

_launched = set()
_launch = cuda_emulated.load().launch
_function = _launch._function


def _noted(source, kernel, *others):
    _launched.add(f"{source}.{kernel}")
    return _function(source, kernel, *others)


_launch._function = _noted


def pytest_sessionfinish():
    """Write the names, one a line."""
    Path(os.environ["PYCNN_LAUNCHED"]).write_text("\n".join(sorted(_launched)), encoding="utf-8")
