"""All that knows a device.

protocol.py   the contract: every kernel that a backend must have      geometry.py  integer sizes and padding
registry.py   set_backend, get_backend, backend_scope                  errors.py    BackendUnavailableError
reference/    plain NumPy, slow and obvious: the specification that runs
cpu/          checks and allocates, then calls the compiled kernels of pycnn_ext
"""

from pycnn.backend.errors import BackendUnavailableError
from pycnn.backend.registry import backend_scope, get_backend, set_backend

__all__ = ["BackendUnavailableError", "backend_scope", "get_backend", "set_backend"]
