"""All that knows a device.

protocol.py   the contract: every kernel that a backend must have      geometry.py  integer sizes and padding
registry.py   set_backend, get_backend, backend_scope                  errors.py    what backends raise
reference/    plain NumPy, slow and obvious: the specification that runs
cpu/          checks and allocates, then calls the compiled kernels of pycnn_ext
cuda/         checks and allocates, then launches kernels by CuPy       availability.py  what a GPU needs beside it
"""

from pycnn.backend.errors import BackendUnavailableError, OutOfMemoryError
from pycnn.backend.recorded import NotRecordableError
from pycnn.backend.registry import backend_scope, get_backend, set_backend
from pycnn.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format

__all__ = [
    "BackendUnavailableError",
    "NotRecordableError",
    "OutOfMemoryError",
    "backend",
    "backend_scope",
    "epsilon",
    "floatx",
    "free_pool",
    "get_backend",
    "image_data_format",
    "memory_info",
    "set_backend",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]


def backend():
    """Return the name of the backend in use, as ``keras.backend.backend()`` does.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.backend.backend() in ("cpu", "cuda", "reference")
    True
    """
    return get_backend().name


def memory_info():
    """Return how much memory the backend's device has, in bytes.

    Returns
    -------
    dict
        ``used`` by arrays (on the CPU by the whole process); ``held``, which is no longer used and kept for further
        arrays (a GPU's pool, which ``nvidia-smi`` shows as used; on the CPU the room in which this thread's kernels
        work); ``free`` for all programs; and ``total``. None for what the operating system does not tell.

    Examples
    --------
    >>> import pycnn
    >>> sorted(pycnn.backend.memory_info())
    ['free', 'held', 'total', 'used']
    """
    return get_backend().memory_info()


def free_pool():
    """Give back to the system what ``memory_info`` calls ``held``: other programs may need it.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.backend.free_pool()
    >>> pycnn.backend.memory_info()["held"]
    0
    """
    get_backend().free_pool()
