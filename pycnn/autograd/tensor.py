"""The Tensor: an array of the current backend that remembers how it was made.

Its maths are attached by ``ops``, and ``backward`` by ``engine``.
"""

import numpy as np

from pycnn import config, registration
from pycnn.backend import get_backend
from pycnn.backend.dtypes import is_float, is_number


class Tensor:
    """An array that gradients can flow through.

    Parameters
    ----------
    array : array, nested list, number or Tensor
        Floating arrays keep their dtype; nested lists and Python floats become ``config.floatx()``;
        integer and boolean arrays stay what they are and cannot require gradients.
    requires_grad : bool
        Whether ``backward`` shall leave the gradient in ``.grad``.

    Examples
    --------
    >>> import pycnn
    >>> x = pycnn.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.numpy()
    array([2., 4., 6.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_grad", "_node", "_output_index", "_requires_grad", "data")
    __array_ufunc__ = None  # numpy_array * tensor becomes tensor.__rmul__
    mask = None  # of a MaskedTensor alone something else

    def __init__(self, array, requires_grad=False):
        self.data = _to_device(array)
        self._node = None
        self._output_index = 0
        self._grad = None
        self.requires_grad = requires_grad

    @classmethod
    def wrap(cls, data, node=None, output_index=0):
        """Make a tensor of a device array, with no check: for results of operations."""
        tensor = Tensor.__new__(Tensor)
        tensor.data = data
        tensor._node = node
        tensor._output_index = output_index
        tensor._grad = None
        tensor._requires_grad = node is not None
        return tensor

    @property
    def requires_grad(self):
        """Whether gradients flow to this tensor."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value):
        if value and not is_float(self.data.dtype):
            raise TypeError(f"Only floating-point tensors can require gradients. Received: dtype={self.data.dtype}")
        self._requires_grad = bool(value)

    @property
    def grad(self):
        """The gradient that ``backward`` left here, a Tensor, or None."""
        return None if self._grad is None else Tensor.wrap(self._grad)

    @grad.setter
    def grad(self, value):
        if value is not None:
            value = _to_device(value)
            if value.shape != self.shape:
                raise ValueError(f"grad must have the tensor's shape {self.shape}. Received: value.shape={value.shape}")
        self._grad = value

    def zero_grad(self):
        """Forget the gradient."""
        self._grad = None

    def detach(self):
        """Return a tensor of the same data that gradients do not flow through."""
        return Tensor.wrap(self.data)

    def numpy(self):
        """Return the data as a ``numpy.ndarray``: the same memory on the CPU, a copy from a GPU."""
        return get_backend().to_numpy(self.data)

    def item(self):
        """Return the only element as a Python number."""
        return self.numpy().item()

    def tolist(self):
        """Return the data as nested lists of Python numbers."""
        return self.numpy().tolist()

    @property
    def shape(self):
        """Sizes of the axes, a tuple."""
        return self.data.shape

    @property
    def ndim(self):
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self):
        """Number of elements."""
        return self.data.size

    @property
    def dtype(self):
        """Type of the elements, a ``numpy.dtype``."""
        return self.data.dtype

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __len__(self):
        if not self.ndim:
            raise TypeError("A tensor without axes has no length")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.numpy())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        return self.numpy().__index__()

    def __format__(self, spec):
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self):
        values = np.array2string(self.numpy(), separator=", ", prefix="Tensor(")
        grad = ", requires_grad=True" if self._requires_grad else ""
        return f"Tensor({values}, dtype={self.dtype}{grad})"


class Variable(Tensor):
    """A named tensor that a layer owns: a weight, or state such as a moving mean.

    Parameters
    ----------
    initializer : array or callable(shape, dtype)
        The initial value, which is copied, or what makes it.
    name : str
        Name inside its layer, such as ``"kernel"``.
    trainable : bool
        Whether optimizers change it; only then does it require gradients.
    regularizer : callable, optional
        Called with the variable; what it returns is added to the loss.
    constraint : callable, optional
        Called with the variable after each step of the optimizer; the variable becomes what it returns.
    shape, dtype : tuple of int, str, optional
        What a callable is asked for; a value is cast to ``dtype``.
    autocast : bool
        Whether layers of a mixed dtype policy round it when they use it.
    """

    changes = 0  # how often any variable was made, frozen or thawed: who keeps a list of them looks here
    locked = False  # whether assign does nothing: while layers run only to see the shapes of their outputs

    __slots__ = ("_trainable", "autocast", "constraint", "name", "regularizer", "version")

    def __init__(
        self,
        initializer,
        name="variable",
        trainable=True,
        regularizer=None,
        constraint=None,
        *,
        shape=None,
        dtype=None,
        autocast=True,
    ):
        if isinstance(initializer, str):
            initializer = registration.resolve(initializer, "initializers", "initializer")
        if callable(initializer):
            if shape is None:
                raise ValueError(f"shape must be given with an initializer. Received: initializer={initializer!r}")
            initializer = initializer(tuple(shape), dtype=dtype or config.floatx())
        super().__init__(initializer)
        self.data = get_backend().xp.array(self.data, dtype=dtype, order="C")  # its own: optimizers write into it
        self.requires_grad = trainable
        self.name = name
        self.autocast = bool(autocast)
        self.regularizer = regularizer
        self.constraint = constraint
        self.version = 0
        self._trainable = bool(trainable)
        Variable.changes += 1

    @property
    def trainable(self):
        """Whether optimizers change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = self.requires_grad = bool(value)
        Variable.changes += 1

    @property
    def path(self):
        """The name: in pycnn a variable does not know its layer."""
        return self.name

    @property
    def value(self):
        """The variable itself: scripts for Keras write ``variable.value`` for its tensor, ``variable.value.grad``."""
        return self

    def assign(self, value):
        """Copy ``value``, of the same shape, into the variable, and return it."""
        value = self._fitting(value)
        if not Variable.locked:
            self.data[...] = value
            self.version += 1
        return self

    def assign_add(self, value):
        """Add ``value``, of the same shape, to the variable in place, and return it."""
        value = self._fitting(value)
        if not Variable.locked:
            self.data += value
            self.version += 1
        return self

    def assign_sub(self, value):
        """Subtract ``value``, of the same shape, from the variable in place, and return it."""
        return self.assign_add(-self._fitting(value))

    def _fitting(self, value):
        value = _to_device(value)
        if value.shape != self.data.shape:
            raise ValueError(
                f"value must have the shape {self.shape} of variable {self.name!r}. Received: value.shape={value.shape}"
            )
        return value

    def __repr__(self):
        return f"Variable(name={self.name!r}, shape={self.shape}, dtype={self.dtype}, trainable={self.trainable})"


def _to_device(value):
    """Bring a number, nested list, array or tensor to the current backend."""
    if isinstance(value, Tensor):
        return value.data
    backend = get_backend()
    if backend.is_array(value):
        return value
    array = np.asarray(value)
    if not is_number(array.dtype):
        raise TypeError(f"A tensor holds numbers. Received: dtype={array.dtype}, type={type(value).__name__}")
    if array.dtype.kind == "f" and not isinstance(value, (np.ndarray, np.generic)):
        array = array.astype(config.floatx())
    return backend.asarray(array)


def as_tensor(value):
    """Return ``value`` itself if it is a Tensor, else a new Tensor of it, without gradient."""
    return value if isinstance(value, Tensor) else Tensor.wrap(_to_device(value))
