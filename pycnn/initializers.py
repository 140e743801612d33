"""Initial weights: Keras's initializers.

An initializer is called with a shape and a dtype and returns a Tensor. Without ``seed`` each call draws from the
generator that ``set_random_seed`` seeds; with one, each call gives the same numbers.
"""

import math

import numpy as np

from pycnn import config, registration
from pycnn.autograd import Tensor
from pycnn.backend import get_backend
from pycnn.registration import Configurable, register_serializable

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("normal", "truncated_normal", "untruncated_normal", "uniform")
_TRUNCATED_STDDEV = 0.87962566103423978  # standard deviation of a normal variable cut off at +-2


class Initializer(Configurable):
    """Base class. A subclass defines ``values(shape, generator)``, and names its arguments in ``_arguments``.

    Examples
    --------
    >>> from pycnn import initializers
    >>> initializers.get("ones")((2,)).numpy()
    array([1., 1.], dtype=float32)
    """

    seed = None

    def values(self, shape, generator):
        """Return the numbers, a ``numpy.ndarray`` of ``shape``."""
        raise NotImplementedError(f"{type(self).__name__} must define values(self, shape, generator)")

    def __call__(self, shape, dtype=None):
        """Return a Tensor of ``shape``; ``dtype`` defaults to ``config.floatx()``."""
        shape = tuple(int(n) for n in shape)
        generator = config.generator() if self.seed is None else np.random.default_rng(self.seed)
        values = np.asarray(self.values(shape, generator), dtype=dtype or config.floatx(), order="C")
        return Tensor.wrap(get_backend().asarray(values))


@register_serializable("initializers", aliases=("zero",))
class Zeros(Initializer):
    """All 0."""

    def values(self, shape, generator):
        """Return zeros."""
        return np.zeros(shape)


@register_serializable("initializers", aliases=("one",))
class Ones(Initializer):
    """All 1."""

    def values(self, shape, generator):
        """Return ones."""
        return np.ones(shape)


@register_serializable("initializers")
class Constant(Initializer):
    """All ``value``: a number, or an array that is broadcast."""

    _arguments = ("value",)

    def __init__(self, value=0.0):
        self.value = np.asarray(value).tolist()

    def values(self, shape, generator):
        """Return the value, broadcast."""
        return np.broadcast_to(np.asarray(self.value), shape)


@register_serializable("initializers", aliases=("normal",))
class RandomNormal(Initializer):
    """Normally distributed."""

    _arguments = ("mean", "stddev", "seed")

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, _check_seed(seed)

    def values(self, shape, generator):
        """Return normal numbers."""
        return generator.normal(self.mean, self.stddev, shape)


@register_serializable("initializers", aliases=("uniform",))
class RandomUniform(Initializer):
    """Uniformly distributed in [minval, maxval)."""

    _arguments = ("minval", "maxval", "seed")

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval, self.seed = minval, maxval, _check_seed(seed)

    def values(self, shape, generator):
        """Return uniform numbers."""
        return generator.uniform(self.minval, self.maxval, shape)


@register_serializable("initializers")
class TruncatedNormal(Initializer):
    """Normally distributed; what is further than two ``stddev`` from the mean is drawn again."""

    _arguments = ("mean", "stddev", "seed")

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, _check_seed(seed)

    def values(self, shape, generator):
        """Return truncated normal numbers."""
        return self.mean + self.stddev * _truncated_normal(shape, generator)


