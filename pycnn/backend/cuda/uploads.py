"""Batches on their way to the GPU: by pinned memory, on a stream of their own, while the GPU is at the step before.

The host is ahead of the GPU: it has launched a step long before the GPU has done it, and brings the next batch
meanwhile. The copy goes into one of ``SLOTS`` places that nothing else uses, so that it waits for no step, and from
there, once the stream in use is so far, into memory of the batch's own: that is quick within the GPU.
"""

import threading
from functools import cache

import cupy as cp

SLOTS = 2


class _Slot:
    """The arrays of a batch, and whether they have arrived, and were read."""

    def __init__(self):
        self.arrays = []
        self.arrived, self.read = (cp.cuda.Event(disable_timing=True) for _ in range(2))


class _Uploads:
    """The stream of one device."""

    def __init__(self):
        self._stream = cp.cuda.Stream(non_blocking=True)
        self._slots = [_Slot() for _ in range(SLOTS)]
        self._lock = threading.Lock()

    def __call__(self, arrays):
        with self._lock:
            slot = self._slots.pop(0)
            self._slots.append(slot)
            self._stream.wait_event(slot.read)  # before that no room of the slot's is written again
            with self._stream:
                slot.arrays = [cp.array(a, order="C") for a in arrays]  # by CuPy's pool of pinned memory
            self._stream.record(slot.arrived)
            current = cp.cuda.get_current_stream()
            current.wait_event(slot.arrived)
            made = [a.copy() for a in slot.arrays]
            current.record(slot.read)
        return made


@cache
def _of_device(number):
    return _Uploads()


def upload(arrays):
    """Arrays of the host as arrays of the current device."""
    return _of_device(cp.cuda.Device().id)(arrays)
