"""Plans on the GPU: what a function launches, captured as a CUDA graph, and launched at once ever after.

While a function is captured nothing is computed, so it cannot look at values: it runs once, then its graph does. Its
arrays lie in a memory pool of the plan's own, in which the function's own use of them decides when one's room becomes
another's. What comes from the host is brought at once, beside the graph, and stays as it is, but for random numbers
(``random_uniform``, ``random_normal``), which are drawn anew before each run. ``recording.check`` is made for the first
batch alone: after it labels that are no classes make the loss NaN, for to look at them would be to wait for the GPU at
each step.

What CuPy lets no graph hold, large products by cuBLAS, is called between two graphs (``cublas.py``).
"""

import cupy as cp

from pycnn.backend import registry
from pycnn.backend.cuda.memory import PlanMemory
from pycnn.backend.plan import Into, call_all
from pycnn.backend.recorded import NotRecordableError, activated
from pycnn.backend.recording import DRAWN, undone_on_error


def record(function, inputs, tensors=(), fixed=False, changing=()):
    recorder = _Recorder(fixed)
    with undone_on_error(recorder, changing):
        with activated(recorder):
            result = recorder.capture(function, inputs)
        if recorder.draws:
            raise NotRecordableError(DRAWN)
        plan = recorder.plan
        plan.kept += [list(inputs), [tensor.data for tensor in tensors]]
        plan.refresh()
        call_all(plan.calls[recorder.drawn :])  # with the random numbers of the capture
        for check, args in recorder.checks:
            check(*args)
    return result, plan


class Plan:
    """A captured graph: what feeds it, itself, and what it must not lose; and graphs of what weights alone decide."""

    def __init__(self):
        self.calls = []
        self.fixed_calls = []
        self.kept = []  # arrays that the graph reads
        self.memory = PlanMemory()

    @property
    def nbytes(self):
        """Bytes of the arrays between the calls."""
        return self.memory.nbytes

    def refresh(self):
        """Compute anew what was said to depend on weights alone (``recording.of_weights_alone``)."""
        call_all(self.fixed_calls)

    def run(self):
        """Repeat the calls, on the current stream: all arrays that ``record`` returned hold the results."""
        call_all(self.calls)

    def direct(self, source, result):
        """None: a graph knows no arrays but its own."""
        return None


class _Recorder:
    """Captures a function."""

    def __init__(self, fixed):
        self.plan = Plan()
        self._fixed = fixed
        self.draws = 0  # random numbers drawn by other ways than the backend
        self.generators = []  # those drawn from, with their states before
        self.checks = []
        self.drawn = 0  # calls of the plan that draw, which come first
        self._captured = []  # what the captured function does so far: launches of graphs, and calls between them
        self._beside = cp.cuda.Stream(non_blocking=True)  # on which work is done while another is captured

    def capture(self, function, inputs):
        backend = _CapturingBackend(self, registry.get_backend())
        with cp.cuda.using_allocator(self.plan.memory.allocate), registry.use(backend):
            result, calls = self._capture(function, *inputs)
        self._beside.synchronize()
        self.drawn = len(self.plan.calls)
        self.plan.calls += calls
        return result

    def of_weights_alone(self, function):
        if not self._fixed:
            return function()
        result, calls = self._capture(function)  # on a stream of its own, while the other waits
        self.plan.fixed_calls += calls
        self.plan.kept.append(result)
        return result

    def check(self, function, args):
        self.checks.append((function, args))

    def at_once(self, function, *args):
        """The array that a function brings from the host, now."""
        with self._beside:
            array = function(*args)
        self.plan.kept.append(array)
        return array

    def between_graphs(self, function):
        """Call a function in each run, at this place of what is captured, but not now."""
        stream = cp.cuda.get_current_stream()
        self._captured += [stream.end_capture().launch, function]
        stream.begin_capture()

    def _capture(self, function, *args):
        """What a function returns, and the calls that do what it does."""
        stream = cp.cuda.Stream(non_blocking=True)
        outer, self._captured = self._captured, []
        with stream:
            stream.begin_capture()
            try:
                result = function(*args)
            except RuntimeError as error:
                _abandon(stream)
                if isinstance(error, NotRecordableError):
                    raise
                raise NotRecordableError(f"a CUDA graph cannot hold what it does: {error}") from error
            except BaseException:
                _abandon(stream)
                raise
            calls, self._captured = [*self._captured, stream.end_capture().launch], outer
        return result, calls


def _abandon(stream):
    """End a capture whose graph is of no use."""
    try:
        stream.end_capture()
    except RuntimeError:  # it had been ended by what went wrong
        return


class _CapturingBackend:
    """The backend in use, where what comes from the host or goes there is not captured."""

    def __init__(self, recorder, backend):
        self.recorded_by = recorder
        self._backend = backend
        self.xp = _CapturingNamespace(recorder)

    def __getattr__(self, name):
        return getattr(self._backend, name)

    def asarray(self, x, dtype=None):
        if self._backend.is_array(x):
            return self._backend.asarray(x, dtype)
        return self.recorded_by.at_once(self._backend.asarray, x, dtype)

    def to_numpy(self, x, copy=False):
        raise NotRecordableError("an array is brought to the host")

    def random_uniform(self, generator, shape, dtype):
        return self._draw(self._backend.random_uniform, generator, shape, dtype)

    def random_normal(self, generator, shape, dtype):
        return self._draw(self._backend.random_normal, generator, shape, dtype)

    def _draw(self, function, *args):
        recorder = self.recorded_by
        recorder.draws -= 1
        values = recorder.at_once(function, *args)
        recorder.plan.calls.append(Into(function, args, {}, values))
        return values


class _CapturingNamespace:
    """CuPy, where arrays made of what lies on the host are not captured."""

    def __init__(self, recorder):
        self._recorder = recorder

    def __getattr__(self, name):
        return getattr(cp, name)

    def array(self, x, *args, **kwargs):
        return self._made(cp.array, x, *args, **kwargs)

    def asarray(self, x, *args, **kwargs):
        return self._made(cp.asarray, x, *args, **kwargs)

    def _made(self, function, x, *args, **kwargs):
        if isinstance(x, cp.ndarray):
            return function(x, *args, **kwargs)
        return self._recorder.at_once(lambda: function(x, *args, **kwargs))
