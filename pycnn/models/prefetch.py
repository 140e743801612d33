"""Prefetch: an iterator whose values are made ahead of time, in threads."""

import contextvars
import threading

from pycnn.threads import one_thread


class Prefetch:
    """Iterator over ``function(item)`` for each of ``source``: threads compute them ahead of time, order is kept.

    What ``function`` or the source raises comes out where its value would have, with the traceback of the thread.
    After the end, an error or ``close()`` no thread is left. Threads see the context variables of who made them, the
    backend among them, and run each kernel on one thread: they work beside a step that uses all.

    Parameters
    ----------
    function : callable(item), or None
        None hands the items on as they are.
    source : iterable
        May be endless. One thread at a time draws from it, while others compute.
    workers : int
        Threads.
    ahead : int
        Values that may be made, or wait, before they are fetched.
    """

    def __init__(self, function, source, workers, ahead):
        self._function = function
        self._source = iter(source)
        self._ahead = ahead
        self._turn = threading.Lock()  # of the thread that draws from the source
        self._changed = threading.Condition()  # guards all that follows
        self._results = {}  # place in the order -> (value, error)
        self._drawn = self._fetched = 0
        self._closed = self._exhausted = False
        self._threads = [
            threading.Thread(
                target=contextvars.copy_context().run, args=(self._work,), name=f"pycnn-prefetch-{i}", daemon=True
            )
            for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self):
        with one_thread():
            while (drawn := self._draw()) is not None:
                place, value, error = drawn
                if error is None and self._function is not None:
                    try:
                        value = self._function(value)
                    except BaseException as raised:  # it belongs to who fetches the values
                        value, error = None, raised
                with self._changed:
                    self._results[place] = value, error
                    self._changed.notify_all()
                del value, error, drawn

    def _draw(self):
        """Return (place, item, error) as soon as there is room for what is made of it, or None at the end."""
        with self._turn:
            with self._changed:
                while not self._closed and self._drawn - self._fetched >= self._ahead:
                    self._changed.wait()
                if self._closed or self._exhausted:
                    return None
            item = error = None
            ended = False
            try:
                item = next(self._source)
            except StopIteration:
                ended = True
            except BaseException as raised:
                error = raised
            with self._changed:
                self._exhausted = ended or error is not None
                self._changed.notify_all()
                if ended:
                    return None
                self._drawn += 1
                return self._drawn - 1, item, error

    def __iter__(self):
        return self

    def __next__(self):
        with self._changed:
            while self._fetched not in self._results:
                if self._closed or (self._exhausted and self._fetched == self._drawn):
                    raise StopIteration
                self._changed.wait()
            value, error = self._results.pop(self._fetched)
            self._fetched += 1
            self._changed.notify_all()
        if error is not None:
            self.close()
            try:
                if isinstance(error, StopIteration):  # it would pass for the end of the data
                    raise RuntimeError("A function that makes data raised StopIteration") from error
                raise error
            finally:
                del error  # a cycle through this frame would keep the batch alive
        return value

    def close(self):
        """Let the threads finish what they are at, wait for them, and close the source."""
        with self._changed:
            self._closed = True
            self._results.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        if hasattr(self._source, "close"):
            self._source.close()


def prefetched(function, source, workers, ahead):
    """Yield what ``Prefetch`` gives, and end its threads when the generator ends, is closed or forgotten."""
    values = Prefetch(function, source, workers, ahead)
    try:
        yield from values
    finally:
        values.close()
