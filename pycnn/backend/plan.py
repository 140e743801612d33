"""A plan: calls without arguments, and the memory that they work in."""

from pycnn.backend.arena import Arena
from pycnn.backend.redirected import redirected


class Plan:
    """What was recorded: calls that depend on nothing but fixed arrays, and those to repeat each time.

    Parameters
    ----------
    replay : callable
        Calls each function of a list.
    empty : callable
        Makes an array of a shape and a dtype.
    """

    def __init__(self, replay, empty):
        self._replay, self._empty = replay, empty
        self.fixed = []  # arrays that the fixed calls fill
        self.fixed_calls = []
        self.calls = []
        self.arena = Arena()
        self.begun = {}  # address in the arena -> which call is the first after the last array there was made
        self.fixed_arena = Arena(chunk=1 << 21)

    @property
    def nbytes(self):
        """Bytes of the arrays between the calls."""
        return self.arena.nbytes + self.fixed_arena.nbytes

    def refresh(self):
        """Compute anew what depends on fixed arrays alone: after the weights have changed."""
        self._replay(self.fixed_calls)

    def run(self):
        """Repeat the calls: all arrays that ``record`` returned hold the results for what the inputs hold now."""
        self._replay(self.calls)

    def direct(self, source, result):
        """Return a function of an array like ``source``, one of the inputs, that does as ``run`` without copies.

        It reads what it is given and returns ``result`` in memory of its own. None where a call does not allow it.
        """
        begun = self.begun.get(result.__array_interface__["data"][0])
        in_a_row = source.flags.c_contiguous and result.flags.c_contiguous
        calls = None if begun is None or not in_a_row else redirected(self.calls, [(source, 0), (result, begun)])
        if calls is None:
            return None
        shape, dtype = result.shape, result.dtype

        def run(x):
            y = self._empty(shape, dtype)
            calls.run(self._replay, (x, y))
            return y

        return run


def call_all(calls):
    """Call each of the functions."""
    for call in calls:
        call()


class Into:
    """Call a function and copy what it gives."""

    __slots__ = ("args", "function", "kwargs", "target")

    def __init__(self, function, args, kwargs, target):
        self.function, self.args, self.kwargs, self.target = function, args, kwargs, target

    def __call__(self):
        self.target[...] = self.function(*self.args, **self.kwargs)


class IntoAll(Into):
    """The same with several results."""

    __slots__ = ()

    def __call__(self):
        for target, result in zip(self.target, self.function(*self.args, **self.kwargs), strict=True):
            target[...] = result


class IntoRest:
    """Call a kernel and copy those of its results that it has no argument for."""

    __slots__ = ("call", "first", "targets")

    def __init__(self, call, first, targets):
        self.call, self.first, self.targets = call, first, targets

    def __call__(self):
        for target, result in zip(self.targets, self.call()[self.first :], strict=True):
            target[...] = result
