"""Whole networks: seconds and peak memory of a training step and of the prediction of one image, against PyTorch.

Each side is a process of its own (see ``contestant``), the two take turns, and one waits while the other works.
"""

import io
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median

import pycnn
from benchmarks.limits import Limits

NETS = ("ResNet50", "SEResNet50", "GoogLeNet", "VGG16", "MobileNet")
WORK = {"training": 8, "inference": 1}
"""The batch of each pass."""


def run(torch, args):
    """Print one row a network and pass; return the rows."""
    limits = Limits()
    print(f"{args.threads} thread(s); {limits}; seconds, MiB at most; ratios = PyTorch / pycnn")
    rows = []
    for net in args.nets:
        with redirect_stdout(io.StringIO()):
            model = getattr(pycnn.applications, net)(input_shape=(args.size, args.size, 3))
            multiply_adds = pycnn.explain(model).multiply_adds
        for work in args.passes:
            times, memory = contest(net, work, WORK[work], args.size, args.threads, args.turns)
            flops = 2 * multiply_adds * WORK[work] * (3 if work == "training" else 1)
            rows.append(row(f"{net} {work}, batch {WORK[work]}", times, memory, limits.at_least(flops, 0)))
    return rows


def row(name, times, memory, limit):
    """Print the medians of one contest, and return them."""
    peer, ours = median(times["peer"]), median(times["pycnn"])
    print(
        f"{name:<30} peer {peer:7.3f} {memory['peer'] / 2**20:6.0f}  pycnn {ours:7.3f} {memory['pycnn'] / 2**20:6.0f}  "
        f"ratio {peer / ours:5.2f} {memory['peer'] / memory['pycnn']:5.2f}  limit {limit / ours:4.0%}"
    )
    return {
        "workload": name,
        "peer_s": peer,
        "pycnn_s": ours,
        "ratio": peer / ours,
        "peer_bytes": memory["peer"],
        "pycnn_bytes": memory["pycnn"],
        "memory_ratio": memory["peer"] / memory["pycnn"],
        "share_of_limit": limit / ours,
    }


def contest(net, work, batch, size, threads, turns):
    """Let both sides take turns: (seconds of each turn, bytes at most) of each, two turns to warm up not counted."""
    command = [sys.executable, "-m", "benchmarks.contestant"]
    sides = {
        side: subprocess.Popen(
            [*command, side, net, work, str(batch), str(size), str(threads)],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for side in ("peer", "pycnn")
    }
    times, memory = {side: [] for side in sides}, {}
    try:
        for turn in range(turns + 2):
            for side, process in sides.items():
                process.stdin.write("\n")
                seconds = _answer(side, process)
                if turn >= 2:
                    times[side].append(seconds)
        for side, process in sides.items():
            process.stdin.close()
            memory[side] = _answer(side, process)
    finally:
        for process in sides.values():
            process.kill()
            process.wait()
            process.stdout.close()
    return times, memory


def _answer(side, process):
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the side {side!r} ended early, with status {process.wait()}")
    return float(line)
