"""Memory on huge pages: the room of an array becomes that of another as soon as the first is gone."""

import mmap
import weakref
from bisect import bisect_right, insort
from collections import deque
from math import prod
from threading import Lock

import numpy as np

_ALIGNMENT = 64  # a cache line, and a vector of AVX-512
_CHUNK = 1 << 25  # bytes of the system's at a time, at least


class Arena:
    """Gives out arrays whose room is taken back when nothing refers to them any more.

    Examples
    --------
    >>> from pycnn.backend.arena import Arena
    >>> arena = Arena()
    >>> a = arena.empty((256, 256), "float32")
    >>> first = a.ctypes.data
    >>> del a
    >>> arena.empty((100, 100), "float32").ctypes.data == first
    True
    """

    def __init__(self, chunk=_CHUNK):
        self._chunk = chunk
        self._chunks = []  # (address, size, memory), by address
        self._free = []  # (address, size) of what is free, by address
        self._returned = deque()  # what is free, too, but for its place in that list: arrays end at any moment
        self._lock = Lock()

    @property
    def nbytes(self):
        """Bytes taken from the system."""
        return sum(size for _, size, _ in self._chunks)

    @property
    def unused(self):
        """Bytes of these that no array has."""
        with self._lock:
            self._take_back()
            return sum(size for _, size in self._free)

    def empty(self, shape, dtype):
        """Return an uninitialised array, and take its room back when the last view of it is gone."""
        with self._lock:
            self._take_back()
            address, size = self._take(max(1, prod(shape) * np.dtype(dtype).itemsize))
            array = self.window(address, shape, dtype)
        weakref.finalize(array, self._returned.append, (address, size)).atexit = False
        return array

    def window(self, address, shape, dtype, strides=None):
        """Return an array at an address of this arena that does not keep the room from being taken back."""
        begin, _, memory = self._chunks[bisect_right(self._chunks, address, key=lambda chunk: chunk[0]) - 1]
        return np.ndarray(shape, dtype, memory, address - begin, strides)

    def holds(self, array):
        """Whether the array lies in this arena."""
        address = array.__array_interface__["data"][0]
        i = bisect_right(self._chunks, address, key=lambda chunk: chunk[0]) - 1
        return i >= 0 and address < self._chunks[i][0] + self._chunks[i][1]

    def _take(self, nbytes):
        """The smallest free piece that is large enough."""
        size = -(-nbytes // _ALIGNMENT) * _ALIGNMENT
        fitting = [piece for piece in self._free if piece[1] >= size]
        if not fitting:
            fitting = [self._grow(size)]
        piece = min(fitting, key=lambda piece: piece[1])
        self._free.remove(piece)
        address, room = piece
        if room > size:
            insort(self._free, (address + size, room - size))
        return address, size

    def _grow(self, size):
        size = -(-max(size, self._chunk) // self._chunk) * self._chunk
        try:
            memory = mmap.mmap(-1, size)
        except (OSError, OverflowError) as error:
            raise MemoryError(f"no room for {size:,} bytes more, beside the {self.nbytes:,} taken here") from error
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        address = np.frombuffer(memory, np.uint8).ctypes.data
        insort(self._chunks, (address, size, memory), key=lambda chunk: chunk[0])
        insort(self._free, (address, size))
        return address, size

    def _take_back(self):
        while self._returned:
            self._give_back(*self._returned.popleft())

    def _give_back(self, address, size):
        """Join the piece with its free neighbours, inside its chunk."""
        borders = {chunk[0] for chunk in self._chunks}
        i = bisect_right(self._free, (address, 0))
        if i < len(self._free) and self._free[i][0] == address + size and address + size not in borders:
            size += self._free.pop(i)[1]
        if i and sum(self._free[i - 1]) == address and address not in borders:
            address, more = self._free.pop(i - 1)
            size += more
        insort(self._free, (address, size))
