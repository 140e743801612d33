"""Plain loops in C, one file each: peers where there is no better one, compiled by ``gcc -O2`` when they are needed."""

import ctypes
import subprocess
import tempfile
from functools import cache
from pathlib import Path


@cache
def loop(name):
    """The compiled ``<name>.c`` of this folder, by ctypes."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / f"{name}.so"
        source = Path(__file__).parent / f"{name}.c"
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
        return ctypes.CDLL(str(library))
