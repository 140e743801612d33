"""What .ci/sanitize runs on a GPU: tests that launch each kernel."""

import os
import subprocess
import sys
from pathlib import Path

from cuda_emulator import backend as cuda_emulated

TESTS = Path(__file__).parent.parent


def test_the_marked_tests_launch_each_kernel(tmp_path):
    cuda_emulated.install()
    names, path = tmp_path / "launched", os.pathsep.join([str(TESTS), *filter(None, sys.path)])
    marked = [str(TESTS / "backend"), "-m", "each_kernel", "-k", cuda_emulated.NAME]
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "launched", *marked],
        env={**os.environ, "PYCNN_LAUNCHED": str(names), "PYTHONPATH": path},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    sources = cuda_emulated.load().sources
    kernels = {f"{source}.{kernel}" for source in sources.names() for kernel in sources.signatures(source)}
    assert set(names.read_text(encoding="utf-8").split()) == kernels
