"""What makes ``a + b``, ``x[i]`` and ``x.sum()`` work: the Tensor gets its operators and methods here."""

from pycnn.autograd import Tensor
from pycnn.ops import arithmetic, creation, elementwise, indexing, linear, reduction, shaping, symbolic


def _reflected(function):
    def operator(self, other):
        return function(other, self)

    return operator


_BINARY = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.divide,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.mod,
    "pow": arithmetic.power,
    "matmul": linear.matmul,
    "and": elementwise.logical_and,
    "or": elementwise.logical_or,
    "xor": elementwise.logical_xor,
}

_OTHER = {
    "__neg__": elementwise.negative,
    "__pos__": lambda self: self,
    "__abs__": elementwise.absolute,
    "__invert__": elementwise.logical_not,
    "__getitem__": indexing.getitem,
    "__eq__": elementwise.equal,
    "__ne__": elementwise.not_equal,
    "__lt__": elementwise.less,
    "__le__": elementwise.less_equal,
    "__gt__": elementwise.greater,
    "__ge__": elementwise.greater_equal,
    "T": property(shaping.transpose, doc="The axes in reverse order."),
    "astype": creation.cast,
}

_METHODS = (
    *(reduction.sum, reduction.mean, reduction.max, reduction.min, reduction.var, reduction.std, reduction.prod),
    *(reduction.argmax, reduction.argmin, reduction.any, reduction.all),
    *(shaping.reshape, shaping.transpose, shaping.flatten, shaping.squeeze, shaping.swapaxes, shaping.repeat),
    *(elementwise.clip, elementwise.exp, elementwise.log, elementwise.sqrt, elementwise.square, elementwise.round),
    *(indexing.take,),
)


def attach():
    """Give Tensor its operators and methods; ``__hash__`` stays the identity's."""
    for name, function in _BINARY.items():
        setattr(Tensor, f"__{name}__", function)
        setattr(Tensor, f"__r{name}__", _reflected(function))
    for name, member in _OTHER.items():
        setattr(Tensor, name, member)
    for function in _METHODS:
        setattr(Tensor, function.__name__, function)
    symbolic.attach(_BINARY, _OTHER, _METHODS)


attach()
