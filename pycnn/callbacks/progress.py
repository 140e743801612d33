"""The progress bar: a bar in terminals and notebooks, one line an epoch in logs."""

import os
import sys
import time

from pycnn.callbacks.base import Callback

_SECONDS_BETWEEN_UPDATES = 0.1


def shows_bars():
    """Whether what is printed goes to a terminal, or a notebook, that can redraw a line."""
    if _in_notebook():
        return True
    return getattr(sys.stdout, "isatty", lambda: False)() and os.environ.get("TERM") != "dumb"


def _in_notebook():
    """Whether a notebook shows what is printed: its shell's class says so. IPython is not imported for that."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and type(ipython.get_ipython()).__name__ == "ZMQInteractiveShell"


def write_number(value):
    """Four digits behind the point, or an exponent where they would not do; of a list, each."""
    if isinstance(value, list):
        return f"[{', '.join(map(write_number, value))}]"
    value = float(value)
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.4e}"


class ProgressBar(Callback):
    """What ``verbose`` asks ``fit``, ``evaluate`` and ``predict`` for; they add it by themselves.

    Parameters
    ----------
    verbose : {"auto", 1, 2}
        1 is a bar, 2 a line for each epoch. ``"auto"`` is a bar in terminals and notebooks, and a line elsewhere
        (``predict``: nothing). A bar that was asked for where it could only flood a log becomes a line, too.
        With ``NO_COLOR`` in the environment bars have no colour.
    task : {"fit", "evaluate", "predict"}
    """

    takes_lazy_logs = True

    def __init__(self, verbose="auto", task="fit"):
        super().__init__()
        self.task = task
        self.bars = verbose != 2 and shows_bars()
        self.lines = not self.bars and not (task == "predict" and verbose == "auto")
        self._bar = None

    def on_epoch_begin(self, epoch, logs=None):
        """Start a bar, or the clock."""
        epochs = self.params["epochs"]
        self._start(f"Epoch {epoch + 1:{len(str(epochs))}}/{epochs}")

    def on_epoch_end(self, epoch, logs=None):
        """Draw the full bar, or write the line."""
        self._finish(logs)

    def on_test_begin(self, logs=None):
        """Start a bar, or the clock."""
        if self.task == "evaluate":
            self._start("Evaluate")

    def on_test_end(self, logs=None):
        """Draw the full bar, or write the line."""
        if self.task == "evaluate":
            self._finish(logs)

    def on_predict_begin(self, logs=None):
        """Start a bar, or the clock."""
        self._start("Predict")

    def on_predict_end(self, logs=None):
        """Draw the full bar, or write the line."""
        self._finish({})

    def on_train_batch_end(self, batch, logs=None):
        """Draw, if it is time."""
        self._advance(batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        """Draw, if it is time."""
        if self.task == "evaluate":
            self._advance(batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        """Draw, if it is time."""
        self._advance(batch, dict)

    def _start(self, title):
        self._title, self._began, self._steps = title, time.perf_counter(), 0
        if self.bars:
            self._bar = _make_bar(title, self.params.get("steps"))
            self._next = self._began + _SECONDS_BETWEEN_UPDATES

    def _advance(self, batch, logs):
        self._steps = batch + 1
        if self._bar is not None and time.perf_counter() >= self._next:
            self._draw(logs())
            self._next = time.perf_counter() + _SECONDS_BETWEEN_UPDATES

    def _draw(self, logs):
        self._bar.set_postfix({name: write_number(value) for name, value in logs.items()}, refresh=False)
        self._bar.update(self._steps - self._bar.n)
        self._bar.refresh()

    def _finish(self, logs):
        if self._bar is not None:
            self._bar.total = self._steps
            self._draw(logs or {})
            self._bar.close()
            self._bar = None
        elif self.lines:
            numbers = [f"{name}: {write_number(value)}" for name, value in (logs or {}).items()]
            print(" - ".join([self._title, f"{time.perf_counter() - self._began:.1f}s", *numbers]), flush=True)


def _make_bar(title, steps):
    from tqdm.auto import tqdm

    class Bar(tqdm):
        monitor_interval = 0  # no thread: it could be left behind by a fork

    return Bar(
        total=steps,
        desc=title,
        unit="batch",
        file=sys.stdout,
        colour=None if "NO_COLOR" in os.environ else "green",
        dynamic_ncols=True,
        mininterval=0,
    )
