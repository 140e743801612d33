"""In place of CuPy: what the backend uses of it, on NumPy arrays, as strict as CuPy is.

Arrays of the device are a class of their own. Kernels, operators and the namespace's functions take them; NumPy does
not, and where their values are brought to the host (``get``, ``float(x)``, ``bool(x)``) it is counted. What is
allocated holds NaN. All that is not named here is NumPy's function of the same name.
"""

import functools
import importlib
import operator
import sys
import threading
import weakref
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import numpy as np
from cuda_emulator import machine

synchronisations = 0
"""How often values have come to the host."""
_by_address = weakref.WeakValueDictionary()
"""Arrays whose addresses have been asked for: those that a launch is given in a list, without the arrays."""


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of the device, which lies in ``host``."""

    __slots__ = ("__weakref__", "host")
    __hash__ = None
    __array_priority__ = 100

    def __init__(self, host):
        self.host = host

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        for value in inputs:
            _refuse(value)
        if out:
            options["out"] = _hosts(tuple(out))
        result = _perform(getattr(ufunc, method), _hosts(inputs), _hosts(options))
        return out[0] if len(out) == 1 else _devices(result)

    def __array_function__(self, function, types, args, kwargs):
        return _call(function, *args, **kwargs)

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __getattr__(self, name):
        if name.startswith("__"):  # by which NumPy would look inside
            raise AttributeError(name)
        attribute = getattr(self.host, name)
        if not callable(attribute) or name == "dtype":
            return _devices(attribute)
        return lambda *args, **kwargs: _call(attribute, *args, **kwargs)

    def __getitem__(self, key):
        return _devices(_perform(operator.getitem, (self.host, _hosts(key))))

    def __setitem__(self, key, value):
        _refuse(value)
        _perform(operator.setitem, (self.host, _hosts(key), _hosts(value)))

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        return repr(self.get())

    def __str__(self):
        return str(self.get())

    def __format__(self, form):
        return format(self.get(), form)

    def __deepcopy__(self, memo):
        return ndarray(self.host.copy())

    def __reduce__(self):
        return ndarray, (self.host,)

    def get(self, **options):
        global synchronisations
        if _thread.stream.captured is not None:
            raise RuntimeError("the current stream is capturing, so synchronous API calls are disallowed")
        synchronisations += 1
        return self.host.copy()

    def item(self, *args):
        return self.get().item(*args)

    def tolist(self):
        return self.get().tolist()

    @property
    def data(self):
        address = self.host.ctypes.data
        _by_address[address] = self
        return SimpleNamespace(ptr=address)

    @property
    def device(self):
        return Device()


for _name, _function in {
    "__bool__": bool,
    "__float__": float,
    "__int__": int,
    "__index__": operator.index,
    "__complex__": complex,
}.items():
    setattr(ndarray, _name, lambda self, function=_function: function(self.get()))


def _refuse(value):
    """CuPy computes with its own arrays and with numbers."""
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")


def _hosts(value):
    if isinstance(value, ndarray):
        return value.host
    if type(value) in (list, tuple):
        return type(value)(map(_hosts, value))
    return {k: _hosts(v) for k, v in value.items()} if type(value) is dict else value


def _devices(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return ndarray(np.asarray(value))
    return type(value)(map(_devices, value)) if type(value) in (list, tuple) else value


def _call(function, *args, **kwargs):
    for value in (*args, *kwargs.values()):
        _refuse(value)
    out = kwargs.get("out")
    result = _perform(function, _hosts(args), _hosts(kwargs))
    if out is not None:
        return out
    same = [a for a in args if isinstance(a, ndarray) and a.host is result]
    return same[0] if same else _devices(result)


class Namespace(ModuleType):
    """NumPy's functions on arrays of the device."""

    def __init__(self, name, functions):
        super().__init__(name)
        self._functions = functions

    def __getattr__(self, name):
        attribute = getattr(self._functions, name)
        if isinstance(attribute, type) or not callable(attribute):
            return Namespace(name, attribute) if isinstance(attribute, ModuleType) else attribute
        function = functools.partial(_call, attribute)
        if isinstance(attribute, np.ufunc):
            function.at = lambda a, index, *b: _perform(attribute.at, (a.host, _hosts(index), *_hosts(b)))
        return function


