"""Activations: elementwise functions by name, softmax and its logarithm."""

from pycnn.autograd import Function, Tensor, as_tensor, is_grad_enabled
from pycnn.backend.names import FUSED_ACTIVATIONS
from pycnn.ops.axes import normalize_axis
from pycnn.ops.promotion import as_float
from pycnn.ops.shaping import moveaxis
from pycnn.registration import register_serializable, resolve


class _Activation(Function):
    half_wide = (0,)

    def forward(self, x, *, name, alpha=0.0):
        x = x if self.halves else as_float(x)
        self.name, self.alpha = name, alpha
        y = self.backend.activation_forward(x, name, alpha)
        self.x = x if name == "sigmoid" or name not in FUSED_ACTIVATIONS else None  # logits_of wants a sigmoid's
        self.y = y
        return y

    def backward(self, gy):
        return self.backend.activation_grad(gy, self.x, self.y, self.name, self.alpha)


class _BoundedRelu(Function):
    """Keras's general ReLU: slope below the threshold, identity above it, cut at max_value."""

    def forward(self, x, *, negative_slope, max_value, threshold):
        x = as_float(x)
        where = self.backend.xp.where
        passes = x >= threshold if threshold else x > 0
        y = where(passes, x, negative_slope * (x - threshold) if negative_slope else x.dtype.type(0))
        slope = where(passes, x.dtype.type(1), x.dtype.type(negative_slope))
        if max_value is not None:
            capped = x >= max_value
            y, slope = where(capped, x.dtype.type(max_value), y), where(capped, x.dtype.type(0), slope)
        self.slope = slope
        return y

    def backward(self, gy):
        return gy * self.slope


class _Softmax(Function):
    """Along the last axis. ``loss`` looks for this node, to work on the logits instead."""

    def forward(self, x):
        self.x = as_float(x)
        self.y = self.backend.softmax_forward(self.x)
        return self.y

    def backward(self, gy):
        return self.backend.softmax_grad(gy, self.y)


class _LogSoftmax(Function):
    def forward(self, x):
        self.y = self.backend.log_softmax_forward(as_float(x))
        return self.y

    def backward(self, gy):
        return self.backend.log_softmax_grad(gy, self.y)


def logits_of(y, name):
    """The tensor that ``y`` is the softmax or sigmoid of, if the tape knows one, else None."""
    node = y._node
    if type(node) is not (_Softmax if name == "softmax" else _Activation):
        return None
    known = vars(node)  # empty after a backward pass
    if not known or known.get("name", "softmax") != name:
        return None
    source = known["inputs"][0]
    return source if isinstance(source, Tensor) else Tensor.wrap(known["x"], source._node, source._output_index)


def fusable(name):
    """Whether ``conv2d`` and ``dense`` shall let their kernel apply the activation ``name``.

    Not a sigmoid while the tape is recording: a binary cross-entropy wants to find its logits there.
    """
    return name in _FUSED and (name != "sigmoid" or not is_grad_enabled())


_FUSED = frozenset(FUSED_ACTIVATIONS) - {"linear"}


def linear(x):
    """x itself."""
    return as_tensor(x)


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """Rectified linear unit: max(x, 0) with the default arguments.

    Parameters
    ----------
    x : array
    negative_slope : float
        Slope below ``threshold``.
    max_value : float, optional
        Where the output is cut off.
    threshold : float
        Below it the output is ``negative_slope * (x - threshold)``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.relu([-1.0, 2.0, 9.0], max_value=6).numpy()
    array([0., 2., 6.], dtype=float32)
    """
    if max_value is None and not threshold:
        if not negative_slope:
            return _Activation.apply(x, name="relu")
        return _Activation.apply(x, name="leaky_relu", alpha=negative_slope)
    if max_value == 6 and not (threshold or negative_slope):
        return _Activation.apply(x, name="relu6")
    if max_value is not None and max_value < 0:
        raise ValueError(f"max_value must not be negative. Received: max_value={max_value!r}")
    return _BoundedRelu.apply(x, negative_slope=negative_slope, max_value=max_value, threshold=threshold)


def relu6(x):
    """min(max(x, 0), 6)."""
    return _Activation.apply(x, name="relu6")


def leaky_relu(x, negative_slope=0.2):
    """x where it is positive, else ``negative_slope * x``."""
    return _Activation.apply(x, name="leaky_relu", alpha=negative_slope)


def elu(x, alpha=1.0):
    """x where it is positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2016)."""
    return _Activation.apply(x, name="elu", alpha=alpha)


def selu(x):
    """1.0507 * elu(x, 1.6733), with which activations keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return _Activation.apply(x, name="selu")


def gelu(x, approximate=True):
    """x times the normal distribution function of x, or its tanh form (Hendrycks and Gimpel 2016).

    As in Keras, the operation is approximate unless told otherwise; the activation named "gelu" is exact.
    """
    return _Activation.apply(x, name="gelu_tanh" if approximate else "gelu")


def exact_gelu(x, approximate=False):
    """x times the normal distribution function of x, or its tanh form (Hendrycks and Gimpel 2016)."""
    return gelu(x, approximate)


def silu(x):
    """x * sigmoid(x). Also named ``swish``."""
    return _Activation.apply(x, name="silu")


def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    return _Activation.apply(x, name="sigmoid")


def tanh(x):
    """Hyperbolic tangent."""
    return _Activation.apply(x, name="tanh")


def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return _Activation.apply(x, name="softplus")


def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along ``axis``.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    return _along(_Softmax, x, axis)


def log_softmax(x, axis=-1):
    """x - log(sum(exp(x))) along ``axis``."""
    return _along(_LogSoftmax, x, axis)


def _along(function, x, axis):
    x = as_tensor(x)
    if axis == -1 or normalize_axis(axis, x.ndim) == x.ndim - 1:
        return function.apply(x)
    return moveaxis(function.apply(moveaxis(x, axis, -1)), -1, axis)


ACTIVATIONS = {"swish": silu, "gelu": exact_gelu} | {
    function.__name__: function
    for function in (
        *(linear, relu, relu6, leaky_relu, elu, selu, silu, sigmoid, tanh, softplus, softmax, log_softmax),
    )
}
"""Every activation that has a name. Users' own, registered with ``register_serializable``, are found by theirs."""

for _name, _function in ACTIVATIONS.items():
    register_serializable("activations", _name)(_function)


def get_activation(identifier):
    """Return the function that ``identifier`` names: None (linear), a string or a callable.

    Raises
    ------
    ValueError
        If the name is unknown; the message lists names that are close.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return ACTIVATIONS.get(identifier) or resolve(identifier, "activations", "activation")
    if callable(identifier):
        return getattr(identifier, "eager", identifier)  # pycnn.ops.relu is relu
    raise TypeError(f"activation must be a name, a callable or None. Received: activation={identifier!r}")


def activation(x, identifier):
    """Apply an activation given by name (see ``ACTIVATIONS``) or as a callable; None is linear.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.ops.activation([-1.0, 1.0], "relu").numpy()
    array([0., 1.], dtype=float32)
    """
    return get_activation(identifier)(as_tensor(x))
