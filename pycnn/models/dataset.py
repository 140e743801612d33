"""PyDataset: a data set that makes its batches when they are needed, in threads that work ahead."""

import itertools
import threading


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
    Batches come in their order whatever the number of threads. ``BackupAndRestore`` repeats a run bit for bit if
    ``self[index]`` depends on nothing but ``index`` and what ``get_state()``, where there is one, returns and
    ``set_state(state)`` sets: a dict of numbers, strings and arrays.

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
    """Yield ``dataset[i]`` for each of ``indices``, made by its worker threads if it wants any."""
    workers = getattr(dataset, "workers", 0) if isinstance(dataset, PyDataset) else 0
    if workers > 1 or (workers and dataset.use_multiprocessing):
        return _from_threads(dataset, indices, workers)
    return map(dataset.__getitem__, indices)


def _from_threads(dataset, indices, workers):
    threads = Prefetch(dataset.__getitem__, indices, workers, dataset.max_queue_size)
    try:
        yield from threads
    finally:
        threads.close()


class Prefetch:
    """Iterator over ``function(i)`` for each of ``indices``: threads compute them ahead of time, order is kept.

    What ``function`` raises comes out where its result would have, with the traceback of the thread. After the end,
    an error or ``close()`` no thread is left.

    Parameters
    ----------
    function : callable(index)
    indices : iterable
        May be endless.
    workers : int
        Threads.
    ahead : int
        Results that may wait to be fetched.
    """

    def __init__(self, function, indices, workers, ahead):
        self._function = function
        self._indices = enumerate(indices)
        self._ahead = ahead
        self._changed = threading.Condition()
        self._results = {}  # place in the order -> (result, error)
        self._claimed = self._fetched = 0
        self._closed = self._exhausted = False
        self._threads = [
            threading.Thread(target=self._work, name=f"pycnn-prefetch-{i}", daemon=True) for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self):
        while (claim := self._claim()) is not None:
            place, index = claim
            result = error = None
            try:
                result = self._function(index)
            except BaseException as raised:  # it belongs to who reads the results
                error = raised
            with self._changed:
                self._results[place] = result, error
                self._changed.notify_all()
            del result, error, claim

    def _claim(self):
        """Return the next (place, index) as soon as it may be worked at, or None at the end."""
        with self._changed:
            while not self._closed and self._claimed - self._fetched >= self._ahead:
                self._changed.wait()
            if self._closed or self._exhausted:
                return None
            claim = next(self._indices, None)
            if claim is None:
                self._exhausted = True
                self._changed.notify_all()
            else:
                self._claimed += 1
            return claim

    def __iter__(self):
        return self

    def __next__(self):
        with self._changed:
            while self._fetched not in self._results:
                if self._closed or (self._exhausted and self._fetched == self._claimed):
                    raise StopIteration
                self._changed.wait()
            result, error = self._results.pop(self._fetched)
            self._fetched += 1
            self._changed.notify_all()
        if error is not None:
            self.close()
            try:
                raise error
            finally:
                del error  # a cycle through this frame would keep the batch alive
        return result

    def close(self):
        """Let the threads finish what they are at, and wait for them."""
        with self._changed:
            self._closed = True
            self._results.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
