"""Recording what a function computes on arrays, so that it can be repeated without the function.

While ``record`` runs a function, the current backend is one that notes every kernel and its arrays. All that NumPy
computes on these arrays is noted, too, for they are of a class of their own. A value that Python would look at (a
condition, a number to print) cannot be repeated, and raises ``NotRecordableError``. The arrays lie in an arena, in
which the function's own use of them decides when one's room becomes another's: repeated in the same order, the calls
find everything in its place.

A device with graphs of its own (CUDA) can stand behind the same names: ``record``, and what ``Plan`` has.
"""

import functools
import inspect
from contextlib import contextmanager

import numpy as np

from pycnn.backend import registry
from pycnn.backend.late import check_nan
from pycnn.backend.plan import Into, IntoAll, IntoRest, Plan, call_all
from pycnn.backend.protocol import FAMILIES, Arrays, Plans
from pycnn.backend.recorded import NotRecordableError, Recorded, activated, active_recorder, arrays_in, map_parts, plain


def record(function, inputs, tensors=(), fixed=False, changing=(), replay=call_all, calls_of=None, empty=np.empty):
    """Run ``function(*inputs)`` and return ``(result, plan)``.

    Parameters
    ----------
    function : callable
        Takes arrays, returns arrays, or a structure of lists, tuples and dicts of them.
    inputs : list of arrays
        The caller writes into these before ``plan.run()``.
    tensors : list of Tensors
        Weights that the function uses, or changes in place.
    fixed : bool
        Whether the weights seldom change: what is computed from them alone is repeated by ``plan.refresh()`` only.
    changing : list of Tensors
        Those of ``tensors`` that the function changes: after an error they, and generators, are as they were before.
    replay : callable
        Calls each function of a list.
    calls_of : callable, optional
        ``calls_of(kernel, arguments)`` gives the calls that stand for ``kernel(**arguments)``, whose results are among
        its arguments; None where only the kernel itself will do.
    empty : callable
        ``empty(shape, dtype)`` makes an array for a result that leaves the plan.

    Returns
    -------
    result
        As the function returned it. The arrays in it are filled anew by each ``plan.run()``.
    plan : Plan

    Raises
    ------
    NotRecordableError
        If the function looks at values of arrays, or draws random numbers in a way that cannot be repeated.
    """
    recorder = _Recorder(registry.get_backend(), inputs, fixed, Plan(replay, empty), calls_of)
    try:
        with undone_on_error(recorder, changing), recorder.active(tensors):
            result = function(*[x.view(Recorded) for x in inputs])
            if recorder.draws:
                raise NotRecordableError(DRAWN)
            return plain(result), recorder.plan
    finally:
        vars(recorder.backend).clear()  # recorder and backend know each other: a cycle would keep the arrays


@contextmanager
def undone_on_error(recorder, changing):
    """After an error in the ``with`` block tensors that change, and generators drawn from, are as they were before."""
    before = [tensor.data.copy() for tensor in changing]
    try:
        yield
    except BaseException as error:
        for tensor, data in zip(changing, before, strict=True):
            tensor.data[...] = data
        for generator, state in recorder.generators:
            generator.bit_generator.state = state
        if recorder.draws and not isinstance(error, NotRecordableError):  # what became of the numbers failed
            raise NotRecordableError(DRAWN) from error
        raise


_UNINITIALISED = (np.empty, np.empty_like)
_CONSTANT = {np.zeros_like: 0, np.ones_like: 1}
DRAWN = "random numbers are drawn on the host"


