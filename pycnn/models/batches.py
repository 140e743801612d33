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
    if type(value) in _ARRAYS:
        return [value]
    if value is None:
        return []
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return [value]
    return [array for item in value for array in all_arrays(item)]


def to_tensors(value):
    """Bring a batch, or a part of one, to the device."""
    if type(value) is np.ndarray:
        return Tensor.wrap(*get_backend().upload([value]))
    arrays, wrap = iter(get_backend().upload(all_arrays(value))), Tensor.wrap
    return map_arrays(lambda _: wrap(next(arrays)), value)


def _as_data(argument, value):
    """Return ``value`` as arrays of the host; a list of arrays stays one, nested lists become one array."""
    if type(value) is np.ndarray:
        array = value
    elif isinstance(value, dict):
        return {key: _as_data(f"{argument}[{key!r}]", item) for key, item in value.items()}
    elif isinstance(value, (tuple, list)) and value and all(hasattr(item, "shape") and np.ndim(item) for item in value):
        return [_as_data(f"{argument}[{i}]", item) for i, item in enumerate(value)]
    else:
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


def as_batch(x, y=None, sample_weight=None, class_weight=None):
    """Return ``(x, y, sample_weight)`` as arrays of the host with as many samples, weighted by their classes, too.

    Raises
    ------
    TypeError, ValueError
        If something is no array of numbers, or the arrays have different lengths.
    """
    x, y = _as_data("x", x), None if y is None else _as_data("y", y)
    sample_weight = None if sample_weight is None else _as_data("sample_weight", sample_weight)
    several = y is not None or sample_weight is not None or type(x) is not np.ndarray
    if several and len({len(array) for array in all_arrays((x, y, sample_weight))}) > 1:
        _refuse_cardinality({"x": x, "y": y, "sample_weight": sample_weight})
    if class_weight is not None:
        sample_weight = _class_weights(class_weight, y, sample_weight)
    return x, y, sample_weight


def _refuse_cardinality(named):
    sizes = {name: ", ".join(str(len(a)) for a in all_arrays(value)) for name, value in named.items()}
    listing = " ".join(f"'{name}' sizes: {counts}" for name, counts in sizes.items() if counts)
    raise ValueError(
        f"Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. Received: {listing}"
    )


class ArrayBatches:
    """Slices of arrays that lie in memory, shuffled anew for each epoch if ``shuffle`` says so.

    ``shuffle="batch"`` shuffles the order of the batches only.
    """

    def __init__(self, x, y=None, sample_weight=None, batch_size=None, shuffle=False, class_weight=None):
        self.x, self.y, self.sample_weight = as_batch(x, y, sample_weight, class_weight)
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
        return self.steps is None and (self.is_sequence or getattr(self.source, "endless", False))

    def skipped(self):
        """Return the last batch that was skipped, of a source that gives each batch once."""
        return None if self._skipped is None else self._triple(self._skipped)

    def __iter__(self):
        return self.batches()

    def batches(self, skip=0):
        """Return an iterator over the batches but the first ``skip``; the order is drawn at once.

        A sequence does not make the batches that are skipped, nor does a Dataset; anything else does.
        """
        if hasattr(self.source, "batches") and not self.is_sequence:
            batches = self.source.batches(skip)
        elif not self.is_sequence:
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
            if not self.once and hasattr(batches, "close"):  # a generator of the user's stays open
                batches.close()

    def _triple(self, batch):
        if not isinstance(batch, (tuple, list)):
            batch = (batch,)
        if not 1 <= len(batch) <= 3:
            raise ValueError(
                f"A data set must give (x, y) or (x, y, sample_weight). Received: a batch of {len(batch)} parts"
            )
        return as_batch(*batch, *[None] * (3 - len(batch)), self.class_weight)


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


def pack_batch(x, y=None, sample_weight=None):
    """Return ``x``, ``(x, y)`` or ``(x, y, sample_weight)``: what ``train_step(self, data)`` of Keras gets."""
    if sample_weight is not None:
        return (x, y, sample_weight)
    return x if y is None else (x, y)


def unpack_batch(data):
    """Return ``(x, y, sample_weight)``, with None for what ``data`` lacks.

    Examples
    --------
    >>> from pycnn.utils import unpack_x_y_sample_weight
    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"data must be x, (x, y) or (x, y, sample_weight). Received: data of {len(data)} parts")
    return (*data, None, None)[:3]
