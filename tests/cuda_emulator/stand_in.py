"""In place of CuPy: what the backend uses of it, on NumPy arrays, as strict as CuPy is.

Arrays of the device are a class of their own. Kernels, operators and the namespace's functions take them; NumPy does
not, and where it is waited for their values (``get``, ``float(x)``, ``bool(x)``, ``x[mask]``) it is counted. What is
allocated holds NaN. All that is not named here is NumPy's function of the same name.
"""

import functools
import importlib
import operator
import sys
import weakref
from types import ModuleType, SimpleNamespace

import numpy as np
from cuda_emulator import machine
from cuda_emulator.streams import Event, Stream, perform, thread, using_allocator

synchronisations = 0
"""How often the host has waited for the device."""
_WAITING = ("argwhere", "compress", "extract", "flatnonzero", "nonzero", "unique")
"""Functions of arrays whose sizes depend on values, which CuPy brings to the host."""
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
        result = perform(getattr(ufunc, method), _hosts(inputs), _hosts(options))
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
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, (ndarray, np.ndarray)) and k.dtype == bool for k in keys):
            _wait()
        return _devices(perform(operator.getitem, (self.host, _hosts(key))))

    def __setitem__(self, key, value):
        _refuse(value)
        perform(operator.setitem, (self.host, _hosts(key), _hosts(value)))

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
        _wait()
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


def _wait():
    """For all that the device has to do."""
    global synchronisations
    if thread.stream.captured is not None:
        raise RuntimeError("the current stream is capturing, so synchronous API calls are disallowed")
    synchronisations += 1


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
    if getattr(function, "__name__", None) in _WAITING or (function is np.where and len(args) == 1):
        _wait()
    out = kwargs.get("out")
    result = perform(function, _hosts(args), _hosts(kwargs))
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
            function.at = lambda a, index, *b: perform(attribute.at, (a.host, _hosts(index), *_hosts(b)))
        return function


class OutOfMemoryError(MemoryError):
    """A pool has too little."""

    def __init__(self, size, total):
        super().__init__(f"Out of memory allocating {size} bytes")


class CUDARuntimeError(RuntimeError):
    """The driver's."""

    def __init__(self, status):
        super().__init__(f"CUDA error {status}")
        self.status = status


class Memory:
    """Memory that the driver gives."""

    room = 1 << 50  # a test sets less

    def __init__(self, size):
        if size > self.room:
            raise CUDARuntimeError(2)


class MemoryPool:
    """Counts what is asked for, and takes nothing back."""

    def __init__(self, allocator=Memory):
        self._bytes, self._allocator = 0, allocator

    def malloc(self, size):
        try:
            self._allocator(size)
        except CUDARuntimeError as error:
            if thread.stream.captured is not None:
                raise AssertionError("a pool would free what the captured graph uses, and ask again") from error
            raise OutOfMemoryError(size, -1) from error
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
        grid, captured = (*grid, 1, 1)[:3], thread.stream.captured
        listed = {p: _by_address[p] for a in args for p in machine.addresses(a)}
        call = functools.partial(machine.launch, self._library, self._name, grid, block[0], args, shared_mem, listed)
        if captured is not None:
            captured.save([a.host for a in (*args, *listed.values()) if isinstance(a, ndarray)])
            captured.calls.append(call)
        call()


def _asarray(x, dtype=None, order="K"):
    if not isinstance(x, ndarray):
        return _array(x, dtype, order="C")
    host = perform(np.asarray, (x.host, dtype, order))
    return x if host is x.host else ndarray(host)


def _array(x, dtype=None, copy=True, order="K"):
    if thread.stream.captured is not None and not isinstance(x, ndarray):
        raise RuntimeError("memory of the host, which a graph would read when it holds something else, is captured")
    if isinstance(x, ndarray):
        return ndarray(perform(np.array, (x.host, dtype), {"order": order}))
    values = np.array(_hosts(x), dtype, order=order)
    array = np.empty_like(values)
    thread.stream.fill(array, values)
    return ndarray(array)


def _empty(shape, dtype=float, order="C"):
    host = np.empty(shape, dtype)
    (thread.allocator or _allocator)(host.nbytes)
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
        runtime=SimpleNamespace(memGetInfo=lambda: (1 << 50, 1 << 51), CUDARuntimeError=CUDARuntimeError),
        Memory=Memory,
        MemoryPointer=lambda memory, offset: memory,
        get_allocator=lambda: _allocator,
        set_allocator=_set_allocator,
        Device=Device,
        Stream=Stream,
        Event=Event,
        get_current_stream=lambda: thread.stream,
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
