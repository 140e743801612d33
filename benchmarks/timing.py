"""Interleaved timing: the contestants take turns, so that a noisy machine is noisy for all of them."""

from math import exp, log
from statistics import median
from time import perf_counter, sleep

BURST = 4e-3  # seconds: a shorter call is repeated so long in its turn
MOST_IN_A_BURST = 20
IDLE = 0.02  # seconds after which the waiting threads of another library have gone to sleep: until then they spin


def interleave(contestants, seconds=0.4, least=5, most=200, pause=0.0):
    """Median time of each function, run in turns.

    In its turn a function that takes less than ``BURST`` runs several times, the first of them not counted: it finds
    its threads asleep and the caches full of another's data.

    Parameters
    ----------
    contestants : dict of name -> function without arguments
    seconds : float
        About how long all turns together may take.
    least, most : int
        Bounds of the number of turns.
    pause : float
        Seconds to wait before each turn: ``IDLE`` where several libraries have threads of their own.

    Returns
    -------
    dict of name -> seconds
    """
    for function in contestants.values():
        function()
    calls = {name: _calls_a_turn(_seconds(function)) for name, function in contestants.items()}
    start = perf_counter()
    times = {name: _turn(function, calls[name], pause) for name, function in contestants.items()}
    turns = max(least, min(most, int(seconds / max(perf_counter() - start, 1e-9))))
    for _ in range(turns - 1):
        for name, function in contestants.items():
            times[name] += _turn(function, calls[name], pause)
    return {name: median(values) for name, values in times.items()}


def _seconds(function):
    start = perf_counter()
    function()
    return perf_counter() - start


def _calls_a_turn(seconds):
    return max(1, min(MOST_IN_A_BURST, int(BURST / max(seconds, 1e-9))))


def _turn(function, calls, pause):
    """The times of the calls that count."""
    if pause:
        sleep(pause)
    if calls > 1:
        function()
    return [_seconds(function) for _ in range(calls)]


def geometric_mean(values):
    """Geometric mean of positive numbers."""
    return exp(sum(map(log, values)) / len(values))
