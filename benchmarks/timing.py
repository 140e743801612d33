"""Interleaved timing: the contestants take turns, so that a noisy machine is noisy for all of them."""

from math import exp, log
from statistics import median
from time import perf_counter, sleep

WARM, BURST = 4e-3, 1e-2  # seconds: short calls are repeated so long in their turn, uncounted and counted
MOST_CALLS = 50
IDLE, IDLE_ONNX = 0.02, 0.06  # seconds after which a library's waiting threads sleep: until then they spin, measured


def pauses(names, threads):
    """What ``interleave`` needs for libraries that have threads of their own."""
    return {name: IDLE_ONNX if name == "onnxruntime" else IDLE for name in names} if threads > 1 else {}


def interleave(contestants, seconds=0.4, least=5, most=200, pause=None):
    """Median time of each function, run in turns.

    In its turn a short function runs several times, and the first times do not count: it finds its threads asleep and
    the caches full of another's data, and is up to half as slow again.

    Parameters
    ----------
    contestants : dict of name -> function without arguments
    seconds : float
        About how long all turns together may take.
    least, most : int
        Bounds of the number of turns.
    pause : dict of name -> float, optional
        Seconds to wait after its turn.

    Returns
    -------
    dict of name -> seconds
    """
    pause = pause or {}
    for name, function in contestants.items():
        function()
        sleep(pause.get(name, 0))
    calls = {name: _calls_a_turn(_least_seconds(function)) for name, function in contestants.items()}
    start = perf_counter()
    times = {name: _turn(function, calls[name], pause.get(name, 0)) for name, function in contestants.items()}
    turns = max(least, min(most, int(seconds / max(perf_counter() - start, 1e-9))))
    for _ in range(turns - 1):
        for name, function in contestants.items():
            times[name] += _turn(function, calls[name], pause.get(name, 0))
    return {name: median(values) for name, values in times.items()}


def _seconds(function):
    start = perf_counter()
    function()
    return perf_counter() - start


def _least_seconds(function):
    """Of a few calls: the first ones may compile, or record a plan."""
    return min(_seconds(function) for _ in range(3))


def _calls_a_turn(seconds):
    """How many do not count, and how many do."""
    warm, counted = (min(MOST_CALLS, int(span / max(seconds, 1e-9))) for span in (WARM, BURST))
    return warm, max(1, counted)


def _turn(function, calls, pause):
    """The times of the calls that count."""
    warm, counted = calls
    for _ in range(warm):
        function()
    times = [_seconds(function) for _ in range(counted)]
    sleep(pause)
    return times


def geometric_mean(values):
    """Geometric mean of positive numbers."""
    return exp(sum(map(log, values)) / len(values))
