"""BackupAndRestore: a training that was killed goes on where it was."""

import contextlib
import os
from pathlib import Path

from pycnn import config
from pycnn.backend import get_backend
from pycnn.callbacks.base import Callback
from pycnn.callbacks.state import gathered, read_state, set_gathered, write_state
from pycnn.random import SeedGenerator


class BackupAndRestore(Callback):
    """Save the state of the training now and then; started again after an interruption, ``fit`` goes on from there.

    The resumed run ends with the same weights, bit for bit, and the same ``History`` as a run that was never
    interrupted, wherever it was killed, also while it was saving. A backup holds weights, optimizer, the state of
    all random generators, the order of the epoch's batches, metrics, history and what the other callbacks remember
    (``Callback.get_state``). It is removed when the training ends.

    Parameters
    ----------
    backup_dir : str or path
        A folder for this one training. It is made if it does not exist.
    save_freq : "epoch" or int
        After each epoch, or after so many batches.
    double_checkpoint : bool
        Keep the last backup but one, too, and go on from it if the last one is damaged.
    delete_checkpoint : bool
        Whether to remove the backup at the end. One that stays makes the next ``fit`` start at its end.

    Raises
    ------
    OSError
        When training starts, if the backup is damaged.
    ValueError
        When training starts, if the backup is of another model, or of a ``fit`` with other data.

    Notes
    -----
    The script must make the same model and the same call of ``fit`` again, and seed what it draws itself.
    Data from arrays is replayed in the same order. A ``PyDataset`` is asked for the remaining batches alone:
    ``self[index]`` must depend on nothing but ``index``, or on what its ``get_state`` returns. A generator is
    read again from its beginning, and what was used is thrown away: it must give the same batches. A loader of
    another library must repeat its order by itself.

    Keras saves weights and the number of the epoch alone, so that its runs do not repeat each other's bits.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> backup = pycnn.callbacks.BackupAndRestore("backup", save_freq=100)
    >>> history = model.fit(np.ones((8, 3)), np.ones(8), epochs=2, callbacks=[backup], verbose=0)
    """

    takes_lazy_logs = True
    runs_last = True  # the others have then done what belongs to the batch or epoch

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError(f"backup_dir must be a folder. Received: backup_dir={backup_dir!r}")
        if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f"save_freq must be 'epoch' or an integer >= 1. Received: save_freq={save_freq!r}")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = Path(backup_dir, "latest.backup")
        self._previous = Path(backup_dir, "previous.backup")
        self._others = ()
        self._epoch = self._batches = 0
        self._resumed = None  # a state from the middle of an epoch that is about to begin
        if save_freq != "epoch":
            self.on_train_batch_end = self._after_batch  # so that batches cost nothing where none is saved

    def set_callbacks(self, callbacks):
        """Take the list of all callbacks, whose state is saved too."""
        self._others = callbacks

    def on_train_begin(self, logs=None):
        """Go on from the backup, if there is one."""
        self._batches = 0
        self._resumed = None
        os.makedirs(self.backup_dir, exist_ok=True)
        self._remove_leftovers()
        state = self._read()
        if state is None:
            return
        progress = self.model._progress
        self._check(state, progress)
        for feed, position in zip(progress.feeds, state["feeds"], strict=True):
            feed.resume(position)
        self._try_a_batch(progress.feeds[0])
        self._restore(state)
        progress.first_epoch = self.params["epochs"] if state["stopped"] else state["epoch"]
        if state["step"]:
            self._resumed = state

    def on_epoch_begin(self, epoch, logs=None):
        """In an epoch that was interrupted: undo what other callbacks did at its beginning for the second time."""
        self._epoch = epoch
        if self._resumed is not None:
            self._restore(self._resumed)
            self.model._progress.first_step = self._resumed["step"]
            self._resumed = None

    def _after_batch(self, batch, logs=None):
        self._batches += 1
        if self._batches % self.save_freq == 0 and not self.model.stop_training:
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        """Save, if it is time."""
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def on_train_end(self, logs=None):
        """Remove the backup."""
        if self.delete_checkpoint:
            for path in (self._latest, self._previous):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else may lie there
                os.rmdir(self.backup_dir)

    def get_state(self):
        """Return when the next backup is due."""
        return {"batches": self._batches}

    def set_state(self, state):
        """Go on counting."""
        self._batches = state["batches"]

    # Files

    def _save(self, epoch, step):
        state = self._state(epoch, step)
        if self.double_checkpoint and self._latest.exists():
            os.replace(self._latest, self._previous)  # without a latest one, the previous one is read
        write_state(self._latest, state)

    def _read(self):
        paths = [path for path in (self._latest, self._previous) if path.exists()]
        for path in paths:
            try:
                return read_state(path)
            except OSError:
                if path is paths[-1]:
                    raise
        return None

    def _remove_leftovers(self):
        """Files that a process was writing when it was killed."""
        for path in Path(self.backup_dir).glob(".*.backup.*.tmp"):
            path.unlink(missing_ok=True)

    # State

    def _state(self, epoch, step):
        model, progress = self.model, self.model._progress
        return {
            "epoch": epoch,
            "step": step,
            "steps": self.params.get("steps"),
            "stopped": model.stop_training,
            "weights": {name: weight.numpy() for name, weight in model.named_weights().items()},
            "optimizer": gathered(model.optimizer, arrays=False),
            "metrics": [gathered(metric) for metric in model.metrics],
            "sums": {name: getattr(model, name) for name in model._gathered_in_epoch},
            "random": config.generator().bit_generator.state,
            "sources": [source.state for source in self._random_sources()],
            "feeds": [feed.position(step) for feed in progress.feeds],
            "callbacks": {name: c.get_state() for name, c in self._named_callbacks()},
        }

    def _restore(self, state):
        model = self.model
        asarray, weights, saved = get_backend().asarray, model.named_weights(), state["weights"]
        shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        if shapes != {name: value.shape for name, value in saved.items()}:
            raise ValueError(
                f"The backup is of another model, with the weights {', '.join(saved)}: delete it to start anew. "
                f"Received: a model with the weights {', '.join(weights)}, backup_dir={self.backup_dir!r}"
            )
        for name, weight in weights.items():
            weight.assign(asarray(saved[name]))
        set_gathered(model.optimizer, state["optimizer"])
        for metric, gathered_before in zip(model.metrics, state["metrics"], strict=True):
            set_gathered(metric, gathered_before)
        for name, value in state["sums"].items():
            setattr(model, name, value)
        config.generator().bit_generator.state = state["random"]
        for source, source_state in zip(self._random_sources(), state["sources"], strict=True):
            source.state = source_state
        for name, callback in self._named_callbacks():
            callback_state = state["callbacks"].get(name)
            if callback_state is not None:
                callback.set_state(callback_state)

    def _check(self, state, progress):
        given, saved = self.params.get("steps"), state["steps"]
        if given != saved or len(progress.feeds) != len(state["feeds"]):
            raise ValueError(
                f"The backup is of a training with {saved} batches in an epoch, "
                f"{'with' if len(state['feeds']) > 1 else 'without'} validation: delete it to start anew. "
                f"Received: {given} batches, {'with' if len(progress.feeds) > 1 else 'without'} validation, "
                f"backup_dir={self.backup_dir!r}"
            )

    def _try_a_batch(self, feed):
        """Take a step, whose effect the backup then replaces: it makes what first batches make, such as metrics."""
        from pycnn.models.batches import to_tensors

        batch = feed.example()
        if batch is not None:
            self.model._run_train_step(*to_tensors(batch))

    def _random_sources(self):
        """The generators of layers with seeds of their own."""
        return [
            value
            for layer in self.model.flatten_layers()
            for value in vars(layer).values()
            if isinstance(value, SeedGenerator) and value.state is not None
        ]

    def _named_callbacks(self):
        """Pairs (name, callback); those of one class are numbered."""
        counts = {}
        for callback in self._others:
            name = type(callback).__name__
            counts[name] = counts.get(name, -1) + 1
            if hasattr(callback, "get_state"):
                yield f"{name}_{counts[name]}", callback
