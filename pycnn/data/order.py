"""Stages that decide which elements come, and in which order."""

import itertools
import math

from pycnn.autograd import no_grad
from pycnn.data.sources import Stage, but_first, close, samples


class Shuffled(Stage):
    """Elements in random order."""

    def __init__(self, source, size, seed, anew):
        super().__init__(source)
        self._size, self._seed, self._anew = size, seed, anew

    def rows(self, run):
        """Return the arrays, and another order."""
        rows = self.source.rows(run.before())
        if rows is None:
            return None
        return rows[0], run.generator(self._seed, self._anew).permutation(rows[1])

    def elements(self, run, skip=0):
        """Yield elements."""
        rows = self.rows(run)
        if rows is not None:
            return samples(rows, skip)
        waiting = self._drawn(self.source.elements(run.before()), run.generator(self._seed, self._anew))
        return but_first(waiting, skip)

    def _drawn(self, elements, generator):
        buffer = []
        try:
            for element in elements:
                if len(buffer) < self._size:
                    buffer.append(element)
                    continue
                i = int(generator.integers(self._size))
                yield buffer[i]
                buffer[i] = element
            generator.shuffle(buffer)
            yield from buffer
        finally:
            close(elements)


class Repeated(Stage):
    """The elements several times."""

    def __init__(self, source, times):
        super().__init__(source)
        self._times = math.inf if times is None else times

    @property
    def count(self):
        """Number of elements in all."""
        count = self.source.count
        return 0 if count == 0 or self._times == 0 else None if count is None else count * self._times

    def elements(self, run, skip=0):
        """Yield elements."""
        count = self.source.count
        if count in (None, 0, math.inf):
            return but_first(self._all(run, 0, 0), skip)
        return self._all(run, *divmod(skip, count))

    def _all(self, run, time, skip):
        while time < self._times:
            elements, is_empty = self.source.elements(run.before(time), skip), not skip
            try:
                for element in elements:
                    is_empty = False
                    yield element
            finally:
                close(elements)
            if is_empty:
                return
            time, skip = time + 1, 0


class Taken(Stage):
    """The first elements."""

    def __init__(self, source, most):
        super().__init__(source)
        self._most = most

    @property
    def count(self):
        """Number of elements."""
        count = self.source.count
        return None if count is None else min(count, self._most)

    def rows(self, run):
        """Return the arrays, and the beginning of their order."""
        rows = self.source.rows(run.before())
        return None if rows is None else (rows[0], rows[1][: self._most])

    def elements(self, run, skip=0):
        """Yield elements."""
        return _taken(self.source.elements(run.before(), skip), max(0, self._most - skip))


def _taken(elements, most):
    try:
        yield from itertools.islice(elements, most)
    finally:
        close(elements)


class Skipped(Stage):
    """All but the first elements."""

    def __init__(self, source, fewest):
        super().__init__(source)
        self._fewest = fewest

    @property
    def count(self):
        """Number of elements."""
        count = self.source.count
        return None if count is None else max(0, count - self._fewest)

    def rows(self, run):
        """Return the arrays, and the end of their order."""
        rows = self.source.rows(run.before())
        return None if rows is None else (rows[0], rows[1][self._fewest :])

    def elements(self, run, skip=0):
        """Yield elements."""
        return self.source.elements(run.before(), skip + self._fewest)


class Filtered(Stage):
    """The elements that a function wants."""

    def __init__(self, source, predicate):
        super().__init__(source)
        self._predicate = predicate

    count = property(lambda self: None)

    def elements(self, run, skip=0):
        """Yield elements."""
        return but_first(self._wanted(run), skip)

    def _wanted(self, run):
        elements = self.source.elements(run.before())
        try:
            for place, element in enumerate(elements):
                with run.scope(place), no_grad():
                    wanted = self._predicate(*element) if isinstance(element, tuple) else self._predicate(element)
                if wanted:
                    yield element
        finally:
            close(elements)


class Zipped(Stage):
    """Tuples of an element of each data set."""

    def __init__(self, sources):
        super().__init__(None)
        self._sources = sources

    @property
    def count(self):
        """Number of tuples."""
        counts = [source.count for source in self._sources]
        return None if None in counts else min(counts)

    def elements(self, run, skip=0):
        """Yield tuples."""
        iterators = [source.elements(run.before(branch), skip) for branch, source in enumerate(self._sources)]
        try:
            yield from zip(*iterators, strict=False)
        finally:
            for elements in iterators:
                close(elements)
