"""Compiled kernels read and write inside their arrays, and nowhere else."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def run(*code):
    return subprocess.run([sys.executable, *code], cwd=TESTS, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages with Linux's mprotect")
def test_kernels_stay_inside_their_arrays():
    done = run("guarded_arrays.py")
    assert done.returncode == 0, f"ended with {done.returncode} in: {done.stdout.splitlines()[-1:]}\n{done.stderr}"
    assert done.stdout.count("\n") > 1000


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages with Linux's mprotect")
@pytest.mark.parametrize(("at_end", "beside"), [(True, "a.nbytes"), (False, "-1")])
def test_a_touch_beside_an_array_is_noticed(at_end, beside):
    done = run(
        "-c",
        "import ctypes, numpy as np; from guarded_arrays import guarded\n"
        f"a = guarded(np.ones(5, np.float32), {at_end})\n"
        "print(ctypes.c_char.from_address(a.ctypes.data).value, flush=True)\n"
        f"print(ctypes.c_char.from_address(a.ctypes.data + {beside}).value)",
    )
    assert done.returncode == -signal.SIGSEGV
    assert done.stdout.count("\n") == 1
