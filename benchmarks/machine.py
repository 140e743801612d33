"""What a figure was measured on, and with what."""

import platform
import re
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pycnn
from pycnn.threads import processors
from pycnn_ext import kernels

PACKAGES = ("torch", "onnxruntime", "numpy")


def describe(args):
    """The head of a JSON file: machine, versions, date, and the options that change what is measured."""
    versions = {"python": platform.python_version(), "pycnn": pycnn.__version__}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {
        "workload": args.workload,
        "threads": args.threads,
        "isa": kernels.get_isa(),
        "seconds": args.seconds,
        "shapes": f"random {args.random}, seed {args.seed}" if args.random else Path(args.shapes).stem,
        "date": date.today().isoformat(),
        "versions": versions,
        "absent": args.absent,
        "machine": {
            "cpu": cpu_model(),
            "cores": processors(),
            "system": f"{platform.system()} {platform.machine()}",
            "gflops": round(args.limits.flops / 1e9, 1),
            "gbytes": round(args.limits.bandwidth / 1e9, 1),
        },
    }


def cpu_model():
    """The processor's name for itself."""
    path = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", path.read_text(), re.MULTILINE) if path.exists() else None
    return re.sub(r"\((R|TM|C)\)", "", found[1]) if found else platform.processor() or platform.machine()


def slug(cpu, count):
    """A name for a folder.

    >>> slug("Intel Xeon Processor @ 2.50GHz", 2)
    'intel-xeon-2.50ghz-2-cores'
    """
    words = re.findall(r"[a-z0-9.]+", re.sub(r"\b(processor|cpu)\b", "", cpu.lower()))
    return "-".join([*words, str(count), "cores"])
