"""Where the elements of a data set come from, and what all its stages have in common.

A stage has a ``count`` of elements, None where it is not known, and ``elements(run, skip)``: an iterator over those of
an epoch but the first ``skip``, which is closed when nobody reads on. Stages whose elements are samples of arrays also
say ``rows(run)``: these arrays, and the order of the samples, so that a batch of them is copied in one go.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from pycnn import config
from pycnn.autograd import Tensor
from pycnn.models.batches import all_arrays, map_arrays


@dataclass(frozen=True)
class Run:
    """One reading of a data set: what its random numbers depend on, besides the place in it."""

    seed: int
    epoch: int
    path: tuple = ()  # from the end of the pipeline to a stage

    def before(self, branch=0):
        """Return the run of the stage before this one, or of one of several."""
        return Run(self.seed, self.epoch, (*self.path, 1, branch))

    def scope(self, place):
        """Return the context in which an element is made."""
        return config.seeded_scope(self.seed, (*self.path, 0, place))

    def generator(self, seed, anew):
        """Return the generator of an order: of ``seed`` if there is one, another one in each epoch if ``anew``."""
        if seed is None:
            return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(*self.path, 0)))
        key = (self.epoch, *self.path) if anew else ()
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def close(elements):
    """Let an iterator end the threads and files behind it, if it can."""
    if hasattr(elements, "close"):
        elements.close()


class Stage:
    """Base class: a stage behind another one, with as many elements."""

    def __init__(self, source):
        self.source = source

    @property
    def count(self):
        """Number of elements, ``math.inf``, or None where nobody knows."""
        return self.source.count

    def elements(self, run, skip=0):
        """Return an iterator over the elements but the first ``skip``."""
        raise NotImplementedError(f"{type(self).__name__} must define elements(self, run, skip)")

    def rows(self, run):
        """Return arrays and the order of their samples, which are the elements; None where they are something else."""
        return None


def samples(rows, skip):
    """Yield samples of arrays, in an order."""
    arrays, order = rows
    for i in order[skip:].tolist():
        yield map_arrays(lambda a: a[i], arrays)  # noqa: B023  used at once


def but_first(elements, skip):
    """Yield elements but the first ``skip``, as arrays of the host."""
    try:
        for element in itertools.islice(elements, skip, None):
            yield to_arrays(element)
    finally:
        close(elements)


def to_arrays(value):
    """Return what users give as arrays of the host: tuples, dicts and lists of arrays stay what they are."""
    if isinstance(value, dict):
        return {key: to_arrays(item) for key, item in value.items()}
    is_list = isinstance(value, list) and value and all(hasattr(item, "shape") and np.ndim(item) for item in value)
    if is_list or isinstance(value, tuple):
        return type(value)(to_arrays(item) for item in value)
    return value.numpy() if isinstance(value, Tensor) else np.asarray(value)


class Slices(Stage):
    """The samples of arrays."""

    def __init__(self, arrays):
        super().__init__(None)
        self._arrays = arrays
        self._count = len(all_arrays(arrays)[0])

    count = property(lambda self: self._count)

    def rows(self, run):
        """Return the arrays, in their order."""
        return self._arrays, np.arange(self._count)

    def elements(self, run, skip=0):
        """Yield samples."""
        return samples(self.rows(run), skip)


class Generated(Stage):
    """What a function, called anew for each epoch, yields; or an iterable."""

    def __init__(self, generator):
        super().__init__(None)
        self._generator = generator

    @property
    def count(self):
        """Number of elements of an iterable that knows it."""
        try:
            return len(self._generator)
        except TypeError:
            return None

    def elements(self, run, skip=0):
        """Yield what comes; random numbers that pycnn draws for it are those of the run, whichever thread asks."""
        scope = run.scope(0)
        with scope:
            source = iter(self._generator() if callable(self._generator) else self._generator)
        return but_first(_inside(scope, source), skip)


def _inside(scope, elements):
    try:
        while True:
            with scope:
                try:
                    element = next(elements)
                except StopIteration:
                    return
            yield element
    finally:
        close(elements)
