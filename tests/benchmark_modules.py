"""The modules of benchmarks/, which lies beside the package and is not installed."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parent.parent


def benchmark(name):
    """Import ``benchmarks.<name>``."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(f"benchmarks.{name}")


def limits(flops=1e9, bandwidth=1e9):
    """Limits that were not measured."""
    known = benchmark("limits").Limits.__new__(benchmark("limits").Limits)
    known.flops, known.bandwidth = flops, bandwidth
    return known


def arguments(**changed):
    """What the command line says, for contests as short as can be against PyTorch alone."""
    options = {
        "threads": 1,
        "seconds": 1e-4,
        "limits": limits(),
        "peers": ["torch"],
        "compile_seconds": 5.0,
        "nets": ["MobileNet"],
        "passes": ["inference"],
        "size": 32,
        "turns": 1,
    }
    return SimpleNamespace(**{**options, **changed})
