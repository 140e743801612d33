"""Workloads against peers: ``python -m benchmarks conv | lenet``.

timing.py   interleaved medians        limits.py   what this machine can do at most
conv.py     one layer, three passes    lenet.py    a whole training step
shapes/     the shapes, as text
"""
