"""Stages that make something of elements: functions, batches, work ahead, a memory."""

import contextlib
import itertools
import math
import threading

import numpy as np

from pycnn.autograd import no_grad
from pycnn.data.sources import Stage, but_first, close, samples, to_arrays
from pycnn.models.batches import all_arrays, map_arrays
from pycnn.models.prefetch import prefetched
from pycnn.threads import get_num_threads

_AUTO = -1
_QUEUE = 2  # elements that are made ahead where nobody says how many


class Mapped(Stage):
    """A function of each element, in threads that work ahead if there are any."""

    def __init__(self, source, function, workers, ahead=_QUEUE):
        super().__init__(source)
        self.function, self.workers, self.ahead = function, workers, ahead
        self._first = threading.Lock()  # layers are built by their first call, which is then the only one
        self._is_built = False

    def elements(self, run, skip=0):
        """Yield results."""
        numbered = _Numbered(self.source.elements(run.before(), skip), skip)

        def make(numbered_element):
            place, element = numbered_element
            with run.scope(place), no_grad(), contextlib.nullcontext() if self._is_built else self._first:
                made = self.function(*element) if isinstance(element, tuple) else self.function(element)
                self._is_built = True
                return to_arrays(made)

        if not self.workers:
            return _mapped(make, numbered)
        workers = max(1, get_num_threads() - 1) if self.workers == _AUTO else self.workers
        return prefetched(make, numbered, workers, max(self.ahead, workers))


def _mapped(function, elements):
    try:
        yield from map(function, elements)
    finally:
        elements.close()


class _Numbered:
    """Pairs (place, element) of an iterator, which it closes."""

    def __init__(self, elements, first):
        self._elements, self._places = elements, itertools.count(first)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._places), next(self._elements)

    def close(self):
        close(self._elements)


class Prefetched(Stage):
    """Elements that a thread makes ahead."""

    def __init__(self, source, ahead):
        super().__init__(source)
        self._ahead = _QUEUE if ahead == _AUTO else ahead

    def elements(self, run, skip=0):
        """Yield elements."""
        source = self.source
        if isinstance(source, Mapped) and source.workers:  # its threads work ahead already
            queue = Mapped(source.source, source.function, source.workers, max(self._ahead, source.ahead))
            return queue.elements(run.before(), skip)
        return prefetched(None, source.elements(run.before(), skip), 1, self._ahead)


class Batched(Stage):
    """So many elements at a time."""

    def __init__(self, source, size, drop_remainder):
        super().__init__(source)
        self._size, self._drops = size, drop_remainder

    @property
    def count(self):
        """Number of batches."""
        count = self.source.count
        if count in (None, math.inf):
            return count
        return count // self._size if self._drops else -(-count // self._size)

    def elements(self, run, skip=0):
        """Yield batches."""
        rows = self.source.rows(run.before())
        if rows is not None:
            return self._gathered(*rows, skip)
        return self._stacked(self.source.elements(run.before(), skip * self._size))

    def _gathered(self, arrays, order, skip):
        for start in range(skip * self._size, len(order), self._size):
            index = order[start : start + self._size]
            if len(index) == self._size or not self._drops:
                yield map_arrays(lambda a: a.take(index, 0), arrays)  # noqa: B023  used at once

    def _stacked(self, elements):
        try:
            while batch := list(itertools.islice(elements, self._size)):
                if len(batch) == self._size or not self._drops:
                    yield _stack(batch)
        finally:
            close(elements)


def _stack(elements):
    """Join the arrays of elements of one structure along a new first axis."""
    first = elements[0]
    if isinstance(first, dict):
        return {key: _stack([e[key] for e in elements]) for key in first}
    if isinstance(first, (tuple, list)):
        return type(first)(_stack(parts) for parts in zip(*elements, strict=True))
    return np.stack(elements)


class Unbatched(Stage):
    """Elements taken apart along their first axis."""

    count = property(lambda self: None)

    def elements(self, run, skip=0):
        """Yield parts."""
        return but_first(_parts(self.source.elements(run.before())), skip)


def _parts(elements):
    try:
        for element in elements:
            yield from samples((element, np.arange(len(all_arrays(element)[0]))), 0)
    finally:
        close(elements)


class Cached(Stage):
    """Elements that are kept."""

    def __init__(self, source):
        super().__init__(source)
        self._kept = None

    def elements(self, run, skip=0):
        """Yield elements."""
        return iter(self._kept[skip:]) if self._kept is not None else but_first(self._keep(run), skip)

    def _keep(self, run):
        elements, kept = self.source.elements(run.before()), []
        try:
            for element in elements:
                kept.append(element)
                yield element
            self._kept = kept
        finally:
            close(elements)
