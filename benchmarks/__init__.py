"""Workloads against peers: ``python -m benchmarks conv | pool | roi | layers | lenet | nets | memory | tune | cuda``.

conv.py     one layer, its passes      layers.py  norms, losses, augmentation, optimizers    pool.py   pooling
lenet.py    a whole training step      nets.py    whole networks                             memory.py their memory
cuda.py     on a GPU: against PyTorch there       roi.py  RoI pooling, against a loop in C
tune.py     where Winograd's algorithm is faster than the direct one
suite.py    all of them, for a report: report.py writes the tables, chart.py the chart, results/ holds them
contest.py  a row: contestants, ratio, limit     peers.py   who they are     timing.py  interleaved medians
duel.py     sides in processes of their own: contestant.py is one of them, torch_nets.py what PyTorch runs
limits.py   what this machine can do at most     machine.py what it is       shapes/    the shapes, as text
"""
