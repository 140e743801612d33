"""Command line of the benchmarks."""

import argparse
import importlib
import json
import platform
from pathlib import Path

import pycnn
from benchmarks.nets import NETS, WORK

WORKLOADS = ("conv", "lenet", "nets", "tune")


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="pycnn against PyTorch, interleaved")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=pycnn.get_num_threads(), help="threads of both")
    parser.add_argument("--seconds", type=float, default=0.4, help="about how long to time each contest")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--shapes", type=Path, help="conv: another shapes file")
    parser.add_argument("--random", type=int, default=0, help="conv: this many random shapes instead")
    parser.add_argument("--seed", type=int, default=0, help="conv: seed of the random shapes")
    parser.add_argument("--nets", nargs="+", default=NETS, choices=NETS, help="nets: which networks")
    parser.add_argument("--passes", nargs="+", default=list(WORK), choices=WORK, help="nets: which passes")
    parser.add_argument("--size", type=int, default=224, help="nets: height and width of the images")
    parser.add_argument("--turns", type=int, default=7, help="nets: turns of each side")
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        parser.error("the peer is missing: pip install torch")
    torch.set_num_threads(args.threads)
    pycnn.set_num_threads(args.threads)
    rows = importlib.import_module(f"benchmarks.{args.workload}").run(torch, args)
    if args.json:
        versions = {"pycnn": pycnn.__version__, "torch": torch.__version__, "python": platform.python_version()}
        args.json.write_text(json.dumps({"threads": args.threads, "versions": versions, "rows": rows}, indent=1))
        print(f"wrote {args.json}")


main()
