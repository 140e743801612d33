"""What ``fit``, ``evaluate`` and ``predict`` read, as batches (x, y, sample_weight): from arrays, or a data set."""

import itertools

import numpy as np

from pycnn import config
from pycnn.autograd import Tensor
from pycnn.backend import get_backend
from pycnn.models.dataset import PyDataset, read_ahead

_ARRAYS = (np.ndarray, Tensor)


def map_arrays(function, value):
    """Apply ``function`` to an array, or to each of a tuple, list or dict of arrays; None stays None."""
    if type(value) in _ARRAYS:  # most are: ask for them first
        return function(value)
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: map_arrays(function, item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map_arrays(function, item) for item in value)
    return function(value)


def all_arrays(value):
    """Return the arrays of a structure in a flat list."""
    found = []
    map_arrays(found.append, value)
    return found


def to_tensors(value):
    """Bring a batch, or a part of one, to the device."""
    asarray, wrap = get_backend().asarray, Tensor.wrap
    return map_arrays(lambda a: wrap(asarray(a)), value)


def _as_data(argument, value):
    """Return ``value`` as arrays of the host; a list of arrays stays one, nested lists become one array."""
    if isinstance(value, dict):
        return {key: _as_data(f"{argument}[{key!r}]", item) for key, item in value.items()}
    if isinstance(value, (tuple, list)) and value and all(hasattr(item, "shape") and np.ndim(item) for item in value):
        return [_as_data(f"{argument}[{i}]", item) for i, item in enumerate(value)]
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{argument} is no array: {error} Received: {argument} of type {type(value).__name__}"
        ) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{argument} must hold numbers. Received: {argument}.dtype={array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"{argument} must have an axis of samples. Received: {argument}={value!r}")
    if array.dtype.kind == "f" and array.dtype != config.floatx():
        array = array.astype(config.floatx())  # once here is cheaper than in each batch
    return array


def _check_cardinality(named):
    """Raise unless all arrays have as many samples."""
    sizes = {name: [len(a) for a in all_arrays(value)] for name, value in named.items() if value is not None}
    if len({n for counts in sizes.values() for n in counts}) > 1:
        listing = " ".join(f"'{name}' sizes: {', '.join(map(str, counts))}" for name, counts in sizes.items())
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
            f"Received: {listing}"
        )


