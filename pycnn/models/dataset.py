"""PyDataset: a data set that makes its batches when they are needed, in threads that work ahead."""

import itertools

from pycnn import config
from pycnn.models.prefetch import prefetched


class PyDataset:
    """Base of data sets that make their batches themselves, each when it is needed.

    Subclasses define ``__len__`` (batches in an epoch) and ``__getitem__(index)`` (batch ``index``: ``(x, y)`` or
    ``(x, y, sample_weight)``), and if they like ``on_epoch_begin`` and ``on_epoch_end``. Where the number of batches
    is not known, define the property ``num_batches`` as None instead of ``__len__``: ``fit`` then needs
    ``steps_per_epoch``.

    Parameters
    ----------
    workers : int
        Threads that make batches. With one, batches are made where they are used, as in Keras.
    use_multiprocessing : bool
        Accepted as in Keras, but the work is always done by threads: decoding and resizing of images, reading of
        files and most of NumPy run outside the interpreter's lock. ``workers=1`` then means one thread that works
        ahead.
    max_queue_size : int
        Batches that threads may be ahead.

    Notes
    -----
    Batches come in their order whatever the number of threads, and with the same bits: random numbers that pycnn draws
    in ``self[index]``, as layers of augmentation do, depend on ``set_random_seed``, the epoch and ``index`` alone;
    NumPy's need a generator that is made there. Kernels that a worker calls run on one thread. ``BackupAndRestore``
    repeats a run bit for bit if ``self[index]`` depends on nothing else but what ``get_state()``, where there is one,
    returns and ``set_state(state)`` sets: a dict of numbers, strings and arrays.

    Examples
    --------
    >>> import numpy as np, pycnn
    >>> class Noise(pycnn.utils.PyDataset):
    ...     def __len__(self):
    ...         return 10
    ...
    ...     def __getitem__(self, index):
    ...         random = np.random.default_rng(index)
    ...         return random.random((32, 8)), np.zeros((32, 1))
    >>> sum(len(x) for x, y in Noise(workers=2))
    320
    """

    workers = 1  # of subclasses that do not call __init__
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 0:
            raise ValueError(f"workers must be an integer >= 0. Received: workers={workers!r}")
        if isinstance(max_queue_size, bool) or not isinstance(max_queue_size, int) or max_queue_size < 1:
            raise ValueError(f"max_queue_size must be an integer >= 1. Received: max_queue_size={max_queue_size!r}")
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    @property
    def num_batches(self):
        """Batches in an epoch, or None if they never end."""
        if not hasattr(self, "__len__"):
            raise NotImplementedError(f"{type(self).__name__} must define __len__(self), or the property num_batches")
        return len(self)

    def __iter__(self):
        count = self.num_batches
        return read_ahead(self, itertools.count() if count is None else range(count))

    def on_epoch_begin(self):
        """Called before each epoch."""

    def on_epoch_end(self):
        """Called after each epoch."""


def read_ahead(dataset, indices):
    """Return an iterator over ``dataset[i]`` for each of ``indices``, made by its worker threads if it wants any.

    In ``dataset[i]`` random numbers of pycnn depend on the seed and ``i`` alone, and not on the thread that makes it.
    """
    seed = config.draw_seed()

    def make(index):
        with config.seeded_scope(seed, (index,)):
            return dataset[index]

    workers = getattr(dataset, "workers", 0) if isinstance(dataset, PyDataset) else 0
    if workers > 1 or (workers and dataset.use_multiprocessing):
        return prefetched(make, indices, workers, dataset.max_queue_size)
    return map(make, indices)
