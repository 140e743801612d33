"""Sides in processes of their own (see ``contestant``) that take turns: one waits while another works."""

import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import NamedTuple

from benchmarks.bound import BOUND
from benchmarks.timing import pauses


class Turn(NamedTuple):
    """What a side answers."""

    seconds: float
    held: float  # bytes, now
    peak: float  # bytes, at most so far


class Side:
    """One process, which runs its network at each call of ``turn``."""

    def __init__(self, name, net, work, batch, size, threads):
        self.name = name
        self.errors = tempfile.TemporaryFile("w+") if name == "torch.compile" else None  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contestant", *map(str, (name, net, work, batch, size, threads))],
            cwd=Path(__file__).parent.parent,
            env=os.environ | BOUND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            bufsize=0,
            start_new_session=True,  # what it starts ends with it
        )

    def turn(self, limit=None):
        """Run once; None if that takes more than ``limit`` seconds."""
        with suppress(BrokenPipeError):  # of a process that has ended, whose answer is empty
            self.process.stdin.write(b"\n")
        if limit is not None and not select.select([self.process.stdout], [], [], limit)[0]:
            return None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the side {self.name!r} ended early, with status {self.process.wait()}")
        return Turn(*map(float, line.split()))

    def end(self):
        """End the process and those that it started."""
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            if file:
                file.close()


def duel(names, net, work, batch, size, threads, turns, seconds=None, compile_seconds=None):
    """Let the sides take turns, after one that does not count.

    Parameters
    ----------
    names : sequence of str
        The sides.
    net, work, batch, size, threads
        What ``contestant`` is told.
    turns : int
        How many; fewer, but at least three, where they would take more than ``seconds`` together.
    compile_seconds : float
        How long ``torch.compile`` may take.

    Returns
    -------
    dict of name -> list of Turns, dict of name -> why the side could not take part
    """
    sides, missing = {}, {}
    try:
        for name in names:
            sides[name] = side = Side(name, net, work, batch, size, threads)
            if name == "torch.compile":
                why = _compile(side, compile_seconds)
                if why:
                    missing[name] = why
                    sides.pop(name).end()
        first = _round(sides, threads)
        if seconds is not None:
            turns = max(min(turns, 3), min(turns, int(seconds / sum(turn.seconds for turn in first.values()))))
        rounds = [_round(sides, threads) for _ in range(turns)]
    finally:
        for side in sides.values():
            side.end()
    return {name: [answers[name] for answers in rounds] for name in sides}, missing


def _round(sides, threads):
    """One turn of each side."""
    answers, pause = {}, pauses(sides, threads)
    for name, side in sides.items():
        answers[name] = side.turn()
        sleep(pause.get(name, 0))
    return answers


def _compile(side, seconds):
    """Let the side compile in its first turn; return why it failed, or None."""
    try:
        return None if side.turn(limit=seconds) else f"compiles for more than {seconds:g} s"
    except RuntimeError:
        side.errors.seek(0)
        lines = side.errors.read().strip().splitlines()
        return f"fails: {lines[-1][:80] if lines else 'without a word'}"
