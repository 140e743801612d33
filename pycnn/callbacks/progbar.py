"""Progbar: a bar for training loops of one's own, under Keras's name."""

import sys
import time

from pycnn.callbacks.progress import shows_bars, write_number


class Progbar:
    """Progress of a loop, with the means of what is measured in it.

    Parameters
    ----------
    target : int or None
        Number of steps, if it is known.
    width : int
        Of the bar, in characters.
    verbose : {0, 1, 2}
        0 is silent; 1 draws a bar, in a terminal or notebook; 2 writes one line at the end. Where a bar could only
        flood a log, 1 is like 2.
    interval : float
        Seconds between two drawings.
    stateful_metrics, stateless_metrics : iterable of str, optional
        Only one of them: the values to show as they are, or the only ones to average.
    unit_name : str

    Examples
    --------
    >>> import pycnn
    >>> bar = pycnn.utils.Progbar(2)
    >>> bar.update(1, [("loss", 3.0)])
    >>> bar.update(2, [("loss", 1.0)])
    2/2 - ...s - loss: 2.0000
    """

    def __init__(
        self,
        target,
        width=20,
        verbose=1,
        interval=0.05,
        stateful_metrics=None,
        stateless_metrics=None,
        unit_name="step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Only one of stateful_metrics and stateless_metrics can be given. "
                f"Received: stateful_metrics={stateful_metrics!r}, stateless_metrics={stateless_metrics!r}"
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._as_is = frozenset(stateful_metrics or ())
        self._averaged = None if stateless_metrics is None else frozenset(stateless_metrics)
        self._sums = {}  # name -> (sum, weight)
        self._seen = 0
        self._began = time.perf_counter()
        self._drawn = -float("inf")
        self._bars = verbose == 1 and shows_bars()

    def update(self, current, values=None, finalize=None):
        """Say that ``current`` steps are done.

        Parameters
        ----------
        current : int
        values : list of pairs (name, value), optional
            Measured in the steps since the last call, whose number is their weight in the mean.
        finalize : bool, optional
            Whether this is the last call; it is with ``current`` at the target unless given.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            if name in self._as_is or (self._averaged is not None and name not in self._averaged):
                self._sums[name] = float(value), 1
            else:
                steps = max(current - self._seen, 1)
                total, weight = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + float(value) * steps, weight + steps
        self._seen = current
        if not self.verbose:
            return
        now = time.perf_counter()
        if self._bars and (finalize or now - self._drawn >= self.interval):
            print(f"\r{self._text(now, bar=True)}", end="\n" if finalize else "", flush=True)
            self._drawn = now
        elif finalize and not self._bars:
            print(self._text(now, bar=False), file=sys.stdout, flush=True)

    def add(self, n, values=None):
        """Say that ``n`` more steps are done."""
        self.update(self._seen + n, values)

    def _text(self, now, bar):
        parts = [f"{self._seen}/{self.target or '?'}"]
        if bar and self.target:
            full = min(self.width, self.width * self._seen // self.target)
            parts[0] += f" {'#' * full}{'.' * (self.width - full)}"
        parts.append(f"{now - self._began:.1f}s")
        parts += [f"{name}: {write_number(total / weight)}" for name, (total, weight) in self._sums.items()]
        return " - ".join(parts)
