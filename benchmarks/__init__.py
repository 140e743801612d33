"""Workloads against peers: ``python -m benchmarks conv | lenet | nets | tune``.

timing.py   interleaved medians        limits.py   what this machine can do at most
conv.py     one layer, three passes    lenet.py    a whole training step
nets.py     whole networks, with their memory: contestant.py runs one side, torch_nets.py is what PyTorch runs
tune.py     where Winograd's algorithm is faster than the direct one
shapes/     the shapes, as text
"""