def _perform(function, args, options=None):
    """Call one of NumPy's functions; while the current stream is captured note it, to be called again."""
    options, captured = options or {}, _thread.stream.captured
    if captured is None:
        return function(*args, **options)
    arrays = [a for a in (getattr(function, "__self__", None), *_parts((args, options))) if isinstance(a, np.ndarray)]
    captured.save(arrays)
    result = function(*args, **options)
    if result is None or options.get("out") is not None:
        captured.calls.append(lambda: function(*args, **options))
        return result
    results = [np.asarray(r) if isinstance(r, np.generic) else r for r in _parts(result)]
    if any(isinstance(r, np.ndarray) and not any(np.may_share_memory(r, a) for a in arrays) for r in results):
        captured.calls.append(lambda: _fill(results, list(_parts(function(*args, **options))), arrays))
    return type(result)(results) if type(result) in (list, tuple) else results[0]


def _parts(value):
    if type(value) in (list, tuple):
        for part in value:
            yield from _parts(part)
    elif type(value) is dict:
        yield from _parts(list(value.values()))
    else:
        yield value


def _fill(targets, values, arrays):
    for target, value in zip(targets, values, strict=True):
        if isinstance(target, np.ndarray) and not any(np.may_share_memory(target, a) for a in arrays):
            target[...] = value


class _Captured:
    """What was called while a stream was captured. Nothing of it is done: what was there before is put back."""

    def __init__(self):
        self.calls, self._before = [], []

    def save(self, arrays):
        self._before += [(a, a.copy()) for a in arrays if a.flags.writeable]

    def undo(self):
        for array, before in reversed(self._before):
            array[...] = before
        self._before = []


class Stream:
    """A queue of work, which is done at once, or captured."""

    def __init__(self, null=False, non_blocking=False):
        self.captured, self._non_blocking, self._outer = None, non_blocking, []
        self._under_way = []  # copies from the host, which arrive when somebody waits for them

    def __enter__(self):
        self._outer.append(_thread.stream)
        _thread.stream = self

    def __exit__(self, *error):
        _thread.stream = self._outer.pop()

    def begin_capture(self):
        if not self._non_blocking:
            raise RuntimeError("a stream that blocks others is not to be captured")
        self.captured = _Captured()

    def end_capture(self):
        captured, self.captured = self.captured, None
        captured.undo()
        return Graph(captured.calls)

    def synchronize(self):
        if self.captured is not None:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")
        self._arrive(self._under_way)

    def fill(self, array, values):
        """Copy from the host: as late as can be, unless another stream is captured, which computes nothing."""
        if not self._non_blocking or self._outer[-1].captured is not None:
            array[...] = values
        else:
            array.reshape(-1).view(np.uint8)[:] = machine.FILL
            self._under_way.append((array, values))

    def _arrive(self, copies):
        for array, values in copies:
            array[...] = values
        arrived = {id(array) for array, _ in copies}
        self._under_way = [copy for copy in self._under_way if id(copy[0]) not in arrived]

    def record(self, event):
        event.stream, event.copies = self, list(self._under_way)

    def wait_event(self, event):
        if event.stream is not None:  # one that was never recorded is over
            event.stream._arrive(event.copies)
            event.copies = []


class Event:
    """A place in a queue."""

    def __init__(self, disable_timing=False):
        self.stream, self.copies = None, []


class Graph:
    """Calls that were captured."""

    def __init__(self, calls):
        self._calls = calls

    def launch(self):
        for call in self._calls:
            call()


class OutOfMemoryError(MemoryError):
    """A pool has too little."""


class MemoryPool:
    """Counts what is asked for, and takes nothing back."""

    room = 1 << 50  # a test sets less

    def __init__(self):
        self._bytes = 0

    def malloc(self, size):
        if size > self.room:
            raise OutOfMemoryError(f"Out of memory allocating {size} bytes")
        self._bytes += size

    def total_bytes(self):
        return self._bytes

    used_bytes = total_bytes

    def free_all_blocks(self):
        """All is used."""


_pool = MemoryPool()
_allocator = _pool.malloc


def _set_allocator(allocator):
    global _allocator
    _allocator = allocator


