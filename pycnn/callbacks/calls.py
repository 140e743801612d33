"""CallbackList: several callbacks as one."""

from pycnn.callbacks.base import Callback, History
from pycnn.callbacks.progress import ProgressBar

_ALIASES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def _listens(callback, hook):
    """Whether a callback does anything at ``hook``."""
    if hook in callback.__dict__ or getattr(type(callback), hook, None) is not getattr(Callback, hook):
        return True
    return hook in _ALIASES and _listens(callback, _ALIASES[hook])


def _trait(method, name):
    """An attribute of the callback that a method belongs to; a plain function has none."""
    return getattr(getattr(method, "__self__", None), name, False)


class CallbackList:
    """Several callbacks as one.

    The hooks of batches may be given, instead of a dict, a function that returns one: it is called only if some
    callback listens, so that a step of training costs nothing for logs that nobody reads.

    Parameters
    ----------
    callbacks : list of Callback, optional
    add_history, add_progbar : bool
        Whether to add a ``History`` or a ``ProgressBar`` if there is none.
    model : Model, optional
    params : dict
        What each callback gets as ``params``.
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        self.callbacks = []
        self.model = model
        self.params = params
        self._listeners = {}
        callbacks = [] if callbacks is None else callbacks
        for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
            self.append(callback)
        if add_history and not any(isinstance(callback, History) for callback in self.callbacks):
            self.append(History())
        if add_progbar and not any(isinstance(callback, ProgressBar) for callback in self.callbacks):
            self.append(ProgressBar(params.get("verbose", "auto") or "auto"))

    def append(self, callback):
        """Add a callback at the end."""
        if not hasattr(callback, "set_model"):
            raise TypeError(f"callbacks must be instances of Callback. Received: callback={callback!r}")
        self.callbacks.append(callback)
        if hasattr(callback, "set_callbacks"):
            callback.set_callbacks(self.callbacks)
        callback.set_params(self.params)
        callback.set_model(self.model)
        self._listeners.clear()

    def set_params(self, params):
        """Hand ``params`` to all."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model):
        """Hand the model to all."""
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def _listening(self, hook):
        methods = self._listeners.get(hook)
        if methods is None:
            ordered = sorted(self.callbacks, key=lambda c: getattr(c, "runs_last", False))
            methods = self._listeners[hook] = [getattr(c, hook) for c in ordered if _listens(c, hook)]
        return methods

    def _call_batch(self, hook, batch, logs):
        listeners = self._listeners.get((hook, "batch"))
        if listeners is None:
            methods = self._listening(hook)
            lazy = [m for m in methods if _trait(m, "takes_lazy_logs")]
            last = [m for m in lazy if _trait(m, "runs_last")]
            eager = [m for m in methods if m not in lazy]
            listeners = self._listeners[hook, "batch"] = (eager, [m for m in lazy if m not in last], last)
        eager, lazy, last = listeners
        for method in lazy:
            method(batch, logs)
        if eager:
            numbers = logs() if callable(logs) else logs or {}
            for method in eager:
                method(batch, numbers)
        for method in last:
            method(batch, logs)

    def on_train_begin(self, logs=None):
        """Call all."""
        for method in self._listening("on_train_begin"):
            method(logs or {})

    def on_train_end(self, logs=None):
        """Call all."""
        for method in self._listening("on_train_end"):
            method(logs or {})

    def on_epoch_begin(self, epoch, logs=None):
        """Call all."""
        for method in self._listening("on_epoch_begin"):
            method(epoch, {} if logs is None else logs)

    def on_epoch_end(self, epoch, logs=None):
        """Call all; what one adds to ``logs``, the next ones see."""
        logs = {} if logs is None else logs
        for method in self._listening("on_epoch_end"):
            method(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        """Call those that listen."""
        self._call_batch("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        """Call those that listen."""
        self._call_batch("on_train_batch_end", batch, logs)

    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end

    def on_test_begin(self, logs=None):
        """Call all."""
        for method in self._listening("on_test_begin"):
            method(logs or {})

    def on_test_end(self, logs=None):
        """Call all."""
        for method in self._listening("on_test_end"):
            method(logs or {})

    def on_test_batch_begin(self, batch, logs=None):
        """Call those that listen."""
        self._call_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        """Call those that listen."""
        self._call_batch("on_test_batch_end", batch, logs)

    def on_predict_begin(self, logs=None):
        """Call all."""
        for method in self._listening("on_predict_begin"):
            method(logs or {})

    def on_predict_end(self, logs=None):
        """Call all."""
        for method in self._listening("on_predict_end"):
            method(logs or {})

    def on_predict_batch_begin(self, batch, logs=None):
        """Call those that listen."""
        self._call_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch, logs=None):
        """Call those that listen."""
        self._call_batch("on_predict_batch_end", batch, logs)
