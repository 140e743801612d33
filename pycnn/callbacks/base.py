"""Callback, and the two that need nothing else."""


class Callback:
    """Something that ``fit``, ``evaluate`` and ``predict`` call at set moments; override what you need.

    ``self.model`` is the model, ``self.params`` a dict with ``epochs``, ``steps`` and ``verbose``. ``logs`` is a
    dict of what is known then: the means over the epoch so far of ``loss`` and the metrics, and at the end of an
    epoch also ``val_loss`` and so on. A method of batches costs time in each: means are computed for it.
    With ``takes_lazy_logs = True`` such a method gets a function that returns the dict instead. With
    ``runs_last = True`` a callback is called after the others, wherever it stands in the list.

    A callback that remembers something from batch to batch or epoch to epoch tells ``BackupAndRestore`` of it by
    ``get_state()``, and takes it back by ``set_state(state)`` after its ``on_train_begin``.

    Examples
    --------
    >>> from pycnn.callbacks import Callback
    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch + 1} is done!")
    """

    takes_lazy_logs = False
    runs_last = False

    def __init__(self):
        self.model = None
        self.params = None

    def get_state(self):
        """Return what the callback remembers, as a dict of numbers, texts, arrays, lists and dicts, or None."""

    def set_state(self, state):
        """Remember what ``get_state`` returned in an earlier process."""

    def set_params(self, params):
        """Take the dict that becomes ``self.params``."""
        self.params = params

    def set_model(self, model):
        """Take the model."""
        self.model = model

    def on_train_begin(self, logs=None):
        """Called at the start of ``fit``."""

    def on_train_end(self, logs=None):
        """Called at the end of ``fit``, with the last epoch's logs."""

    def on_epoch_begin(self, epoch, logs=None):
        """Called at the start of each epoch; ``epoch`` counts from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """Called at the end of each epoch, after validation."""

    def on_batch_begin(self, batch, logs=None):
        """Another name of ``on_train_batch_begin``."""

    def on_batch_end(self, batch, logs=None):
        """Another name of ``on_train_batch_end``."""

    def on_train_batch_begin(self, batch, logs=None):
        """Called before each step of training; ``batch`` counts from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Called after each step of training."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs=None):
        """Called at the start of ``evaluate``, and of the validation in ``fit``."""

    def on_test_end(self, logs=None):
        """Called at the end of ``evaluate``, and of the validation in ``fit``."""

    def on_test_batch_begin(self, batch, logs=None):
        """Called before each batch of an evaluation."""

    def on_test_batch_end(self, batch, logs=None):
        """Called after each batch of an evaluation."""

    def on_predict_begin(self, logs=None):
        """Called at the start of ``predict``."""

    def on_predict_end(self, logs=None):
        """Called at the end of ``predict``."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Called before each batch of a prediction."""

    def on_predict_batch_end(self, batch, logs=None):
        """Called after each batch of a prediction; ``logs`` holds its ``outputs``."""


class History(Callback):
    """What ``fit`` returns: ``history``, a dict name -> list of one number an epoch, and ``epoch``, their numbers.

    ``seconds`` are those that each epoch took without its validation, and ``data_seconds`` those of them that went into
    getting batches: making them, or waiting for the threads that do. Where ``data_share``, their part of all, is more
    than a few hundredths, let threads work ahead (``pycnn.data``, or the ``workers`` of a ``PyDataset``).
    """

    def __init__(self):
        super().__init__()
        self._start()

    def _start(self):
        self.history, self.epoch = {}, []
        self.seconds, self.data_seconds = [], []

    @property
    def data_share(self):
        """The part of the time of training that went into getting batches, from 0 to 1."""
        return sum(self.data_seconds) / (sum(self.seconds) or 1.0)

    def on_train_begin(self, logs=None):
        """Start anew."""
        self._start()
        self.model.history = self

    def get_state(self):
        """Return all numbers."""
        return {name: getattr(self, name) for name in ("history", "epoch", "seconds", "data_seconds")}

    def set_state(self, state):
        """Go on from these numbers."""
        for name, numbers in state.items():
            setattr(self, name, numbers)

    def on_epoch_end(self, epoch, logs=None):
        """Keep the numbers."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable(epoch, logs), optional
    on_train_begin, on_train_end : callable(logs), optional
    on_train_batch_begin, on_train_batch_end : callable(batch, logs), optional
    others
        Any further hook of ``Callback``, by its name.

    Examples
    --------
    >>> from pycnn.callbacks import LambdaCallback
    >>> losses = []
    >>> keep = LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_train_begin=None,
        on_train_end=None,
        on_train_batch_begin=None,
        on_train_batch_end=None,
        **others,
    ):
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **others,
        }
        for name, function in hooks.items():
            if not (name.startswith("on_") and hasattr(Callback, name)):
                raise TypeError(f"Callback has no such hook. Received: {name}={function!r}")
            if function is not None:
                setattr(self, name, function)