class _Recorder:
    """Runs calls, and notes them in its plan."""

    def __init__(self, backend, inputs, fixed, plan, calls_of):
        self.plan, self.calls_of = plan, calls_of
        self.backend = _RecordingBackend(self, backend)
        self.inputs, self.weights_are_fixed = inputs, fixed
        self.draws = 0  # random numbers drawn by other ways than the backend
        self.generators = []  # those drawn from, with their states before

    @contextmanager
    def active(self, tensors):
        """Record in a ``with`` block, in which the data of the tensors are recorded arrays."""
        with activated(self):
            before = [tensor.data for tensor in tensors]
            try:
                for tensor in tensors:
                    tensor.data = tensor.data.view(Recorded)
                with registry.use(self.backend):
                    yield
            finally:
                for tensor, data in zip(tensors, before, strict=True):
                    tensor.data = data

    def is_fixed(self, array):
        """Whether it depends on nothing but fixed weights and constants."""
        if not self.weights_are_fixed or self.plan.arena.holds(array):
            return False
        return not any(np.may_share_memory(array, x) for x in self.inputs)

    def call(self, function, args, kwargs):
        """Call one of NumPy's functions, and note it if it computes something."""
        out = kwargs.pop("out", None)
        out = out[0] if isinstance(out, tuple) else out
        inputs, options = plain(args), plain(kwargs)
        if out is not None:
            options["out"] = plain(out)
        result = function(*inputs, **options)
        if out is not None or result is None:
            self.note_change(function, inputs, options, args[0] if out is None else out)
            return out
        return self.keep(function, inputs, options, result)

    def note_change(self, function, args, kwargs, target):
        """Note a call that writes into an array."""
        if not isinstance(target, Recorded):
            raise NotRecordableError(f"{getattr(function, '__name__', function)} writes into an array of NumPy's own")
        target = plain(target)
        if self.plan.fixed_arena.holds(target) and not self.fixed_among((args, kwargs)):
            raise NotRecordableError("what was computed of weights alone is changed")
        self.note(functools.partial(function, *self.windows(args), **self.windows(kwargs)), target)

    def keep(self, function, args, kwargs, result):
        """Return a result as recorded arrays, and note the call if they are new."""
        if isinstance(result, (list, tuple)):
            flat = list(result)
            if all(_is_view(y, args) for y in flat):
                return type(result)(y.view(Recorded) for y in flat)
            kept = [self.place(np.asarray(y), self.fixed_among((args, kwargs))) for y in flat]
            self.note(IntoAll(function, self.windows(args), self.windows(kwargs), self.windows(kept)), kept[0])
            return type(result)(y.view(Recorded) for y in kept)
        if _is_view(result, args):
            return result.view(Recorded)
        if not isinstance(result, (np.ndarray, np.generic)):
            if isinstance(result, (bool, int, float)):
                raise NotRecordableError(f"{getattr(function, '__name__', function)} gives a number to Python")
            return result
        if function in _UNINITIALISED:  # and so there is nothing to repeat
            return self.place(result, fixed=False).view(Recorded)
        result = self.place(np.asarray(result), self.fixed_among((args, kwargs)))
        args, kwargs = self.windows(args), self.windows(kwargs)
        if function in _CONSTANT:
            self.note(functools.partial(self.windows(result).fill, _CONSTANT[function]), result)
        elif isinstance(getattr(function, "__self__", function), np.ufunc) and result.ndim:
            self.note(functools.partial(function, *args, **kwargs, out=self.windows(result)), result)
        else:
            self.note(Into(function, args, kwargs, self.windows(result)), result)
        return result.view(Recorded)

    def fixed_among(self, arguments):
        """Whether all arrays among the arguments are fixed."""
        return all(self.is_fixed(a) for a in arrays_in(arguments))

    def place(self, result, fixed):
        """Copy a result to where it shall lie."""
        arena = self.plan.fixed_arena if fixed else self.plan.arena
        placed = arena.empty(result.shape, result.dtype)
        placed[...] = result
        if fixed:
            self.plan.fixed.append(placed)  # it is read at each run, computed before the first
        else:
            self.plan.begun[placed.__array_interface__["data"][0]] = len(self.plan.calls)
        return placed

    def windows(self, value):
        """The same with arrays that do not keep their room."""
        for arena in (self.plan.arena, self.plan.fixed_arena):
            if isinstance(value, np.ndarray) and arena.holds(value):
                address = value.__array_interface__["data"][0]
                return arena.window(address, value.shape, value.dtype, value.strides)
        return map_parts(self.windows, value)

    def of_weights_alone(self, function):
        """Call it: the arrays tell by themselves what they depend on."""
        return function()

    def check(self, function, args):
        """Look at values now and at each run."""
        args = plain(args)
        function(*args)
        self.note(functools.partial(function, *self.windows(args)))

    def note_kernel(self, kernel, arguments, results, filled):
        """Note a kernel's call, of whose results the first ones are filled as arguments and the others copied."""
        arguments, rest = self.windows(arguments), self.windows(results[filled:])
        calls = self.calls_of(kernel, arguments) if self.calls_of is not None and not rest else None
        if calls is None:
            call = functools.partial(kernel, **arguments)
            calls = [IntoRest(call, filled, rest) if rest else call]
        for call in calls:
            self.note(call, results[0])

    def note(self, call, result=None):
        """Take a call into the plan; it is a fixed one if its result lies among the fixed arrays."""
        fixed = result is not None and self.plan.fixed_arena.holds(result)
        (self.plan.fixed_calls if fixed else self.plan.calls).append(call)