@contextmanager
def using_allocator(allocator):
    before, _thread.allocator = _thread.allocator, allocator
    try:
        yield
    finally:
        _thread.allocator = before


class _Thread(threading.local):
    """What each thread has of its own: the stream and the allocator in use."""

    def __init__(self):
        self.stream, self.allocator = Stream(null=True), None


_thread = _Thread()


class Device:
    """The one device there is."""

    id, compute_capability = 0, "80"  # a test sets another to take another way


class RawModule:
    """A source with kernels, compiled when the first is taken."""

    def __init__(self, *, code, options=()):
        self._code = code

    def get_function(self, name):
        return RawKernel(machine.compiled(self._code), name)


class RawKernel:
    """A kernel to be launched."""

    max_dynamic_shared_size_bytes = 48 << 10

    def __init__(self, library, name):
        self._library, self._name = library, name

    def __call__(self, grid, block, args, *, shared_mem=0):
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise machine.EmulationError(f"kernel {self._name} may not have {shared_mem} bytes of shared memory")
        if min(grid) < 1 or max(grid[1:], default=1) > 65535 or len(block) > 1:
            raise machine.EmulationError(f"kernel {self._name} cannot run on grid={grid}, block={block}")
        grid, captured = (*grid, 1, 1)[:3], _thread.stream.captured
        listed = {p: _by_address[p] for a in args for p in machine.addresses(a)}
        call = functools.partial(machine.launch, self._library, self._name, grid, block[0], args, shared_mem, listed)
        if captured is not None:
            captured.save([a.host for a in (*args, *listed.values()) if isinstance(a, ndarray)])
            captured.calls.append(call)
        call()


def _asarray(x, dtype=None, order="K"):
    if not isinstance(x, ndarray):
        return _array(x, dtype, order="C")
    host = _perform(np.asarray, (x.host, dtype, order))
    return x if host is x.host else ndarray(host)


def _array(x, dtype=None, copy=True, order="K"):
    if _thread.stream.captured is not None and not isinstance(x, ndarray):
        raise RuntimeError("memory of the host, which a graph would read when it holds something else, is captured")
    if isinstance(x, ndarray):
        return ndarray(_perform(np.array, (x.host, dtype), {"order": order}))
    values = np.array(_hosts(x), dtype, order=order)
    array = np.empty_like(values)
    _thread.stream.fill(array, values)
    return ndarray(array)


def _empty(shape, dtype=float, order="C"):
    host = np.empty(shape, dtype)
    (_thread.allocator or _allocator)(host.nbytes)
    host.reshape(-1).view(np.uint8)[:] = machine.FILL
    return ndarray(host)


def module():
    """The stand-in for ``cupy``."""
    cupy = Namespace("cupy", np)
    cupy.ndarray, cupy.RawModule = ndarray, RawModule
    cupy.asarray, cupy.empty = _asarray, _empty
    cupy.array = _array
    cupy.empty_like = lambda x, dtype=None: _empty(x.shape, dtype or x.dtype)
    cupy.asnumpy = lambda x: x.get() if isinstance(x, ndarray) else np.asarray(x)
    cupy.get_default_memory_pool = cupy.get_default_pinned_memory_pool = lambda: _pool
    cupy.cuda = SimpleNamespace(
        memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
        runtime=SimpleNamespace(memGetInfo=lambda: (1 << 50, 1 << 51)),
        get_allocator=lambda: _allocator,
        set_allocator=_set_allocator,
        Device=Device,
        Stream=Stream,
        Event=Event,
        get_current_stream=lambda: _thread.stream,
        MemoryPool=MemoryPool,
        using_allocator=using_allocator,
    )
    return cupy


def load(package):
    """Import ``package`` anew with the stand-in as its ``cupy``, beside the real one: its modules by name."""
    parent, _, child = package.rpartition(".")
    parent = importlib.import_module(parent)

    def taken():
        own = [key for key in sys.modules if key in (package, "cupy") or key.startswith((f"{package}.", "cupy."))]
        return {key: sys.modules.pop(key) for key in own}

    before = taken()
    sys.modules["cupy"] = module()
    try:
        importlib.import_module(package)
    finally:
        modules = taken()
        sys.modules.update(before)
        vars(parent).pop(child, None)
        if package in before:
            setattr(parent, child, before[package])
    return modules
