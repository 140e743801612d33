"""Command line of the benchmarks."""

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.bound import BOUND

WORKLOADS = (
    "conv",
    "pool",
    "roi",
    "layers",
    "recurrent",
    "lenet",
    "nets",
    "memory",
    "input",
    "nms",
    "detection_metrics",
    "tune",
    "cuda",
)
REPORTS = ("all", "report")
APART = (*REPORTS, "nets", "memory", "input")
"""What runs in processes or threads of its own, which would inherit the one processor of a bound thread."""
ISAS = {"base": ("SSE41", "default"), "avx2": ("AVX2", "avx2")}
"""What oneDNN and PyTorch's own kernels call the instruction sets that both sides can be held to."""


def main():
    _run_again_on_isa()
    if _binds(sys.argv[1:]):
        os.environ |= BOUND
    args = _arguments()
    if args.workload in REPORTS:
        from benchmarks import report, suite

        sys.exit(suite.run(args) if args.workload == "all" else report.run(args))
    _run(args)


def _binds(words):
    """Whether the threads of this process are to be bound: of ``conv --shapes nets`` they are, of ``nets`` not."""
    return next((word for word in words if word in (*WORKLOADS, *REPORTS)), None) not in APART


def _arguments():
    import pycnn
    from benchmarks.nets import NETS, WORK
    from benchmarks.peers import PEERS

    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="pycnn against its peers, interleaved")
    parser.add_argument("workload", choices=(*WORKLOADS, *REPORTS))
    parser.add_argument("--threads", type=int, default=pycnn.get_num_threads(), help="threads of all sides")
    parser.add_argument("--seconds", type=float, default=0.4, help="about how long to time each contest")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS, help="which peers take part")
    parser.add_argument("--isa", choices=ISAS, help="hold pycnn and PyTorch to an older instruction set")
    parser.add_argument("--shapes", default="conv", help="conv: another file of shapes, or nets")
    parser.add_argument("--random", type=int, default=0, help="conv: this many random shapes instead")
    parser.add_argument("--seed", type=int, default=0, help="conv: seed of the random shapes")
    parser.add_argument("--nets", nargs="+", default=NETS, choices=NETS, help="nets, memory: which networks")
    parser.add_argument("--passes", nargs="+", default=list(WORK), choices=WORK, help="nets: which passes")
    parser.add_argument("--size", type=int, default=224, help="nets, memory: height and width of the images")
    parser.add_argument("--turns", type=int, default=7, help="nets: turns of each side, at most")
    parser.add_argument("--compile-seconds", type=float, default=30, help="nets: how long torch.compile may take")
    parser.add_argument("--results", type=Path, help="all, report: where JSON files, table and chart are")
    parser.add_argument("--parts", nargs="+", help="all: which parts, such as conv-1")
    return parser.parse_args()


def _run_again_on_isa():
    """In a child process, for both sides read these variables when they are loaded."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--isa", choices=ISAS)
    isa = parser.parse_known_args()[0].isa
    if isa and os.environ.get("ATEN_CPU_CAPABILITY") != ISAS[isa][1]:
        onednn, aten = ISAS[isa]
        environment = {"PYCNN_ISA": isa, "ONEDNN_MAX_CPU_ISA": onednn, "ATEN_CPU_CAPABILITY": aten}
        command = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env={**os.environ, **environment}).returncode)


def _run(args):
    import pycnn
    from benchmarks.contest import summary
    from benchmarks.limits import Limits
    from benchmarks.machine import describe
    from benchmarks.peers import absent

    try:
        import torch
    except ImportError:
        sys.exit("the peers are missing: pip install 'pycnn[peers]'")
    torch.set_num_threads(args.threads)
    pycnn.set_num_threads(args.threads)
    args.limits, args.absent = Limits(), absent(args.peers, args.isa)
    args.peers = [name for name in args.peers if name not in args.absent]
    for name, why in args.absent.items():
        print(f"{name} takes no part: {why}")
    print(f"{args.workload}: {args.threads} thread(s); {args.limits}; ratio = best peer / pycnn", flush=True)
    rows = importlib.import_module(f"benchmarks.{args.workload}").run(torch, args)
    for which, count, mean, worst in summary(rows):
        print(f"{which}: {count} rows, geometric mean {mean:.2f}, worst {worst:.2f}")
    args.limits.measure()
    if args.json:
        args.json.write_text(_document(describe(args), rows))
        print(f"wrote {args.json}")


def _document(head, rows):
    """JSON, with a line a row."""
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    return f'{json.dumps(head, indent=1)[:-2]},\n "rows": [\n  {lines}\n ]\n}}\n'


if __name__ == "__main__":
    main()
