"""The one way from Python to a kernel: compiled at first use, every argument checked, the grid given in blocks.

``launch("pool", "avg_pool2d_forward", blocks_for(out.size, 256), x, out, shape)`` takes the arguments in the order of
the kernel's signature in ``kernels/pool.cu`` (how these files are written: ``sources.py``). The block is what its
``__launch_bounds__`` says. CuPy checks nothing, so this is done here: an array must be one of the current device,
C-contiguous, aligned, of the dtype of its parameter; ``real`` is the dtype of the first array that is real (or ``wide``
where none is), and then of all; so it is with each array of a list. Scalars are cast to their exact C type, an integer
that does not fit raises. A tuple of ints fills a struct.

Whoever calls makes inputs contiguous (``arrays.contiguous``) and allocates results (``arrays.result``). A grid
without blocks launches nothing.
"""

from functools import cache
from operator import index

import cupy as cp
import numpy as np

from pycnn.backend.cuda import sources
from pycnn.backend.dtypes import FLOAT32, widened

OPTIONS = ("--std=c++17",)
_NULL = np.uint64(0)
_MOST_BLOCKS = (2**31 - 1, 65535, 65535)  # along x, y and z
_ROOM = 48 << 10  # of shared memory that each kernel may have without asking


def blocks_for(count, per_block):
    """How many blocks cover ``count`` pieces of work, ``per_block`` each; 0 for none.

    Examples
    --------
    >>> blocks_for(1000, 256)
    4
    """
    return -(-count // per_block)


def elementwise_blocks(count, threads=256):
    """Blocks of a kernel that loops by ``FOR_EACH``: four elements a thread while there are few of them."""
    return min(blocks_for(count, 4 * threads), 1 << 16)


def compute_capability():
    """Of the current device, as an integer: 75, 80, 90, ... The mma and cp.async of ``common.cuh`` need 80."""
    return int(cp.cuda.Device().compute_capability)


@cache
def module(source, dtype):
    """The compiled file ``kernels/<source>.cu`` for a dtype. CuPy compiles it when a function is first taken."""
    return cp.RawModule(code=sources.text(source, dtype), options=OPTIONS)


@cache
def _function(source, kernel, dtype, device, shared):
    """A kernel on a device, allowed as much shared memory as it will be given."""
    function = module(source, dtype).get_function(kernel)
    if shared > _ROOM:
        function.max_dynamic_shared_size_bytes = shared
    return function


def launch(source, kernel, grid, *arguments, shared=0):
    """Run a kernel of ``kernels/<source>.cu`` on the current stream.

    Parameters
    ----------
    source, kernel : str
        Name of the file, and of the kernel in it.
    grid : int or tuple of int
        Blocks along x, or (x, y, z).
    *arguments
        For each parameter of the kernel an array of the device, None, a number, a tuple of ints, or a list of arrays
        or integers.
    shared : int
        Bytes of dynamic shared memory.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If an argument is not what the kernel's signature says; the message names both. What the compiler or the driver
        raises has a note that names the kernel and its arguments.
    """
    signature = sources.signatures(source)[kernel]
    if len(arguments) != len(signature.parameters):
        expected = ", ".join(p.name for p in signature.parameters)
        raise TypeError(f"kernel {kernel} takes ({expected}). Received: {len(arguments)} arguments")
    pairs = list(zip(signature.parameters, arguments, strict=True))
    real, device = _real(source, kernel, pairs), cp.cuda.Device().id
    passed = tuple(_checked(kernel, parameter, value, real, device) for parameter, value in pairs)
    grid = (grid, 1, 1) if isinstance(grid, int) else (*grid, 1, 1)[:3]
    if any(count > most for count, most in zip(grid, _MOST_BLOCKS, strict=True)):
        raise OverflowError(f"kernel {kernel} takes a grid of at most {_MOST_BLOCKS} blocks. Received: grid={grid}")
    if min(grid) > 0:
        try:
            _function(source, kernel, real.name, device, shared)(grid, (signature.threads,), passed, shared_mem=shared)
        except Exception as error:  # the compiler's, or the driver's, which name no kernel
            error.add_note(f"in kernel {kernel} of {source}.cu for {real.name}, grid {grid}, {_described(pairs)}")
            raise


def _described(pairs):
    """What a kernel was given."""
    return ", ".join(f"{p.name}: {getattr(value, 'dtype', '')}{getattr(value, 'shape', value)}" for p, value in pairs)


def _real(source, kernel, pairs):
    """What ``real`` is: the dtype of the first array of that type, or of type ``wide``; float32 without any."""
    for kind in ("real", "wide"):
        for parameter, value in pairs:
            if parameter.dtype == sources.ARRAYS and value:
                value = value[0]
            elif not parameter.is_array or parameter.dtype != kind:
                continue
            if value is not None:
                dtype, possible = getattr(value, "dtype", None), sources.dtypes(source)
                if dtype is None or dtype.name not in possible:
                    raise _wrong(kernel, parameter, f"an array of one of {', '.join(possible)}", value)
                return dtype
    return FLOAT32


def _checked(kernel, parameter, value, real, device):
    """An argument as CuPy passes it, or an error that names the kernel and the parameter."""
    dtype = {"real": real, "wide": widened(real)}.get(parameter.dtype, parameter.dtype)
    if dtype == sources.ARRAYS:
        given = [] if value is None and parameter.may_be_none else _list(kernel, parameter, value, "arrays")
        return _many(dtype, [_array(kernel, parameter, a, real, device).data.ptr for a in given])
    if dtype == sources.INTEGERS:
        return _many(dtype, _list(kernel, parameter, value, "integers"))
    if not parameter.is_array:
        return _scalar(kernel, parameter, value, dtype)
    if value is None and parameter.may_be_none:
        return _NULL
    return _array(kernel, parameter, value, dtype, device)


def _list(kernel, parameter, value, what):
    if not isinstance(value, (list, tuple)) or len(value) > sources.MANY:
        raise _wrong(kernel, parameter, f"a list of at most {sources.MANY} {what}", value)
    return value


def _many(dtype, values):
    filled = np.zeros((), dtype)
    filled["at"][: len(values)] = values
    return filled


def _array(kernel, parameter, value, dtype, device):
    if not isinstance(value, cp.ndarray):
        raise _wrong(kernel, parameter, "an array of the device", value)
    if value.dtype != dtype:
        raise _wrong(kernel, parameter, f"of dtype {dtype}", value)
    if not value.flags.c_contiguous:
        raise _wrong(kernel, parameter, "C-contiguous", value, ValueError)
    if value.data.ptr % dtype.itemsize:
        raise _wrong(kernel, parameter, f"at a multiple of {dtype.itemsize} bytes", value, ValueError)
    if value.device.id != device:
        raise _wrong(kernel, parameter, f"on the current device {device}", value, ValueError)
    return value


def _scalar(kernel, parameter, value, dtype):
    try:
        if dtype.kind == "V":
            if len(value) != len(dtype):
                raise _wrong(kernel, parameter, f"{len(dtype)} ints ({', '.join(dtype.names)})", value)
            return np.array(tuple(value), dtype)
        if dtype.kind == "f":
            return dtype.type(value)
        if not hasattr(value, "__index__"):
            raise _wrong(kernel, parameter, f"an integer ({dtype})", value)
        return dtype.type(index(value))
    except OverflowError as error:
        raise _wrong(kernel, parameter, f"within {dtype}", value, OverflowError) from error


def _wrong(kernel, parameter, expected, value, error=TypeError):
    if hasattr(value, "dtype"):
        value = f"{type(value).__name__} of shape {value.shape}, {value.dtype}, strides {value.strides}"
    return error(f"argument {parameter.name} of kernel {kernel} must be {expected}. Received: {parameter.name}={value}")
