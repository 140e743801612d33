"""pycnn: convolutional networks on a plain machine. ``model.fit()`` on hand-written kernels, CPU or GPU."""

from pycnn import autograd, backend, config, ops
from pycnn.autograd import Tensor, grad, no_grad, value_and_grad
from pycnn.backend import backend_scope, get_backend, set_backend

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "autograd",
    "backend",
    "backend_scope",
    "config",
    "get_backend",
    "grad",
    "no_grad",
    "ops",
    "set_backend",
    "value_and_grad",
]
