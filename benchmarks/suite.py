"""``python -m benchmarks all``: each part in a process of its own, on one thread and on all, then the report."""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

from benchmarks import report
from benchmarks.machine import cpu_model, slug
from pycnn.threads import processors
from pycnn_ext import kernels

RESULTS = Path(__file__).parent / "results"
TRAINED = ("GoogLeNet", "SEResNet50", "MobileNet")  # a step of the others takes long, and shows nothing else
PARTS = {  # name -> the share of --seconds that a contest gets, and the arguments
    "conv": (1.0, "conv"),
    "random": (0.3, "conv --random 40 --seed 1"),
    "shapes": (0.3, "conv --shapes nets"),
    "avx2": (0.3, "conv --random 40 --seed 2 --isa avx2"),  # PyTorch 2.13, held to AVX2, crashes in a shape of seed 1
    "pool": (0.5, "pool"),
    "roi": (0.5, "roi"),
    "layers": (0.5, "layers"),
    "recurrent": (0.5, "recurrent"),
    "lenet": (1.0, "lenet"),
    "inference": (1.0, "nets --passes inference"),
    "training": (1.0, f"nets --passes training --nets {' '.join(TRAINED)}"),
    "input": (1.0, "input"),
    "nms": (1.0, "nms"),
    "detection_metrics": (1.0, "detection_metrics"),
    "memory": (1.0, f"memory --nets {' '.join(TRAINED)}"),
}
ONCE = ("memory", "detection_metrics")  # on all threads only


def parts():
    """The name of each part, such as ``conv-1``, -> (threads, share of the time, arguments)."""
    found = {}
    for threads in sorted({1, processors()}):
        for name, (share, arguments) in PARTS.items():
            if (name in ONCE and threads != processors()) or (name == "avx2" and kernels.get_isa() != "avx512"):
                continue
            found[f"{name}-{threads}"] = (threads, share, arguments.split())
    return found


def run(args):
    """Run the parts that the arguments name, or all; write the report; return the exit status."""
    folder = args.results or RESULTS / slug(cpu_model(), processors())
    folder.mkdir(parents=True, exist_ok=True)
    every, status = parts(), 0
    unknown = [name for name in args.parts or () if name not in every]
    if unknown:
        raise SystemExit(f"--parts must be some of {', '.join(every)}. Received: {', '.join(unknown)}")
    for name in args.parts or every:
        threads, share, arguments = every[name]
        common = ["--threads", threads, "--seconds", share * args.seconds, "--json", folder / f"{name}.json"]
        common += ["--compile-seconds", args.compile_seconds, "--peers", *args.peers]
        start = perf_counter()
        print(f"\n== {name}: python -m benchmarks {' '.join(map(str, [*arguments, *common]))}", flush=True)
        failed = subprocess.run([sys.executable, "-m", "benchmarks", *arguments, *map(str, common)]).returncode
        print(f"== {name}: {'FAILED' if failed else 'done'} after {perf_counter() - start:.0f} s", flush=True)
        status = status or failed
    args.results = folder
    return report.run(args) or status
