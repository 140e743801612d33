"""Callbacks take Keras's arguments, in Keras's order, with Keras's defaults."""

import inspect

import pytest
from helpers import peer

from pycnn import callbacks

NAMES = (
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
)

INTENDED = {
    "LambdaCallback": {"kwargs": "others"},  # a name that says what they are
    "ProgbarLogger": {None: ("verbose", "task")},  # Keras's takes these from params; it is made by hand by nobody
    "ReduceLROnPlateau": {"kwargs": None},  # Keras takes a deprecated argument there
}
"""Callback -> {Keras's argument: ours, None if there is none}; under None those that Keras lacks."""


def arguments(cls):
    listed = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return [(p.name, p.kind, p.default) for p in listed]


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    keras = peer("keras")
    changes = INTENDED.get(name, {})
    theirs = [(changes.get(n, n), kind, default) for n, kind, default in arguments(getattr(keras.callbacks, name))]
    theirs = [argument for argument in theirs if argument[0] is not None]
    ours = [a for a in arguments(getattr(callbacks, name)) if a[0] not in changes.get(None, ())]
    assert ours == theirs


def test_hooks():
    keras = peer("keras")
    hooks = {name for name in dir(keras.callbacks.Callback) if name.startswith(("on_", "set_"))}
    assert hooks <= set(dir(callbacks.Callback))
    assert hooks <= set(dir(callbacks.CallbackList))
