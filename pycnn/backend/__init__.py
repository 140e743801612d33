"""All that knows a device.

protocol.py   the contract: every kernel that a backend must have      geometry.py  integer sizes and padding
registry.py   set_backend, get_backend, backend_scope                  errors.py    BackendUnavailableError
reference/    plain NumPy, slow and obvious: the specification that runs
cpu/          checks and allocates, then calls the compiled kernels of pycnn_ext
cuda/         checks and allocates, then launches kernels by CuPy       availability.py  what a GPU needs beside it
"""

from pycnn.backend.errors import BackendUnavailableError
from pycnn.backend.recorded import NotRecordableError
from pycnn.backend.registry import backend_scope, get_backend, set_backend
from pycnn.config import epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format

__all__ = [
    "BackendUnavailableError",
    "NotRecordableError",
    "backend",
    "backend_scope",
    "epsilon",
    "floatx",
    "get_backend",
    "image_data_format",
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
