"""What this installation is made of: for bug reports, and to see at a glance what a program will run on."""

import platform
import sys
from pathlib import Path

import numpy as np

from pycnn import threads
from pycnn.backend.availability import describe_cuda
from pycnn.backend.registry import BACKENDS, get_backend, why_unavailable
from pycnn_ext import kernels
from pycnn_ext import threads as ext_threads


def show_config(version, file=None):
    """Print version, backends (and why one is unavailable), GPUs, instruction set, OpenMP runtime and threads."""
    lines = [
        ("pycnn", version),
        ("python", f"{platform.python_version()} on {platform.machine()}, numpy {np.__version__}"),
        ("backend in use", get_backend().name),
    ]
    for name in BACKENDS:
        reason = why_unavailable(name)
        lines.append((f"backend {name}", "available" if reason is None else f"unavailable: {reason}"))
    lines += [
        *describe_cuda(),
        ("instruction set", kernels.get_isa()),
        ("OpenMP", openmp_runtime()),
        ("threads", threads.get_num_threads()),
    ]
    for key, value in lines:
        print(f"{key + ':':<20}{value}", file=file or sys.stdout)


def openmp_runtime():
    """The OpenMP standard compiled in, and the runtime libraries that this process has loaded."""
    date = ext_threads.openmp()
    if not date:
        return "none: a serial build"
    maps = Path("/proc/self/maps")
    names = set()
    if maps.exists():
        names = {Path(line.split()[-1]).name for line in maps.read_text().splitlines() if "omp" in line.split()[-1]}
    loaded = ", ".join(sorted(n for n in names if n.startswith(("libgomp", "libomp", "libiomp")))) or "unknown library"
    return f"{loaded} (OpenMP {date})"
