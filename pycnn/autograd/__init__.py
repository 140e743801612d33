"""The tape. It knows how to go backwards, and no maths.

tensor.py     Tensor and Variable: data, gradient, and the node that made them
masked.py     MaskedTensor: one of which only a part counts
function.py   Function (one differentiable operation), no_grad, autocast
engine.py     the backward pass, grad, value_and_grad
gradcheck.py  gradients against central differences
"""

from pycnn.autograd.engine import grad, value_and_grad
from pycnn.autograd.function import Function, autocast, autocast_dtype, is_grad_enabled, no_grad
from pycnn.autograd.gradcheck import GradcheckError, gradcheck
from pycnn.autograd.masked import MaskedTensor
from pycnn.autograd.tensor import Tensor, Variable, as_tensor

__all__ = [
    "Function",
    "GradcheckError",
    "MaskedTensor",
    "Tensor",
    "Variable",
    "as_tensor",
    "autocast",
    "autocast_dtype",
    "grad",
    "gradcheck",
    "is_grad_enabled",
    "no_grad",
    "value_and_grad",
]