class _RecordingBackend:
    """A backend whose kernels are noted."""

    def __init__(self, recorder, backend):
        self.name, self.half_wide = backend.name, backend.half_wide
        self.recorded_by = recorder
        self._recorder, self._backend = recorder, backend
        self.xp = _RecordingNumpy(recorder)
        self.update_at = backend.update_at  # which is NumPy's work
        for family in FAMILIES:
            for name in vars(family):
                if family not in (Arrays, Plans) and not name.startswith("_"):
                    setattr(self, name, functools.partial(self._run, getattr(backend, name)))

    def asarray(self, x, dtype=None):
        if isinstance(x, Recorded):
            return x if dtype is None or x.dtype == dtype else x.astype(dtype)
        return self._backend.asarray(x, dtype)

    def to_numpy(self, x, copy=False):
        if isinstance(x, Recorded):
            raise NotRecordableError("an array is brought to the host")
        return self._backend.to_numpy(x, copy)

    def is_array(self, x):
        return self._backend.is_array(x)

    def random_uniform(self, generator, shape, dtype):
        return self._draw(self._backend.random_uniform, generator, shape, dtype)

    def random_normal(self, generator, shape, dtype):
        return self._draw(self._backend.random_normal, generator, shape, dtype)

    def _draw(self, function, *args):
        recorder = self._recorder
        recorder.draws -= 1
        values = recorder.place(function(*args), fixed=False)
        recorder.note(Into(function, args, {}, recorder.windows(values)))
        return values.view(Recorded)

    def _run(self, kernel, *args, **kwargs):
        recorder = self._recorder
        bound = _signature(kernel).bind(*args, **kwargs).arguments
        if not all(isinstance(value, Recorded) or not isinstance(value, np.ndarray) for value in bound.values()):
            bound = {k: v.view(Recorded) if isinstance(v, np.ndarray) else v for k, v in bound.items()}
        bound = {key: plain(value) for key, value in bound.items()}
        if "prepared" in _signature(kernel).parameters and recorder.is_fixed(bound["w"]):
            bound["prepared"] = self._prepare(bound)
        results = kernel(**bound)
        if results is None:
            recorder.note(functools.partial(kernel, **recorder.windows(bound)))
            return None
        several = isinstance(results, tuple)
        results = results if several else (results,)
        fixed = recorder.fixed_among(bound)
        places = [parameter for parameter in ("out", "index") if parameter in _signature(kernel).parameters]
        kept = []
        for i, result in enumerate(results):
            if result is None:  # not asked for
                kept.append(None)
                continue
            given = bound.get(places[i]) if i < len(places) else None
            kept.append(recorder.place(result, fixed) if given is None else given)
            if i < len(places):
                bound[places[i]] = kept[i]
        recorder.note_kernel(kernel, bound, kept, len(places))
        kept = [None if y is None else y.view(Recorded) for y in kept]
        return tuple(kept) if several else kept[0]

    def _prepare(self, arguments):
        """Filters that stay as they are, prepared once."""
        prepare, recorder = self._backend.conv2d_prepare, self._recorder
        options = {"batch": len(arguments["x"]), "algorithm": arguments.get("algorithm", "auto")}
        prepared = prepare(arguments["w"], arguments["geometry"], **options)
        if prepared is None:
            return None
        prepared = recorder.place(prepared, fixed=True)
        filters = (recorder.windows(arguments["w"]), arguments["geometry"])
        recorder.note(Into(prepare, filters, options, recorder.windows(prepared)), prepared)
        return prepared


class _RecordingNumpy:
    """NumPy, whose functions give recorded arrays."""

    def __init__(self, recorder):
        self._recorder = recorder

    def __getattr__(self, name):
        attribute = getattr(np, name)
        if isinstance(attribute, (type, np.ufunc)) or not callable(attribute):  # which arrays see
            return attribute
        return functools.partial(self._call, attribute)

    def _call(self, function, *args, **kwargs):
        if any(True for _ in arrays_in((args, kwargs))):
            return self._recorder.call(function, args, kwargs)
        result = function(*args, **kwargs)
        if not isinstance(result, np.ndarray):
            return result
        kept = self._recorder.place(result, fixed=False)  # written into, perhaps: filled anew each time
        if function not in _UNINITIALISED:
            self._recorder.note(Into(function, args, kwargs, self._recorder.windows(kept)))
        return kept.view(Recorded)


@functools.cache
def _signature(kernel):
    return inspect.signature(kernel)


def _is_view(result, args):
    """Whether a result is nothing new, but a view of an argument."""
    return isinstance(result, np.ndarray) and any(np.may_share_memory(result, a) for a in arrays_in(args))


def check(function, *args, nan_in=None):
    """Call a function that looks at values and raises an error if they are wrong. A plan does so at each run.

    ``nan_in`` is an array that then holds a NaN: whoever reads it may have the check made later (``late.py``).
    """
    recorder = active_recorder()
    if recorder is not None:
        recorder.check(function, args)
    elif nan_in is not None:
        check_nan(nan_in, function, *args)
    else:
        function(*args)


def of_weights_alone(function):
    """What a function without arguments computes of weights alone, which a plan may do by ``refresh`` only."""
    recorder = active_recorder()
    return function() if recorder is None else recorder.of_weights_alone(function)


def note_draw(generator):
    """Say that numbers will be drawn; a recording is good only if the backend draws them: ``random_uniform``, ..."""
    recorder = active_recorder()
    if recorder is not None:
        recorder.draws += 1
        recorder.generators.insert(0, (generator, generator.bit_generator.state))  # the first comes last, and stays
