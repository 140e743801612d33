"""What ``fit``, ``evaluate`` and ``predict`` read, as batches (x, y, sample_weight): from arrays, or a data set."""

import numpy as np

from pycnn import config
from pycnn.autograd import Tensor
from pycnn.backend import get_backend


class PyDataset:
    """Base of data sets that make their batches themselves, each when it is needed.

    Subclasses define ``__len__`` (batches in an epoch) and ``__getitem__(index)`` (batch ``index``: ``(x, y)`` or
    ``(x, y, sample_weight)``), and if they like ``on_epoch_end``.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> class Noise(pycnn.utils.PyDataset):
    ...     def __len__(self):
    ...         return 10
    ...
    ...     def __getitem__(self, index):
    ...         return np.random.rand(32, 8), np.zeros((32, 1))
    """

    def __len__(self):
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def on_epoch_end(self):
        """Called after each epoch."""


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
        n, size = self.samples, self.batch_size
        x, y, weight = self.x, self.y, self.sample_weight
        if self.shuffle and self.shuffle != "batch":
            order = config.generator().permutation(n)
            for start in range(0, n, size):
                index = order[start : start + size]
                yield map_arrays(lambda a: a.take(index, 0), (x, y, weight))  # noqa: B023  used at once
            return
        starts = np.arange(0, n, size)
        if self.shuffle:
            config.generator().shuffle(starts)
        for start in starts.tolist():
            yield map_arrays(lambda a: a[start : start + size], (x, y, weight))  # noqa: B023  used at once


class IterableBatches:
    """Batches from a PyDataset or sequence, a loader that can be read again, or a generator that cannot."""

    shuffle = False
    y = None

    def __init__(self, source, shuffle=False):
        self.source = source
        self.shuffle = shuffle
        self.is_sequence = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self.once = iter(source) is source if not self.is_sequence else False

    @property
    def steps(self):
        """Batches in an epoch, or None if nobody knows."""
        try:
            return len(self.source)
        except TypeError:
            return None

    def __iter__(self):
        if self.is_sequence:
            order = np.arange(len(self.source))
            if self.shuffle:
                config.generator().shuffle(order)
            batches = (self.source[i] for i in order.tolist())
        else:
            batches = self.source
        for batch in batches:
            yield self._triple(batch)
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

    def _triple(self, batch):
        if not isinstance(batch, (tuple, list)):
            batch = (batch,)
        if not 1 <= len(batch) <= 3:
            raise ValueError(
                f"A data set must give (x, y) or (x, y, sample_weight). Received: a batch of {len(batch)} parts"
            )
        triple = tuple(
            None if part is None else _as_data(name, part)
            for name, part in zip(("x", "y", "sample_weight"), (*batch, None, None), strict=False)
        )
        _check_cardinality(dict(zip(("x", "y", "sample_weight"), triple, strict=True)))
        return triple


class Feed:
    """Epochs of a source, of ``steps`` batches each if that is given: then the next epoch goes on where one ended."""

    def __init__(self, source, steps=None):
        self.source = source
        self.steps = source.steps if steps is None else steps
        self._limit = steps
        self._rest = None

    def epoch(self):
        """Return an iterator over the batches of an epoch."""
        return iter(self.source) if self._limit is None else self._limited()

    def _limited(self):
        for _ in range(self._limit):
            batch = self._next()
            if batch is None:
                return
            yield batch

    def _next(self):
        if self._rest is None:
            self._rest = iter(self.source)
        batch = next(self._rest, None)
        if batch is None and not getattr(self.source, "once", False):
            self._rest = iter(self.source)
            batch = next(self._rest, None)
        return batch


def make_source(x, y=None, sample_weight=None, batch_size=None, shuffle=False, class_weight=None):
    """Return the source of batches for what the user gave as ``x``, ``y`` and so on."""
    is_arrays = isinstance(x, (dict, list, tuple)) or hasattr(x, "__array__")
    if not isinstance(x, PyDataset) and (is_arrays or np.isscalar(x)):
        return ArrayBatches(x, y, sample_weight, batch_size, shuffle, class_weight)
    if not hasattr(x, "__iter__") and not hasattr(x, "__getitem__"):
        raise TypeError(f"x must be arrays or something that gives batches. Received: x={x!r}")
    given = {"y": y, "sample_weight": sample_weight, "class_weight": class_weight}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name} must not be given where x gives the batches, which hold it. "
                f"Received: {name} of type {type(value).__name__}"
            )
    return IterableBatches(x, shuffle)


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
