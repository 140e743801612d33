"""Memory of the GPU: what of it is in use, and errors that say what there was when there was too little.

CuPy keeps what is freed in a pool, from which it gives faster than the driver does. Each plan has a pool of its own.
"""

from functools import partial
from weakref import WeakSet

import cupy as cp

from pycnn.backend.errors import OutOfMemoryError

_NO_MEMORY = 2  # cudaErrorMemoryAllocation
_of_plans = WeakSet()


def info():
    """Bytes, as ``memory_info`` returns them."""
    free, total = cp.cuda.runtime.memGetInfo()
    pool = cp.get_default_memory_pool()
    used = pool.used_bytes() + sum(plans.nbytes for plans in _of_plans)
    return {"used": used, "held": pool.total_bytes() - pool.used_bytes(), "free": free, "total": total}


def free():
    """Give back what the pools hold for further arrays."""
    cp.get_default_memory_pool().free_all_blocks()
    cp.get_default_pinned_memory_pool().free_all_blocks()


def megabytes(count):
    """Bytes for people.

    Examples
    --------
    >>> megabytes(3 << 19)
    '1.5 MiB'
    """
    return f"{count / 2**20:,.1f} MiB"


def allocate(allocator, size):
    """What an allocator of CuPy's gives, or an error that says what was asked, what was free, and what helps."""
    try:
        return allocator(size)
    except cp.cuda.memory.OutOfMemoryError as error:
        has = {key: megabytes(value) for key, value in info().items()}
        raise OutOfMemoryError(
            f"the GPU has no room for {megabytes(size)} more: of {has['total']} are free {has['free']}, in use by "
            f"arrays and plans {has['used']}, held for further arrays {has['held']}. Use smaller batches; drop "
            "models and arrays that are no longer needed, then call pycnn.backend.free_pool()"
        ) from error


def _from_driver(size):
    """Memory for a pool that keeps all that it has.

    Of the driver's own error CuPy's pools know a way out: they free what no array has any more, and ask again. But a
    graph that was captured with it would go on to use it.
    """
    try:
        return cp.cuda.MemoryPointer(cp.cuda.Memory(size), 0)
    except cp.cuda.runtime.CUDARuntimeError as error:
        if error.status != _NO_MEMORY:
            raise
        raise cp.cuda.memory.OutOfMemoryError(size, -1) from error


class PlanMemory:
    """A pool of a plan's own."""

    def __init__(self):
        self._pool = cp.cuda.MemoryPool(_from_driver)
        self.allocate = partial(allocate, self._pool.malloc)
        _of_plans.add(self)

    @property
    def nbytes(self):
        """Bytes taken from the driver."""
        return self._pool.total_bytes()


cp.cuda.set_allocator(partial(allocate, cp.cuda.get_allocator()))
