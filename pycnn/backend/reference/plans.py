"""Plans of NumPy's calls, repeated one after another."""

from pycnn.backend import recording


def record(function, inputs, tensors=(), fixed=False, changing=()):
    return recording.record(function, inputs, tensors, fixed, changing)
