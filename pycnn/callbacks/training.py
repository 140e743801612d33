"""Callbacks that steer or record a training: LearningRateScheduler, TerminateOnNaN, CSVLogger."""

import csv
import inspect
import math
import os

from pycnn.callbacks.base import Callback


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of each epoch.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, rate)``, or ``schedule(epoch)``, with the epoch counting from 0, returns the new rate.
    verbose : {0, 1}
        1 prints it.

    Examples
    --------
    >>> from pycnn.callbacks import LearningRateScheduler
    >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch and epoch % 10 == 0 else rate)
    """

    def __init__(self, schedule, verbose=0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _positional(schedule) != 1

    def on_epoch_begin(self, epoch, logs=None):
        """Set the rate."""
        optimizer = self.model.optimizer
        before = float(optimizer.learning_rate)
        rate = self.schedule(epoch, before) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, bool) or not hasattr(rate, "__float__"):
            raise TypeError(f"schedule must return a number. Received: schedule({epoch}) = {rate!r}")
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"Epoch {epoch + 1}: setting the learning rate to {float(rate):g}")

    def on_epoch_end(self, epoch, logs=None):
        """Put the rate into ``logs``."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _positional(function):
    """Number of positional arguments that a function takes, or None if that cannot be known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


class TerminateOnNaN(Callback):
    """Stop training when the loss is NaN or infinite.

    Parameters
    ----------
    raise_error : bool
        Raise a ``RuntimeError`` instead of stopping.
    """

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch, logs=None):
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(f"The loss is no longer a number. Received: loss={loss} at batch {batch}")
            print(f"Batch {batch}: the loss is {loss}, training stops")
            self.model.stop_training = True


class CSVLogger(Callback):
    """Write the numbers of each epoch to a CSV file.

    Parameters
    ----------
    filename : str or path
    separator : str
    append : bool
        Go on with a file that exists instead of writing it anew.

    Examples
    --------
    >>> from pycnn.callbacks import CSVLogger
    >>> logger = CSVLogger("training.csv")
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._names = None
        self._start = 0  # where the lines of this training begin in the file

    def on_train_begin(self, logs=None):
        """Begin the file, or find its end."""
        self._names = None
        if self.append and os.path.exists(self.filename):
            with open(self.filename, newline="") as file:
                self._names = next(csv.reader(file, delimiter=self.separator), [None])[1:] or None
        with open(self.filename, "ab" if self.append else "wb") as file:
            self._start = file.tell()

    def get_state(self):
        """Return what was written in this training."""
        with open(self.filename, "rb") as file:
            file.seek(self._start)
            return {"names": self._names, "start": self._start, "text": file.read().decode()}

    def set_state(self, state):
        """Make the file end as it did then: what an interrupted epoch wrote goes, what was written before stays."""
        self._names, self._start = state["names"], state["start"]
        with open(self.filename, "rb+") as file:
            file.truncate(self._start)
            file.seek(0, os.SEEK_END)
            file.write(state["text"].encode())

    def on_epoch_end(self, epoch, logs=None):
        """Write a line; what a column has no value for stays empty."""
        logs = logs or {}
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator, lineterminator="\n")
            if self._names is None:
                self._names = list(logs)
                self._names += [f"val_{n}" for n in logs if f"val_{n}" not in logs and self._validates(n)]
                writer.writerow(["epoch", *self._names])
            writer.writerow([epoch, *(logs.get(name, "") for name in self._names)])

    def _validates(self, name):
        """Whether ``val_name`` may come in a later epoch, as with ``validation_freq=2``."""
        return bool((self.params or {}).get("validates")) and not name.startswith("val_") and name != "learning_rate"
