"""pycnn: convolutional networks on a plain machine. ``model.fit()`` on hand-written kernels, CPU or GPU."""

from pycnn import autograd, backend, config, ops
from pycnn.autograd import Tensor, grad, no_grad, value_and_grad
from pycnn.backend import backend_scope, get_backend, set_backend
from pycnn.threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "autograd",
    "backend",
    "backend_scope",
    "config",
    "get_backend",
    "get_num_threads",
    "grad",
    "no_grad",
    "ops",
    "set_backend",
    "set_num_threads",
    "show_config",
    "value_and_grad",
]


def show_config(file=None):
    """Print version, backends (and why one is unavailable), instruction set, OpenMP runtime and threads."""
    from pycnn.show_config import show_config

    show_config(__version__, file)
