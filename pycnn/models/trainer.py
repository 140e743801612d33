"""The trainer: fit, evaluate, predict. It knows no device and no layer."""

import copy
import functools
import warnings
from time import perf_counter

import numpy as np

from pycnn import config
from pycnn.autograd import no_grad
from pycnn.backend import get_backend
from pycnn.callbacks import CallbackList, History, ProgressBar
from pycnn.models.batches import ArrayBatches, as_batch, make_source, map_arrays, to_tensors
from pycnn.models.feed import Feed, Progress
from pycnn.models.step import Step


class Trainer(Step):
    """What makes a layer trainable: a mixin of Model."""

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train.

        Parameters
        ----------
        x : array, list or dict of arrays, PyDataset, or anything that gives batches ``(x, y[, sample_weight])``
        y : array, optional
            Targets; part of ``x`` where that gives batches.
        batch_size : int
            32 unless given.
        epochs : int
            Number of the last epoch: with ``initial_epoch=10``, ``epochs=12`` trains two.
        verbose : {"auto", 0, 1, 2}
            0 is silent, 1 a progress bar, 2 a line an epoch; ``"auto"`` is 1 in a terminal or notebook, 2 in a log.
        callbacks : list of Callback, optional
        validation_split : float
            This fraction of the samples, the last ones before shuffling, is kept for validation.
        validation_data : tuple (x, y) or (x, y, sample_weight), or what gives batches, optional
        shuffle : bool or "batch"
            Whether to shuffle samples, or batches, before each epoch.
        class_weight : dict, optional
            Class -> factor of the loss of its samples.
        sample_weight : array, optional
            Factor of the loss of each sample.
        initial_epoch : int
        steps_per_epoch, validation_steps : int, optional
            Batches in an epoch, if not all.
        validation_batch_size : int, optional
            ``batch_size`` unless given.
        validation_freq : int or list of ints
            Validate after every so many epochs, or after these epochs (which count from 1).

        Returns
        -------
        History
            ``history.history["loss"]`` and so on are lists of one number an epoch; ``history.data_share`` is the part
            of the time that went into getting batches.

        Raises
        ------
        RuntimeError
            If ``compile`` was not called.
        ValueError
            If x and y have different lengths, or shapes, labels or targets that the model cannot learn from.

        Examples
        --------
        >>> import numpy as np, pycnn
        >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> history = model.fit(x, x.sum(1), epochs=5, verbose=0)
        >>> history.history["loss"][-1] < history.history["loss"][0]
        True
        """
        self._require_compiled()
        source = make_source(x, y, sample_weight, batch_size, shuffle, class_weight)
        validation = self._validation_source(source, validation_split, validation_data, validation_batch_size)
        for checked in (source, validation):
            self._check_source(checked)
        feed = Feed(source, steps_per_epoch)
        validation_feed = None if validation is None else Feed(validation, validation_steps)
        calls, history = self._callbacks(
            callbacks, verbose, "fit", epochs=epochs, steps=feed.steps, validates=validation is not None
        )
        self.stop_training = False
        self._reset_step_caches()
        self._progress = Progress(feed, validation_feed, initial_epoch)
        logs = {}
        try:
            calls.on_train_begin()
            for epoch in range(self._progress.first_epoch, epochs):
                self.reset_metrics()
                calls.on_epoch_begin(epoch)
                seconds, data_seconds = self._train_epoch(feed, calls)
                history.seconds.append(seconds)
                history.data_seconds.append(data_seconds)
                logs = self._logs()
                if validation_feed is not None and _is_due(epoch + 1, validation_freq):
                    calls.on_test_begin()
                    values = self._test_epoch(validation_feed, calls)
                    calls.on_test_end(values)
                    logs |= {f"val_{name}": value for name, value in values.items()}
                calls.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            self.optimizer.finalize_variable_values(self.trainable_weights)
            calls.on_train_end(logs)
        finally:
            self._progress.close()
            self._progress = None
        return history

    def _train_epoch(self, feed, calls):
        """Train for an epoch; return how long it took, and how long of that batches were made or waited for."""
        steps = self._progress.take_first_step()
        batches, data_seconds = feed.epoch(steps), 0.0
        began = asked = perf_counter()
        while (batch := next(batches, None)) is not None:
            data_seconds += perf_counter() - asked
            calls.on_train_batch_begin(steps)
            self._run_train_step(*to_tensors(batch))
            calls.on_train_batch_end(steps, self._logs)
            steps += 1
            if self.stop_training:
                break
            asked = perf_counter()
        else:
            self._check_steps(feed, steps)
        return perf_counter() - began, data_seconds

    def _check_steps(self, feed, steps):
        """See whether the data lasted for an epoch."""
        _require_batches(steps)
        if feed.steps is not None and steps < feed.steps:
            warnings.warn(
                f"The data ran out after {steps} of {feed.steps} batches; training stops. "
                "A generator must give steps_per_epoch * epochs batches.",
                stacklevel=4,
            )
            self.stop_training = True

    def _test_epoch(self, feed, calls):
        self.reset_metrics()
        steps = 0
        with no_grad():
            for batch in feed.epoch():
                calls.on_test_batch_begin(steps)
                self._run_test_step(*to_tensors(batch))
                calls.on_test_batch_end(steps, self._logs)
                steps += 1
        _require_batches(steps)
        return self._logs()

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
    ):
        """Return the loss and the metrics on data, without training.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            As in ``fit``.
        steps : int, optional
            Batches to use, if not all.
        return_dict : bool
            Return a dict by name instead of numbers.

        Returns
        -------
        float, or list [loss, metric, ...], or dict
        """
        self._require_compiled()
        source = make_source(x, y, sample_weight, batch_size)
        self._check_source(source)
        feed = Feed(source, steps)
        calls, _ = self._callbacks(callbacks, verbose, "evaluate", epochs=1, steps=feed.steps)
        calls.on_test_begin()
        try:
            logs = self._test_epoch(feed, calls)
        finally:
            feed.close()
        calls.on_test_end(logs)
        return _as_asked(self._in_order(logs), return_dict)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Return the outputs for data, as a ``numpy.ndarray``.

        Parameters
        ----------
        x, batch_size, callbacks
            As in ``fit``.
        verbose : {"auto", 0, 1, 2}
            ``"auto"`` is a bar in a terminal or notebook, and silent elsewhere.
        steps : int, optional
            Batches to use, if not all.

        Notes
        -----
        Batch norms behind convolutions are computed as a part of these, so that the last bits may differ from those of
        ``model(x)``, which records gradients. From the second batch of one shape on the calls of kernels are repeated
        from a plan (see ``plans``).
        """
        feed = Feed(make_source(x, batch_size=batch_size), steps)
        calls, _ = self._callbacks(callbacks, verbose, "predict", epochs=1, steps=feed.steps)
        outputs = []
        calls.on_predict_begin()
        try:
            for step, batch in enumerate(feed.epoch()):
                calls.on_predict_batch_begin(step)
                outputs.append(self._predictions(batch[0]))
                calls.on_predict_batch_end(step, functools.partial(dict, outputs=outputs[-1]))
        finally:
            feed.close()
        calls.on_predict_end()
        return _concatenate(outputs)

    # One batch

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Train on one batch; return loss and metrics, as means since the last ``reset_metrics()``, as Keras does."""
        self._require_compiled()
        x, y, sample_weight = self._one_batch(x, y, sample_weight, class_weight)
        self._run_train_step(x, y, sample_weight)
        return _as_asked(self._in_order(self._logs()), return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Evaluate one batch; return loss and metrics, as means since the last ``reset_metrics()``, as Keras does."""
        self._require_compiled()
        x, y, sample_weight = self._one_batch(x, y, sample_weight)
        with no_grad():
            self._run_test_step(x, y, sample_weight)
        return _as_asked(self._in_order(self._logs()), return_dict)

    def predict_on_batch(self, x):
        """Return the outputs for one batch, as a ``numpy.ndarray``."""
        x, _, _ = as_batch(x)
        return self._predictions(x)

    def _predictions(self, x):
        """The outputs for one batch on the host, copied once from wherever they were computed."""
        is_own = getattr(self.predict_step, "__func__", None) is Step.predict_step
        outputs = self._plans.predict(x, _to_host) if is_own and type(x) is np.ndarray else None
        if outputs is not None:
            return outputs
        with no_grad():
            x = to_tensors(x)
            return self._outputs(x, _to_host) if is_own else map_arrays(_to_host, self.predict_step(x))

    def warmup(self, x, y=None, sample_weight=None):
        """Do what first batches take long for: on a GPU kernels are compiled, and kept on disk for later processes.

        A copy of the model predicts the batch and, if there are targets and ``compile`` was called, trains on it, each
        eagerly and planned. Nothing of the model itself changes, and no random number is used up.

        Parameters
        ----------
        x, y, sample_weight
            A batch as ``train_on_batch`` takes it, of the size and dtypes that will follow; ``y`` None where the model
            will only predict.

        Examples
        --------
        >>> import numpy as np, pycnn
        >>> model = pycnn.Sequential([pycnn.Input((3,)), pycnn.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.warmup(np.zeros((32, 3)), np.zeros((32, 1)))
        """
        generator = config.generator().bit_generator
        state, twin = generator.state, copy.deepcopy(self)
        try:
            for _ in range(2):
                if self.compiled and y is not None:
                    twin.train_on_batch(x, y, sample_weight)
                twin.predict_on_batch(x)
        finally:
            generator.state = state

    def _one_batch(self, x, y, sample_weight, class_weight=None):
        batch = as_batch(x, y, sample_weight, class_weight)
        self._check(batch[0], batch[1])
        return to_tensors(batch)

    # Around it

    def _require_compiled(self):
        if not self.compiled:
            raise RuntimeError("You must call `compile()` before using the model.")

    def _check_source(self, source):
        if isinstance(source, ArrayBatches):
            self._check(source.x, source.y)

    def _check(self, x, y):
        """Report targets that cannot be right before anything is computed."""
        if y is None or self._compiled_losses is None:
            return
        if isinstance(x, np.ndarray):
            self._ensure_built((None, *x.shape[1:]))
        self._compiled_losses.check(y, self._symbolic_outputs, self.output_names)

    def _validation_source(self, source, split, data, batch_size):
        if data is not None:
            batch_size = batch_size or getattr(source, "batch_size", None)
            return make_source(*data, batch_size=batch_size) if isinstance(data, (tuple, list)) else make_source(data)
        if not split:
            return None
        if not isinstance(source, ArrayBatches):
            raise ValueError(
                "validation_split needs x to be arrays; give validation_data instead. "
                f"Received: validation_split={split!r}"
            )
        validation = source.split(split)
        validation.batch_size = batch_size or source.batch_size
        return validation

    def _callbacks(self, callbacks, verbose, task, **params):
        """Return the list of all callbacks, and the History among them."""
        if isinstance(callbacks, CallbackList):
            given = callbacks.callbacks
        else:
            given = (
                [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
            )
        if verbose not in ("auto", 0, 1, 2, False, True):
            raise ValueError(f"verbose must be 'auto', 0, 1 or 2. Received: verbose={verbose!r}")
        history = History()
        added = [history] if task == "fit" else []
        if verbose:
            added.append(ProgressBar(verbose, task))
        return CallbackList([*given, *added], model=self, verbose=verbose, **params), history


def _to_host(tensor):
    """Return the numbers of a tensor, in memory of their own."""
    return get_backend().to_numpy(tensor.data, copy=True)


def _require_batches(steps):
    if steps == 0:
        raise ValueError(
            "The data ran out: this epoch got no batch. A generator must last for all epochs. Received: 0 batches"
        )


def _is_due(epoch, frequency):
    """Whether to validate after ``epoch``, which counts from 1."""
    return epoch in frequency if isinstance(frequency, (list, tuple, set)) else epoch % frequency == 0


def _as_asked(logs, return_dict):
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _concatenate(batches):
    """Join the outputs of batches, each one array or a list or dict of them."""
    if not batches:
        raise ValueError("There was no batch to predict. Received: x without batches")
    first = batches[0]
    if isinstance(first, dict):
        return {key: _concatenate([b[key] for b in batches]) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_concatenate([b[i] for b in batches]) for i in range(len(first)))
    return first if len(batches) == 1 else np.concatenate(batches)
