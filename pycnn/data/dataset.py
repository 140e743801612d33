"""Dataset: elements one after another, and what can be done with them."""

import math

from pycnn import config
from pycnn.backend.geometry import is_integer
from pycnn.data import order, stages
from pycnn.data.sources import Generated, Run, Slices, close, to_arrays
from pycnn.models.batches import all_arrays, map_arrays

AUTOTUNE = -1
"""As many threads, or as long a queue, as there is use for."""
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


class Dataset:
    """Elements, read anew in each epoch: arrays, or tuples or dicts of them. ``fit`` takes one that gives batches.

    Every method returns another data set, and leaves this one as it is. Names and arguments are those of
    ``tf.data.Dataset``; elements and what functions get are NumPy arrays.

    Notes
    -----
    A data set has a length where it is known. The order of elements never depends on threads. Neither do random numbers
    that pycnn draws in functions given to ``map``, as layers of augmentation do: they depend on ``set_random_seed``,
    the epoch and the place of the element alone. NumPy's depend on where their generator comes from: draw a seed by
    ``pycnn.config.generator()`` for one. Kernels that a thread of the pipeline calls run on that thread alone, and
    NumPy and the kernels release the interpreter's lock while they compute.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> from pycnn.data import Dataset
    >>> x, y = np.random.default_rng(0).random((100, 8, 8, 1)), np.arange(100) % 3
    >>> turn = pycnn.layers.RandomRotation(0.1)
    >>> train = (
    ...     Dataset.from_tensor_slices((x, y))
    ...     .shuffle(100)
    ...     .batch(32)
    ...     .map(lambda x, y: (turn(x), y), num_parallel_calls=1)
    ...     .prefetch(2)
    ... )
    >>> len(train), [len(x) for x, y in train]
    (4, [32, 32, 32, 4])
    >>> model = pycnn.Sequential([pycnn.layers.Flatten(), pycnn.layers.Dense(3, "softmax")])
    >>> model.compile("adam", "sparse_categorical_crossentropy")
    >>> history = model.fit(train, epochs=2, verbose=0)
    """

    def __init__(self, stage):
        self._stage = stage
        self._epoch = 0

    # Where elements come from

    @staticmethod
    def from_tensor_slices(tensors):
        """Make a data set of the samples of arrays: one array, or a tuple or dict of them, all of one length.

        Floats become ``config.floatx()``, once. Batches of such a data set, shuffled or not, are copied in one go.
        """
        arrays = map_arrays(_with_float_dtype, to_arrays(tensors))
        if not all(array.ndim for array in all_arrays(arrays)):
            raise ValueError("tensors must have an axis of samples each. Received: one of shape ()")
        lengths = [len(array) for array in all_arrays(arrays)]
        if len(set(lengths)) > 1:
            raise ValueError(f"tensors must have as many samples each. Received: tensors of lengths {lengths}")
        return Dataset(Slices(arrays))

    @staticmethod
    def from_generator(generator):
        """Make a data set of what a function, called without arguments in each epoch, yields; or of any iterable."""
        if not callable(generator) and not hasattr(generator, "__iter__"):
            raise TypeError(f"generator must be a function or an iterable. Received: generator={generator!r}")
        return Dataset(Generated(generator))

    @staticmethod
    def zip(*datasets):
        """Make a data set of tuples, of one element from each; it ends with the first of them that ends."""
        given = datasets[0] if len(datasets) == 1 and isinstance(datasets[0], (tuple, list)) else datasets
        return Dataset(order.Zipped([dataset._stage for dataset in given]))

    # What is done with them

    def map(self, map_func, num_parallel_calls=None, deterministic=None, name=None):
        """Apply a function to each element; a tuple's parts are its arguments.

        Parameters
        ----------
        map_func : callable
            Returns an array, a Tensor, or a tuple or dict of them. Layers of augmentation do change what they get,
            unless they are called with ``training=False``. No gradients are recorded.
        num_parallel_calls : int, optional
            Threads that work ahead. Without it elements are made where they are asked for. ``AUTOTUNE`` leaves one
            processor to the step, where there are several.
        deterministic : bool, optional
            Accepted: the order is always kept.
        """
        if not callable(map_func):
            raise TypeError(f"map_func must be callable. Received: map_func={map_func!r}")
        workers = 0 if num_parallel_calls is None else _count("num_parallel_calls", num_parallel_calls, auto=True)
        return self._then(stages.Mapped, map_func, workers)

    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None, name=None):
        """Join each ``batch_size`` elements, along a new first axis; the last batch may be smaller."""
        return self._then(stages.Batched, _count("batch_size", batch_size), bool(drop_remainder))

    def unbatch(self):
        """Take elements apart along their first axis."""
        return self._then(stages.Unbatched)

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True, name=None):
        """Give elements in random order, another one in each epoch.

        Parameters
        ----------
        buffer_size : int
            Each element is drawn from so many that wait. Samples of arrays are all shuffled, whatever it is.
        seed : int, optional
            Of the order; else it follows ``set_random_seed``.
        reshuffle_each_iteration : bool
            False keeps one order, which needs a seed.
        """
        if not reshuffle_each_iteration and seed is None:
            raise ValueError(
                "One order for all epochs needs a seed. Received: reshuffle_each_iteration=False, seed=None"
            )
        return self._then(order.Shuffled, _count("buffer_size", buffer_size), seed, bool(reshuffle_each_iteration))

    def repeat(self, count=None):
        """Read the elements ``count`` times, or without end; ``fit`` then needs ``steps_per_epoch``."""
        return self._then(order.Repeated, None if count in (None, -1) else _count("count", count, least=0))

    def take(self, count):
        """Stop after ``count`` elements; -1 means all."""
        return self if count == -1 else self._then(order.Taken, _count("count", count, least=0))

    def skip(self, count):
        """Leave the first ``count`` elements out."""
        return self._then(order.Skipped, _count("count", count, least=0))

    def filter(self, predicate):
        """Keep the elements for which a function says True."""
        return self._then(order.Filtered, predicate)

    def cache(self):
        """Keep all elements in memory once they were read to the end."""
        return self._then(stages.Cached)

    def prefetch(self, buffer_size, name=None):
        """Let a thread work ahead by ``buffer_size`` elements; behind a ``map`` of several calls, let those."""
        return self._then(stages.Prefetched, _count("buffer_size", buffer_size, auto=True))

    def _then(self, stage, *arguments):
        return Dataset(stage(self._stage, *arguments))

    # Reading

    def __iter__(self):
        return self.batches()

    as_numpy_iterator = __iter__

    def batches(self, skip=0):
        """Return an iterator over the elements but the first ``skip``; seeds are drawn at once."""
        return self._read(Run(config.draw_seed(), self._epoch), skip)

    def _read(self, run, skip):
        elements = self._stage.elements(run, skip)
        try:
            yield from elements
            self._epoch = run.epoch + 1
        finally:
            close(elements)

    def cardinality(self):
        """Return the number of elements, ``INFINITE_CARDINALITY`` or ``UNKNOWN_CARDINALITY``."""
        count = self._stage.count
        return UNKNOWN_CARDINALITY if count is None else INFINITE_CARDINALITY if count == math.inf else count

    def __len__(self):
        count = self._stage.count
        if count is None or count == math.inf:
            raise TypeError(f"The data set has {'no known' if count is None else 'an infinite'} length")
        return count

    def __bool__(self):
        return True

    @property
    def endless(self):
        """Whether there is always another element."""
        return self._stage.count == math.inf

    def get_state(self):
        """Return the number of epochs that were read, which orders with seeds of their own depend on."""
        return {"epoch": self._epoch}

    def set_state(self, state):
        """Go on in this epoch."""
        self._epoch = state["epoch"]


def _with_float_dtype(array):
    return array.astype(config.floatx(), copy=False) if array.dtype.kind == "f" else array


def _count(argument, value, least=1, auto=False):
    if auto and value == AUTOTUNE:
        return AUTOTUNE
    if not is_integer(value) or value < least:
        raise ValueError(f"{argument} must be an integer >= {least}. Received: {argument}={value!r}")
    return int(value)
