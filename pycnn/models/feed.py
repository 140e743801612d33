"""Epochs of batches for ``fit``, ``evaluate`` and ``predict``, and how far a ``fit`` is."""

from pycnn import config


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