class ArrayBatches:
    """Slices of arrays that lie in memory, shuffled anew for each epoch if ``shuffle`` says so.

    ``shuffle="batch"`` shuffles the order of the batches only.
    """

    def __init__(self, x, y=None, sample_weight=None, batch_size=None, shuffle=False, class_weight=None):
        self.x, self.y = _as_data("x", x), None if y is None else _as_data("y", y)
        self.sample_weight = None if sample_weight is None else _as_data("sample_weight", sample_weight)
        _check_cardinality({"x": self.x, "y": self.y, "sample_weight": self.sample_weight})
        if class_weight is not None:
            self.sample_weight = _class_weights(class_weight, self.y, self.sample_weight)
        self.batch_size = 32 if batch_size is None else batch_size
        if isinstance(self.batch_size, bool) or not isinstance(self.batch_size, (int, np.integer)) or batch_size == 0:
            raise ValueError(f"batch_size must be an integer >= 1. Received: batch_size={batch_size!r}")
        self.shuffle = shuffle
        self.samples = len(all_arrays(self.x)[0])

    @property
    def steps(self):
        """Batches in an epoch."""
        return -(-self.samples // self.batch_size)

    def split(self, fraction):
        """Keep the first samples, and return the last ``fraction`` of them as another source, not shuffled."""
        if not 0 < fraction < 1:
            raise ValueError(f"validation_split must lie between 0 and 1. Received: validation_split={fraction!r}")
        at = int(self.samples * (1 - fraction))
        if at in (0, self.samples):
            raise ValueError(
                f"validation_split={fraction} of {self.samples} samples leaves {at} for training and "
                f"{self.samples - at} for validation. Received: validation_split={fraction!r}"
            )
        last = ArrayBatches.__new__(ArrayBatches)
        last.batch_size, last.shuffle, last.samples = self.batch_size, False, self.samples - at
        for name in ("x", "y", "sample_weight"):
            whole = getattr(self, name)
            setattr(last, name, map_arrays(lambda a: a[at:], whole))
            setattr(self, name, map_arrays(lambda a: a[:at], whole))
        self.samples = at
        return last

    def __iter__(self):
        return self.batches()

    def batches(self, skip=0):
        """Return an iterator over the batches but the first ``skip``; the order is drawn at once."""
        n, size = self.samples, self.batch_size
        if self.shuffle and self.shuffle != "batch":
            return self._shuffled(config.generator().permutation(n), skip)
        starts = np.arange(0, n, size)
        if self.shuffle:
            config.generator().shuffle(starts)
        return self._slices(starts[skip:].tolist())

    def _shuffled(self, order, skip):
        x, y, weight, size = self.x, self.y, self.sample_weight, self.batch_size
        for start in range(skip * size, self.samples, size):
            index = order[start : start + size]
            yield map_arrays(lambda a: a.take(index, 0), (x, y, weight))  # noqa: B023  used at once

    def _slices(self, starts):
        x, y, weight, size = self.x, self.y, self.sample_weight, self.batch_size
        for start in starts:
            yield map_arrays(lambda a: a[start : start + size], (x, y, weight))  # noqa: B023  used at once


class IterableBatches:
    """Batches from a PyDataset or sequence, a loader that can be read again, or a generator that cannot."""

    shuffle = False
    y = None

    def __init__(self, source, shuffle=False, class_weight=None):
        self.source = source
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.is_sequence = isinstance(source, PyDataset) or (
            hasattr(source, "__getitem__") and hasattr(source, "__len__")
        )
        self.once = iter(source) is source if not self.is_sequence else False
        self._skipped = None

    @property
    def steps(self):
        """Batches in an epoch, or None if nobody knows."""
        if isinstance(self.source, PyDataset):
            return self.source.num_batches
        try:
            return len(self.source)
        except TypeError:
            return None

    @property
    def endless(self):
        """Whether there is always another batch."""
        return self.is_sequence and self.steps is None

    def skipped(self):
        """Return the last batch that was skipped, of a source that gives each batch once."""
        return None if self._skipped is None else self._triple(self._skipped)

    def __iter__(self):
        return self.batches()

    def batches(self, skip=0):
        """Return an iterator over the batches but the first ``skip``; the order is drawn at once.

        A sequence does not make the batches that are skipped, anything else does.
        """
        if not self.is_sequence:
            batches = iter(self.source)
            for _ in range(skip):
                self._skipped = next(batches, None)
        elif self.endless:
            batches = read_ahead(self.source, itertools.count(skip))
        else:
            order = np.arange(self.steps)
            if self.shuffle:
                config.generator().shuffle(order)
            batches = read_ahead(self.source, order[skip:].tolist())
        return self._triples(batches)

    def _triples(self, batches):
        try:
            for batch in batches:
                yield self._triple(batch)
        finally:
            if self.is_sequence and hasattr(batches, "close"):  # a generator of the user's stays open
                batches.close()

    def _triple(self, batch):
        if not isinstance(batch, (tuple, list)):
            batch = (batch,)
        if not 1 <= len(batch) <= 3:
            raise ValueError(
                f"A data set must give (x, y) or (x, y, sample_weight). Received: a batch of {len(batch)} parts"
            )
        x, y, weight = (
            None if part is None else _as_data(name, part)
            for name, part in zip(("x", "y", "sample_weight"), (*batch, None, None), strict=False)
        )
        _check_cardinality({"x": x, "y": y, "sample_weight": weight})
        if self.class_weight is not None:
            weight = _class_weights(self.class_weight, y, weight)
        return x, y, weight


class Feed:
    """Epochs of a source, of ``steps`` batches each if that is given: then the next epoch goes on where one ended."""

    def __init__(self, source, steps=None):
        self.source = source
        self.steps = source.steps if steps is None else steps
        self._endless = getattr(source, "endless", False)
        if self.steps is None and self._endless:
            raise ValueError(
                "A data set without length never ends: say how many batches an epoch has, by steps_per_epoch in fit, "
                "validation_steps for its validation_data, or steps. Received: steps=None"
            )
        self._limit = steps
        self._pass = None  # the iterator over the source that is under way
        self._begun = False  # whether the data set was told that an epoch of its own begins
        self._taken = 0  # batches that it gave
        self._random = None  # where the generator that shuffles stood before
        self._data = None  # state of the user's data set that an epoch goes on with

    def epoch(self, done=0):
        """Yield the batches of an epoch, without the first ``done``: those were used before ``resume``."""
        if self._limit is None:
            if self._pass is None:
                self._start()
            self._begin()
            yield from self._pass
            self._end()
            return
        if self._endless:
            self._begin()
        for _ in range(done, self._limit):
            batch = self._next()
            if batch is None:
                return
            yield batch
        if self._endless:
            self._tell("on_epoch_end")

    def _begin(self):
        """Tell the data set that an epoch of its own begins."""
        self._begun = True
        self._tell("on_epoch_begin")
        if self._data is not None:  # as it was in the middle of the epoch, not as it begins one
            self.source.source.set_state(self._data)
            self._data = None

    def _end(self):
        self._pass = None
        self._begun = False
        self._tell("on_epoch_end")

    def _tell(self, hook):
        """Call a hook of the user's data set, if it has it."""
        method = getattr(getattr(self.source, "source", None), hook, None)
        if method is not None:
            method()

    def _start(self, skip=0):
        self._random = config.generator().bit_generator.state
        self._taken = skip
        self._pass = self.source.batches(skip)

    def _next(self):
        """Return the next batch, of the next pass if this one is over; None where there is no other."""
        for _ in range(2):
            if self._pass is None:
                self._start()
            if not self._begun:
                self._begin()
            batch = next(self._pass, None)
            if batch is not None:
                self._taken += 1
                return batch
            if getattr(self.source, "once", False):
                return None
            self._end()
        return None

    def close(self):
        """Stop the threads of the data set, if it has some."""
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    # Going on where an earlier process was interrupted

    def position(self, done):
        """Return what ``resume`` needs: where the feed stands after ``done`` batches of an epoch."""
        state = {"data": self._data_state(), "done": done}
        if self._pass is not None:
            state |= {"taken": done if self._limit is None else self._taken, "random": self._random}
        return state

    def _data_state(self):
        get_state = getattr(getattr(self.source, "source", None), "get_state", None)
        return None if get_state is None else get_state()

    def resume(self, position):
        """Stand where ``position`` says. Leaves the generator that shuffles behind as it was when the pass began."""
        self.close()
        if position["data"] is not None:
            self.source.source.set_state(position["data"])
            if "taken" in position and (position["done"] or not self._endless):
                self._data = position["data"]  # on_epoch_begin was called before it
        if "taken" in position:
            config.generator().bit_generator.state = position["random"]
            self._start(position["taken"])

    def example(self):
        """Return a batch that is not counted, or None if there is none."""
        if getattr(self.source, "once", False):
            return self.source.skipped()
        batches = self.source.batches()
        try:
            return next(batches, None)
        finally:
            batches.close()


class Progress:
    """How far a call of ``fit`` is: what ``BackupAndRestore`` saves, and sets when it goes on.

    Parameters
    ----------
    feed : Feed
    validation_feed : Feed or None
    first_epoch : int
        The epoch to begin with.
    """

    def __init__(self, feed, validation_feed, first_epoch):
        self.feeds = (feed,) if validation_feed is None else (feed, validation_feed)
        self.first_epoch = first_epoch
        self.first_step = 0

    def take_first_step(self):
        """Return how many batches of the next epoch were used before; it is 0 for the epochs after it."""
        step, self.first_step = self.first_step, 0
        return step

    def close(self):
        """Stop what the feeds may have running."""
        for feed in self.feeds:
            feed.close()


def make_source(x, y=None, sample_weight=None, batch_size=None, shuffle=False, class_weight=None):
    """Return the source of batches for what the user gave as ``x``, ``y`` and so on."""
    is_arrays = isinstance(x, (dict, list, tuple)) or hasattr(x, "__array__")
    if not isinstance(x, PyDataset) and (is_arrays or np.isscalar(x)):
        return ArrayBatches(x, y, sample_weight, batch_size, shuffle, class_weight)
    if not hasattr(x, "__iter__") and not hasattr(x, "__getitem__"):
        raise TypeError(f"x must be arrays or something that gives batches. Received: x={x!r}")
    given = {"y": y, "sample_weight": sample_weight}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name} must not be given where x gives the batches, which hold it. "
                f"Received: {name} of type {type(value).__name__}"
            )
    return IterableBatches(x, shuffle, class_weight)


def _class_weights(class_weight, y, sample_weight):
    """Weights of samples from weights of classes; both given multiply."""
    if y is None or isinstance(y, (list, dict)):
        raise ValueError("class_weight needs y to be one array of class indices or one-hot rows")
    labels = y.argmax(axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    known = np.fromiter(class_weight, np.int64)
    table = np.ones(max(int(labels.max(initial=0)), int(known.max(initial=0))) + 1, config.floatx())
    table[known] = list(class_weight.values())
    weights = table[labels.astype(np.int64)]
    return weights if sample_weight is None else weights * sample_weight
