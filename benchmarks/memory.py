"""Memory: the peak of a training step, and what predicting many batches leaves behind, against PyTorch.

Bytes of the process beyond what it holds once its libraries are loaded: PyTorch's own code does not count.
"""

from benchmarks.contest import make_row, show
from benchmarks.contestant import BATCHES
from benchmarks.duel import duel
from benchmarks.nets import WORK

GATES = {"SEResNet50": 1.0}
GROWING = ("MobileNet", "GoogLeNet")
STEPS = 3
ROUNDS = 5  # each of contestant.BATCHES batches


def run(torch, args):
    """The rows of both questions."""
    rows = []
    for net in args.nets:
        batch = WORK["training"]
        turns, _ = duel(("torch", "pycnn"), net, "training", batch, args.size, args.threads, STEPS)
        peaks = {name: side[-1].peak for name, side in turns.items()}
        row = ("memory of a training step", f"{net} b{batch}", "peak")
        rows.append(show(make_row(*row, peaks, gate=GATES.get(net), unit="B")))
    for net in GROWING:
        turns, _ = duel(("torch", "pycnn"), net, "batches", 4, args.size // 2, args.threads, ROUNDS)
        growth = {name: side[-1].held - side[0].held for name, side in turns.items()}
        row = ("growth in predict", f"{net}, {(ROUNDS - 1) * BATCHES} more batches", "growth")
        rows.append(show(make_row(*row, growth, unit="B", compare=False)))
    return rows
