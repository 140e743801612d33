"""Callback, CallbackList, History, LambdaCallback."""

import numpy as np
import pytest

import pycnn
from pycnn import layers
from pycnn.callbacks import Callback, CallbackList, History, LambdaCallback


def fit(*callbacks, **arguments):
    model = pycnn.Sequential([pycnn.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    return model, model.fit(np.ones((8, 1)), np.ones(8), batch_size=4, callbacks=callbacks, verbose=0, **arguments)


class Broken(Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["extra"] = epoch * 2


def test_callbacks_know_the_model_and_the_parameters(backend):
    callback = Callback()
    model, _ = fit(callback, epochs=3)
    assert callback.model is model
    assert (callback.params["epochs"], callback.params["steps"]) == (3, 2)


def test_logs_nobody_reads_are_never_made():
    made = []
    calls = CallbackList([Callback(), History(), Broken(), LambdaCallback()])
    for _ in range(3):
        calls.on_train_batch_begin(0, lambda: made.append(1))
        calls.on_train_batch_end(0, lambda: made.append(1))
    assert not made


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_batch_end"])
def test_listeners_of_batches_get_a_dict(backend, hook):
    seen = []
    listener = type("Listener", (Callback,), {hook: lambda self, batch, logs=None: seen.append((batch, dict(logs)))})
    fit(listener())
    assert [batch for batch, _ in seen] == [0, 1]
    assert seen[0][1] == {"loss": pytest.approx(1.0)}


def test_lazy_listeners_get_a_function():
    class Lazy(Callback):
        takes_lazy_logs = True

        def on_train_batch_end(self, batch, logs=None):
            self.logs = logs

    lazy = Lazy()
    CallbackList([lazy]).on_train_batch_end(0, dict)
    assert lazy.logs is dict


def test_what_one_callback_adds_the_next_and_the_history_see(backend):
    _, history = fit(Broken(), epochs=3)
    assert history.history["extra"] == [0, 2, 4]


def test_history_starts_anew_at_each_training(backend):
    model, first = fit(epochs=2)
    second = model.fit(np.ones((8, 1)), np.ones(8), verbose=0)
    assert (len(first.epoch), len(second.epoch)) == (2, 1)


def test_lambda_callbacks(backend):
    seen = []
    fit(
        LambdaCallback(
            on_epoch_begin=lambda epoch, logs: seen.append(("begin", epoch)),
            on_train_batch_end=lambda batch, logs: seen.append(("batch", batch, "loss" in logs)),
            on_train_end=lambda logs: seen.append(("end", "loss" in logs)),
        )
    )
    assert seen == [("begin", 0), ("batch", 0, True), ("batch", 1, True), ("end", True)]
    with pytest.raises(TypeError, match="Callback has no such hook. Received: on_epoch_ende="):
        LambdaCallback(on_epoch_ende=print)


def test_lists_may_be_made_by_hand(backend):
    seen = []
    callback = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs))
    calls = CallbackList([callback], epochs=1)
    calls.set_model("model")
    calls.on_train_begin()
    calls.on_epoch_begin(0)
    calls.on_train_batch_end(0, {"loss": 3.0})
    calls.on_epoch_end(0, {"loss": 3.0})
    assert (callback.model, callback.params, seen) == ("model", {"epochs": 1}, [{"loss": 3.0}])
