"""TensorBoard: the numbers of a training as files that TensorBoard shows."""

import importlib
import os
import time

import numpy as np

from pycnn.callbacks.base import Callback

_NOT_WRITTEN = ("write_images", "profile_batch", "embeddings_freq", "embeddings_metadata")


class TensorBoard(Callback):
    """Write the numbers of a training for TensorBoard, which ``tensorboard --logdir logs`` shows.

    The names are Keras's: ``epoch_loss`` and so on, of training in the folder ``train`` and of validation in
    ``validation``, ``batch_loss`` with ``update_freq``, ``evaluation_loss_vs_iterations``,
    ``epoch_learning_rate``. Needs ``pip install pycnn[tensorboard]`` (tensorboardX), or PyTorch with TensorBoard.

    Parameters
    ----------
    log_dir : str or path
    histogram_freq : int
        Write histograms of the weights after every so many epochs; 0: never.
    write_graph : bool
        Accepted as in Keras; there is no graph of operations to write.
    write_steps_per_second : bool
        Write how many steps were done in a second, for each epoch.
    update_freq : "epoch", "batch" or int
        Write also after each batch, or after so many batches.
    write_images, profile_batch, embeddings_freq, embeddings_metadata
        Keras's; only the defaults are accepted.

    Raises
    ------
    ImportError
        When training starts, if neither writer is installed.

    Examples
    --------
    >>> from pycnn.callbacks import TensorBoard
    >>> board = TensorBoard("logs/first", histogram_freq=1, update_freq=100)
    """

    takes_lazy_logs = True

    def __init__(
        self,
        log_dir="logs",
        histogram_freq=0,
        write_graph=True,
        write_images=False,
        write_steps_per_second=False,
        update_freq="epoch",
        profile_batch=0,
        embeddings_freq=0,
        embeddings_metadata=None,
    ):
        super().__init__()
        given = (write_images, profile_batch, embeddings_freq, embeddings_metadata)
        for name, value in zip(_NOT_WRITTEN, given, strict=True):
            if value:
                raise ValueError(f"pycnn writes neither images, profiles nor embeddings. Received: {name}={value!r}")
        update_freq = 1 if update_freq == "batch" else update_freq
        if update_freq != "epoch" and (not isinstance(update_freq, int) or update_freq < 1):
            raise ValueError(
                f"update_freq must be 'epoch', 'batch' or an integer >= 1. Received: update_freq={update_freq!r}"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = update_freq
        self._class = None
        self._writers = {}
        self._batches = self._batches_before = 0
        if update_freq != "epoch":
            self.on_train_batch_end = self._after_batch  # so that batches cost nothing where none is written

    def on_train_begin(self, logs=None):
        """Find the writer."""
        self._batches = self._batches_before = 0
        self._class = _writer_class()

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self._began, self._batches_before = time.perf_counter(), self.model.optimizer.iterations

    def _after_batch(self, batch, logs):
        if self._batches % self.update_freq == 0:
            self._write("train", self._batches, {f"batch_{name}": value for name, value in logs().items()})
        self._batches += 1

    def on_epoch_end(self, epoch, logs=None):
        """Write the numbers of the epoch."""
        logs = dict(logs or {})
        validation = {name.removeprefix("val_"): logs.pop(name) for name in list(logs) if name.startswith("val_")}
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            steps = self.model.optimizer.iterations - self._batches_before
            logs["steps_per_second"] = steps / (time.perf_counter() - self._began)
        self._write("train", epoch, {f"epoch_{name}": value for name, value in logs.items()})
        if validation:
            self._write("validation", epoch, {f"epoch_{name}": value for name, value in validation.items()})
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for name, weight in self.model.named_weights().items():
                self._writer("train").add_histogram(f"{name}/histogram", np.asarray(weight.numpy()), epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs=None):
        """Write the numbers of a validation over the steps of the optimizer."""
        if self._class is None:  # an evaluation of its own
            self._class = _writer_class()
        if self.model.optimizer is not None:
            named = {f"evaluation_{name}_vs_iterations": value for name, value in (logs or {}).items()}
            self._write("validation", self.model.optimizer.iterations, named)
            self._writer("validation").flush()

    def on_train_end(self, logs=None):
        """Close the files."""
        self._close()

    def get_state(self):
        """Return the number of batches."""
        return {"batches": self._batches}

    def set_state(self, state):
        """Go on counting."""
        self._batches = state["batches"]

    def _writer(self, part):
        if part not in self._writers:
            self._writers[part] = self._class(os.path.join(self.log_dir, part))
        return self._writers[part]

    def _write(self, part, step, numbers):
        writer = self._writer(part)
        for name, value in numbers.items():
            if isinstance(value, list):  # a metric of one number a class
                for i, item in enumerate(value):
                    writer.add_scalar(f"{name}_{i}", item, step)
            else:
                writer.add_scalar(name, value, step)

    def _close(self):
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _writer_class():
    """The SummaryWriter of tensorboardX, or that of PyTorch."""
    for module in ("tensorboardX", "torch.utils.tensorboard"):
        try:
            return importlib.import_module(module).SummaryWriter
        except ImportError:
            continue
    raise ImportError("TensorBoard needs a writer: pip install tensorboardX.")
