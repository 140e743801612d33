"""Matrix product."""

from pycnn.backend.reference.activation import activation_forward
from pycnn.backend.reference.result import deliver


def matmul(a, b, transpose_a=False, transpose_b=False, bias=None, activation=None, out=None):
    y = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
    if bias is not None:
        y = y + bias
    if activation is not None:
        y = activation_forward(y, activation)
    return deliver(y, out, a.dtype)
