"""The queues of the emulated device: work is done at once, as late as can be, or captured and then done by a graph."""

import threading
from contextlib import contextmanager

import numpy as np
from cuda_emulator import machine

_BY_CUBLAS = (np.matmul, np.matmul.__call__, np.dot, np.outer, np.tensordot, np.einsum)


def perform(function, args, options=None):
    """Call one of NumPy's functions; while the current stream is captured note it, to be called again."""
    options, captured = options or {}, thread.stream.captured
    if captured is None:
        return function(*args, **options)
    if function in _BY_CUBLAS:
        raise NotImplementedError("calling cuBLAS API during stream capture is currently unsupported")
    arrays = [a for a in (getattr(function, "__self__", None), *parts((args, options))) if isinstance(a, np.ndarray)]
    captured.save(arrays)
    result = function(*args, **options)
    if result is None or options.get("out") is not None:
        captured.calls.append(lambda: function(*args, **options))
        return result
    results = [np.asarray(r) if isinstance(r, np.generic) else r for r in parts(result)]
    if any(isinstance(r, np.ndarray) and not any(np.may_share_memory(r, a) for a in arrays) for r in results):
        captured.calls.append(lambda: _fill(results, list(parts(function(*args, **options))), arrays))
    return type(result)(results) if type(result) in (list, tuple) else results[0]


def parts(value):
    if type(value) in (list, tuple):
        for part in value:
            yield from parts(part)
    elif type(value) is dict:
        yield from parts(list(value.values()))
    else:
        yield value


def _fill(targets, values, arrays):
    for target, value in zip(targets, values, strict=True):
        if isinstance(target, np.ndarray) and not any(np.may_share_memory(target, a) for a in arrays):
            target[...] = value


class _Captured:
    """What was called while a stream was captured. Nothing of it is done: what was there before is put back."""

    def __init__(self):
        self.calls, self._before = [], []

    def save(self, arrays):
        self._before += [(a, a.copy()) for a in arrays if a.flags.writeable]

    def undo(self):
        for array, before in reversed(self._before):
            array[...] = before
        self._before = []


class Stream:
    """A queue of work, which is done at once, or captured."""

    def __init__(self, null=False, non_blocking=False):
        self.captured, self._non_blocking, self._outer = None, non_blocking, []
        self._under_way = []  # copies from the host, which arrive when somebody waits for them

    def __enter__(self):
        self._outer.append(thread.stream)
        thread.stream = self

    def __exit__(self, *error):
        thread.stream = self._outer.pop()

    def begin_capture(self):
        if not self._non_blocking:
            raise RuntimeError("a stream that blocks others is not to be captured")
        self.captured = _Captured()

    def end_capture(self):
        captured, self.captured = self.captured, None
        captured.undo()
        return Graph(captured.calls)

    def synchronize(self):
        if self.captured is not None:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")
        self._arrive(self._under_way)

    def fill(self, array, values):
        """Copy from the host: as late as can be, unless another stream is captured, which computes nothing."""
        if not self._non_blocking or self._outer[-1].captured is not None:
            array[...] = values
        else:
            array.reshape(-1).view(np.uint8)[:] = machine.FILL
            self._under_way.append((array, values))

    def _arrive(self, copies):
        for array, values in copies:
            array[...] = values
        arrived = {id(array) for array, _ in copies}
        self._under_way = [copy for copy in self._under_way if id(copy[0]) not in arrived]

    def record(self, event):
        event.stream, event.copies = self, list(self._under_way)

    def wait_event(self, event):
        if event.stream is not None:  # one that was never recorded is over
            event.stream._arrive(event.copies)
            event.copies = []


class Event:
    """A place in a queue."""

    def __init__(self, disable_timing=False):
        self.stream, self.copies = None, []


class Graph:
    """Calls that were captured."""

    def __init__(self, calls):
        self._calls = calls

    def launch(self):
        for call in self._calls:
            call()


@contextmanager
def using_allocator(allocator):
    before, thread.allocator = thread.allocator, allocator
    try:
        yield
    finally:
        thread.allocator = before


class _Thread(threading.local):
    """What each thread has of its own: the stream and the allocator in use."""

    def __init__(self):
        self.stream, self.allocator = Stream(null=True), None


thread = _Thread()
