"""Callbacks that watch one value from epoch to epoch: EarlyStopping, ModelCheckpoint, ReduceLROnPlateau."""

import math
import os
import warnings

from pycnn.callbacks.base import Callback

_MODES = ("auto", "min", "max")
_LARGER_IS_BETTER = ("acc", "auc", "precision", "recall", "f1", "iou", "top_k", "similarity", "r2")


class MonitorCallback(Callback):
    """What callbacks that watch a value share: which direction is better, and what was best.

    Parameters
    ----------
    monitor : str
        A name in ``logs``: ``"val_loss"``, ``"accuracy"``, ...
    mode : {"auto", "min", "max"}
        Whether smaller or larger values are better; ``"auto"`` knows it of losses and of pycnn's metrics.
    min_delta : float
        Smaller changes are no improvement.
    """

    def __init__(self, monitor, mode, min_delta=0.0):
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f"mode must be one of {', '.join(_MODES)}. Received: mode={mode!r}")
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = None

    _remembers = ("best",)  # attributes that get_state returns

    def get_state(self):
        """Return what is known of earlier epochs."""
        return {name: getattr(self, name) for name in self._remembers}

    def set_state(self, state):
        """Go on from what an earlier process knew."""
        for name in self._remembers:
            setattr(self, name, state[name])

    def larger_is_better(self):
        """Whether a larger value is an improvement."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        for metric in getattr(self.model, "metrics", ()):
            direction = getattr(metric, "direction", None)
            if metric.name == name and direction is not None:
                return direction == "up"
        return any(part in name for part in _LARGER_IS_BETTER)

    def is_improvement(self, value, reference):
        """Whether ``value`` is better than ``reference`` (None: anything is) by more than ``min_delta``."""
        if reference is None:
            return not math.isnan(value)
        return value - self.min_delta > reference if self.larger_is_better() else value + self.min_delta < reference

    def monitored(self, logs):
        """Return the value that is watched, or None, with a warning, where there is none."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which is not there. "
                f"There are: {', '.join(logs or {})}",
                stacklevel=3,
            )
        return value


class EarlyStopping(MonitorCallback):
    """Stop training when a value no longer improves.

    Parameters
    ----------
    monitor : str
    min_delta : float
        Smaller changes are no improvement.
    patience : int
        Epochs without improvement after which training stops.
    verbose : {0, 1}
        1 prints what it does.
    mode : {"auto", "min", "max"}
    baseline : float, optional
        Patience runs out also while the value is no better than this.
    restore_best_weights : bool
        At the end go back to the weights of the best epoch.
    start_from_epoch : int
        Epochs to let pass first.

    Examples
    --------
    >>> from pycnn.callbacks import EarlyStopping
    >>> stop = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    """

    _remembers = ("best", "best_weights", "best_epoch", "stopped_epoch", "wait")

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.on_train_begin()

    def on_train_begin(self, logs=None):
        """Forget an earlier training."""
        self.best = self.best_weights = None
        self.best_epoch = self.stopped_epoch = self.wait = 0

    def on_epoch_end(self, epoch, logs=None):
        """Compare with the best epoch so far."""
        value = self.monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.is_improvement(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_improvement(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        """Go back to the best weights, if that was asked for."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(MonitorCallback):
    """Save the model while it is trained.

    Parameters
    ----------
    filepath : str or path
        May hold ``{epoch:02d}`` (which counts from 1), ``{val_loss:.2f}`` and other names in ``logs``.
        Folders that do not exist are made.
    monitor : str
    verbose : {0, 1}
        1 prints what it does.
    save_best_only : bool
        Save only where the value improved.
    save_weights_only : bool
        ``save_weights`` instead of ``save``.
    mode : {"auto", "min", "max"}
    save_freq : "epoch" or int
        After each epoch, or after so many batches.
    initial_value_threshold : float, optional
        What the value must be better than to be saved the first time.

    Examples
    --------
    >>> from pycnn.callbacks import ModelCheckpoint
    >>> keep = ModelCheckpoint("best.pycnn", monitor="val_accuracy", save_best_only=True)
    """

    _remembers = ("best", "_batches")

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f"save_freq must be 'epoch' or an integer >= 1. Received: save_freq={save_freq!r}")
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._epoch = self._batches = 0
        if save_freq != "epoch":
            self.on_train_batch_end = self._after_batch  # so that batches cost nothing where none is saved

    def on_epoch_begin(self, epoch, logs=None):
        """Keep the epoch's number."""
        self._epoch = epoch

    def _after_batch(self, batch, logs=None):
        self._batches += 1
        if self._batches % self.save_freq == 0:
            self._save(self._epoch, logs, batch=batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        """Save, if it is time."""
        if self.save_freq == "epoch":
            self._save(epoch, logs)

    def _save(self, epoch, logs, **names):
        path = self._path(epoch, logs, names)
        if self.save_best_only and not self._improved(epoch, logs, path):
            return
        if not self.save_best_only and self.verbose:
            print(f"Epoch {epoch + 1}: saving the model to {path}")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _improved(self, epoch, logs, path):
        value = self.monitored(logs)
        if value is None:
            return True
        better, before = self.is_improvement(value, self.best), self.best
        if better:
            self.best = value
        if self.verbose:
            known = "nothing" if before is None else f"{before:.5f}"
            change = f"improved from {known} to {value:.5f}, saving the model to {path}"
            print(f"Epoch {epoch + 1}: {self.monitor} {change if better else f'did not improve from {known}'}")
        return better

    def _path(self, epoch, logs, names):
        try:
            return self.filepath.format(epoch=epoch + 1, **{**names, **(logs or {})})
        except KeyError as error:
            raise KeyError(
                f"filepath names {error}, which is not in logs: {', '.join(logs or {})}. "
                f"Received: filepath={self.filepath!r}"
            ) from None


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by ``factor`` when a value no longer improves.

    Parameters
    ----------
    monitor : str
    factor : float
        Smaller than 1.
    patience : int
        Epochs without improvement after which the rate is reduced.
    verbose : {0, 1}
        1 prints what it does.
    mode : {"auto", "min", "max"}
    min_delta : float
        Smaller changes are no improvement.
    cooldown : int
        Epochs after a reduction in which nothing is counted.
    min_lr : float
        The rate goes no lower.

    Examples
    --------
    >>> from pycnn.callbacks import ReduceLROnPlateau
    >>> slow_down = ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=5, min_lr=1e-5)
    """

    _remembers = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ValueError(f"factor must lie between 0 and 1. Received: factor={factor!r}")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.on_train_begin()

    def on_train_begin(self, logs=None):
        """Forget an earlier training."""
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch, logs=None):
        """Compare with the best epoch so far, and put the learning rate into ``logs``."""
        logs = {} if logs is None else logs
        rate = logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self.monitored(logs)
        if value is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.optimizer.learning_rate = lower = max(rate * self.factor, self.min_lr)
                if self.verbose:
                    print(f"Epoch {epoch + 1}: reducing the learning rate to {lower:g}")
                self.wait, self.cooldown_counter = 0, self.cooldown
