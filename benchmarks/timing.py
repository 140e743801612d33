"""Interleaved timing: the contestants take turns, so that a noisy machine is noisy for all of them."""

from statistics import median
from time import perf_counter


def interleave(contestants, seconds=0.4, least=7, most=200):
    """Median time of each function, run in turns.

    Parameters
    ----------
    contestants : dict of name -> function without arguments
    seconds : float
        About how long all turns together may take.
    least, most : int
        Bounds of the number of turns.

    Returns
    -------
    dict of name -> seconds
    """
    for function in contestants.values():
        function()
    start = perf_counter()
    for function in contestants.values():
        function()
    round_time = perf_counter() - start
    turns = max(least, min(most, int(seconds / max(round_time, 1e-9))))
    times = {name: [] for name in contestants}
    for _ in range(turns):
        for name, function in contestants.items():
            start = perf_counter()
            function()
            times[name].append(perf_counter() - start)
    return {name: median(values) for name, values in times.items()}


def geometric_mean(values):
    """Geometric mean of positive numbers."""
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product