@register_serializable("initializers")
class VarianceScaling(Initializer):
    """Random numbers of variance ``scale / n``, where n is a number of connections.

    Parameters
    ----------
    scale : float
    mode : {"fan_in", "fan_out", "fan_avg"}
        n is the number of inputs of a unit, of outputs, or their mean.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
    seed : int, optional
    input_axes, output_axes : sequences of ints, optional
        The axes whose sizes make the numbers of inputs and outputs, in place of those of a layer's kernel.
    """

    _arguments = ("scale", "mode", "distribution", "seed", "input_axes", "output_axes")

    def __init__(
        self,
        scale=1.0,
        mode="fan_in",
        distribution="truncated_normal",
        seed=None,
        input_axes=None,
        output_axes=None,
    ):
        if not scale > 0:
            raise ValueError(f"scale must be positive. Received: scale={scale!r}")
        for name, value, choices in (("mode", mode, _MODES), ("distribution", distribution, _DISTRIBUTIONS)):
            if value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}. Received: {name}={value!r}")
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, _check_seed(seed)
        self.input_axes = None if input_axes is None else list(input_axes)
        self.output_axes = None if output_axes is None else list(output_axes)

    def values(self, shape, generator):
        """Return scaled random numbers."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(fan, 1))
        if self.distribution == "uniform":
            return generator.uniform(-math.sqrt(3) * stddev, math.sqrt(3) * stddev, shape)
        if self.distribution == "untruncated_normal":
            return generator.normal(0, stddev, shape)
        return _truncated_normal(shape, generator) * (stddev / _TRUNCATED_STDDEV)


class _Fixed(VarianceScaling):
    """A variance scaling with settings of its own."""

    _arguments = ("seed", "input_axes", "output_axes")
    _settings = ()

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self._settings, seed, input_axes, output_axes)

    def get_config(self):
        """Return the arguments that make the same initializer again."""
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        return {"seed": self.seed, **{name: value for name, value in axes.items() if value is not None}}


@register_serializable("initializers", aliases=("xavier_uniform",))
class GlorotUniform(_Fixed):
    """Uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""

    _settings = (1.0, "fan_avg", "uniform")


@register_serializable("initializers", aliases=("xavier_normal",))
class GlorotNormal(_Fixed):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    _settings = (1.0, "fan_avg", "truncated_normal")


@register_serializable("initializers")
class HeUniform(_Fixed):
    """Uniform in +-sqrt(6 / fan_in) (He et al. 2015)."""

    _settings = (2.0, "fan_in", "uniform")


@register_serializable("initializers")
class HeNormal(_Fixed):
    """Truncated normal of variance 2 / fan_in (He et al. 2015)."""

    _settings = (2.0, "fan_in", "truncated_normal")


@register_serializable("initializers")
class LecunUniform(_Fixed):
    """Uniform in +-sqrt(3 / fan_in) (LeCun et al. 1998)."""

    _settings = (1.0, "fan_in", "uniform")


@register_serializable("initializers")
class LecunNormal(_Fixed):
    """Truncated normal of variance 1 / fan_in (LeCun et al. 1998)."""

    _settings = (1.0, "fan_in", "truncated_normal")


@register_serializable("initializers", aliases=("orthogonal_initializer",))
class Orthogonal(Initializer):
    """An orthogonal matrix times ``gain``; further axes are joined to its rows (Saxe et al. 2014)."""

    _arguments = ("gain", "seed")

    def __init__(self, gain=1.0, seed=None):
        self.gain, self.seed = gain, _check_seed(seed)

    def values(self, shape, generator):
        """Return orthogonal rows or columns, whichever are fewer."""
        if len(shape) < 2:
            raise ValueError(f"An orthogonal weight needs two axes or more. Received: shape={shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q *= np.sign(np.diag(r))  # makes the distribution uniform over all orthogonal matrices
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


@register_serializable("initializers", aliases=("identity_initializer",))
class Identity(Initializer):
    """The identity matrix times ``gain``."""

    _arguments = ("gain",)

    def __init__(self, gain=1.0):
        self.gain = gain

    def values(self, shape, generator):
        """Return the scaled identity."""
        if len(shape) != 2:
            raise ValueError(f"An identity weight has two axes. Received: shape={shape}")
        return self.gain * np.eye(*shape)


def compute_fans(shape, input_axes=None, output_axes=None):
    """Return the numbers of inputs and outputs of one unit of a weight of ``shape``.

    With both ``input_axes`` and ``output_axes`` they are the products of the sizes of these axes.

    Examples
    --------
    >>> compute_fans((5, 5, 6, 16))
    (150, 400)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _truncated_normal(shape, generator):
    values = generator.standard_normal(shape)
    outside = np.abs(values) > 2
    while outside.any():
        values[outside] = generator.standard_normal(np.count_nonzero(outside))
        outside = np.abs(values) > 2
    return values


def _check_seed(seed):
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
        raise ValueError(f"seed must be an integer >= 0 or None. Received: seed={seed!r}")
    return seed if seed is None else int(seed)


def get(identifier):
    """Return the initializer that a name, dict, class or callable stands for; None stays None.

    Examples
    --------
    >>> from pycnn import initializers
    >>> initializers.get("he_normal")
    HeNormal(seed=None)
    """
    return registration.resolve(identifier, "initializers", "initializer")


IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

serialize, deserialize = registration.serialize, registration.deserialize

__getattr__ = registration.hint_names(__name__, [name for name in dir() if name[0] != "_"])
