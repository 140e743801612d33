"""Plans on the CPU: calls of kernels and of NumPy, repeated one after another by a compiled loop."""

from pycnn_ext.replay import replay

from pycnn.backend import recording
from pycnn.backend.cpu import memory
from pycnn.backend.cpu.compiled import calls_of


def record(function, inputs, tensors=(), fixed=False, changing=()):
    return recording.record(function, inputs, tensors, fixed, changing, replay, calls_of, memory.empty)
