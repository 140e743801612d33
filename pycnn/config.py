"""Process-wide settings: default dtype and policy, fuzz factor, image layout, seed. Imports nothing of pycnn.

Environment variables, read once at import:

``PYCNN_BACKEND``      backend to start with: ``auto``, ``cpu``, ``cuda`` or ``reference`` (default ``cpu``)
``PYCNN_FLOATX``       default dtype: ``float32`` or ``float64`` (default ``float32``)
``PYCNN_ISA``          instruction set of the CPU kernels: ``base``, ``avx2`` or ``avx512`` (default: the best)
``PYCNN_NUM_THREADS``  threads of the CPU kernels (default: ``OMP_NUM_THREADS``, else what the process may use)
``PYCNN_HOME``         cache of downloaded data sets (default ``~/.cache/pycnn``); read when one is loaded
"""

import os
from contextvars import ContextVar

import numpy as np

_FLOAT_DTYPES = ("float32", "float64")
_IMAGE_DATA_FORMATS = ("channels_last", "channels_first")
_CONV_ALGORITHMS = ("auto", "direct", "winograd")
_FLOAT32_PRECISIONS = ("highest", "high")
_HALF_DTYPES = ("float16", "bfloat16")


def _choice(argument, value, choices):
    if value not in choices:
        raise ValueError(f"{argument} must be one of {', '.join(choices)}. Received: {argument}={value!r}")
    return value


_settings = {
    "floatx": _choice("PYCNN_FLOATX", os.environ.get("PYCNN_FLOATX", "float32"), _FLOAT_DTYPES),
    "dtype_policy": None,
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "conv_algorithm": "auto",
    "float32_precision": "highest",
    "generator": np.random.default_rng(),
}

_scope = ContextVar("pycnn_seeded_scope", default=None)


def floatx():
    """Name of the default floating-point dtype, ``"float32"`` unless changed."""
    return _settings["floatx"]


def set_floatx(dtype):
    """Set the default floating-point dtype: ``"float32"`` or ``"float64"``."""
    _settings["floatx"] = _choice("dtype", dtype, _FLOAT_DTYPES)


class DTypePolicy:
    """The dtype of a layer's weights, and the one that it computes in.

    Parameters
    ----------
    name : str
        ``"float32"`` or ``"float64"``: both are that. ``"mixed_float16"`` or ``"mixed_bfloat16"``: weights of float32,
        computation in half the bytes. bfloat16 needs the package ml_dtypes (``pip install 'pycnn[bfloat16]'``).

    Attributes
    ----------
    name, compute_dtype, variable_dtype : str
    half : numpy.dtype or None
        What mixed precision rounds to.

    Examples
    --------
    >>> import pycnn
    >>> policy = pycnn.dtype_policies.DTypePolicy("mixed_float16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('float16', 'float32')
    """

    def __init__(self, name):
        if not isinstance(name, str):
            raise TypeError(f"A dtype policy has a name such as 'mixed_float16'. Received: name={name!r}")
        half = name.removeprefix("mixed_")
        if name not in _FLOAT_DTYPES and (half not in _HALF_DTYPES or name == half):
            raise ValueError(
                "dtype must be 'float32' or 'float64', or 'mixed_float16' or 'mixed_bfloat16' (weights are kept in no "
                f"less than float32). Received: dtype={name!r}"
            )
        if half == "bfloat16":
            _require_bfloat16()
        self.name = name
        self.compute_dtype, self.variable_dtype = (name, name) if name == half else (half, "float32")
        self.half = None if name == half else np.dtype(half)

    def get_config(self):
        """Return the arguments that make the same policy."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """Make a policy of what ``get_config`` returned."""
        return cls(**config)

    def __eq__(self, other):
        return self.name == other.name if isinstance(other, DTypePolicy) else NotImplemented

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f'<DTypePolicy "{self.name}">'


def _require_bfloat16():
    """Let NumPy know bfloat16."""
    try:
        import ml_dtypes  # noqa: F401  which tells NumPy
    except ImportError as error:
        raise ImportError("bfloat16 needs the package ml_dtypes: pip install 'pycnn[bfloat16]'") from error


def dtype_policy():
    """The policy of layers that are not told another: that of ``floatx()`` unless one was set."""
    policy = _settings["dtype_policy"]
    return DTypePolicy(floatx()) if policy is None else policy


def set_dtype_policy(policy):
    """Set the policy of layers that are made from now on: its name or a ``DTypePolicy``; None for that of ``floatx()``.

    With ``"mixed_float16"`` and ``"mixed_bfloat16"`` layers keep weights in float32, round them and their inputs to the
    half-wide dtype, and give arrays of it. Statistics of normalisation, losses and metrics are computed in float32.
    ``compile`` scales the loss under ``"mixed_float16"``, lest small gradients vanish (see
    ``pycnn.optimizers.LossScaleOptimizer``). The last layer of a classifier should be given ``dtype="float32"``.

    Each operation computes in float32 and rounds what it gives; gradients of weights are not rounded. On a GPU
    convolutions, matrix products, pooling, batch normalisation, activations, sums, products and means have kernels that
    read and write half-wide arrays, on tensor cores from compute capability 8.0 on, where channels come in eights:
    what is kept for the backward pass takes half the memory. All others, and every operation on the CPU, widen what
    they are given and round afterwards: so models train there, and are exchanged, alike, but gain nothing.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.config.set_dtype_policy("mixed_float16")
    >>> layer = pycnn.layers.Dense(2)
    >>> layer.compute_dtype, layer.variable_dtype
    ('float16', 'float32')
    >>> pycnn.config.set_dtype_policy(None)
    """
    _settings["dtype_policy"] = policy if policy is None or isinstance(policy, DTypePolicy) else DTypePolicy(policy)


def epsilon():
    """Fuzz factor that keeps logarithms and quotients finite, 1e-7 unless changed."""
    return _settings["epsilon"]


def set_epsilon(value):
    """Set the fuzz factor; it must be positive."""
    if not value > 0:
        raise ValueError(f"epsilon must be positive. Received: value={value!r}")
    _settings["epsilon"] = float(value)


def image_data_format():
    """Layout that layers assume when ``data_format`` is None: ``"channels_last"`` unless changed."""
    return _settings["image_data_format"]


def set_image_data_format(data_format):
    """Set the layout that layers assume: ``"channels_last"`` or ``"channels_first"``."""
    _settings["image_data_format"] = _choice("data_format", data_format, _IMAGE_DATA_FORMATS)


def conv_algorithm():
    """Algorithm of convolutions that are not told another: ``"auto"`` unless changed."""
    return _settings["conv_algorithm"]


def set_conv_algorithm(algorithm):
    """Set the algorithm of convolutions: ``"auto"``, ``"direct"`` or ``"winograd"``.

    Winograd's algorithm makes do with a quarter of the multiplications of 3 x 3 filters of stride 1 (a third of
    those of 5 x 5), and rounds more: in float32 its errors stay below 2e-5 of the largest output, those of the direct
    algorithm below 5e-6. ``"auto"`` takes it in float32 where it is measured to be faster, and never in float64;
    ``"direct"`` never; ``"winograd"`` wherever the shapes allow it, and the direct one elsewhere. A NaN or an infinity
    in the image reaches all outputs of its tile, 4 x 4 at most, where the direct algorithm keeps it to its windows.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.config.set_conv_algorithm("direct")
    >>> pycnn.config.set_conv_algorithm("auto")
    """
    _settings["conv_algorithm"] = _choice("algorithm", algorithm, _CONV_ALGORITHMS)


def float32_precision():
    """How exactly a GPU multiplies float32: ``"highest"`` unless changed."""
    return _settings["float32_precision"]


def set_float32_precision(precision):
    """Set how exactly convolutions and matrix products of float32 are computed on a GPU; a CPU knows one way only.

    ``"highest"`` keeps the accuracy of float32: on tensor cores each factor is split in two numbers of TF32 and three
    products are summed (3xTF32). There an infinity among the factors becomes NaN. ``"high"`` rounds factors to TF32,
    10 bits of mantissa: their products are off by 2^-10 at most, so that an output is off by less than 1e-3 of the sum
    of its products' magnitudes. It is what PyTorch does in convolutions by default. What cuBLAS computes is at least so
    exact: with ``"highest"`` it is given no float32 where ``CUPY_TF32=1`` is set, by which CuPy lets it round.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.config.set_float32_precision("high")
    >>> pycnn.config.set_float32_precision("highest")
    """
    _settings["float32_precision"] = _choice("precision", precision, _FLOAT32_PRECISIONS)


def generator(seed=None):
    """The ``numpy.random.Generator`` behind every random choice that has no seed of its own.

    Inside ``seeded_scope`` it is the scope's; with ``seed`` another one of the scope, for what has a seed of its own.
    """
    scope = _scope.get()
    return _settings["generator"] if scope is None else scope.generator(seed)


def in_seeded_scope():
    """Whether ``generator`` returns that of a scope."""
    return _scope.get() is not None


def draw_seed():
    """Draw the seed of scopes."""
    return int(generator().integers(2**63))


class seeded_scope:
    """Context manager: inside, and in this thread only, draw from generators of a seed and a key, a tuple of ints.

    So a batch has the same random numbers whichever thread makes it, and whatever others draw meanwhile. Entered again,
    a scope goes on drawing where it was left.

    Examples
    --------
    >>> from pycnn import config
    >>> with config.seeded_scope(5, (0, 1)):
    ...     a = config.generator().random()
    >>> with config.seeded_scope(5, (0, 1)):
    ...     b = config.generator().random()
    >>> a == b
    True
    """

    def __init__(self, seed, key):
        self._seed, self._key = seed, key
        self._made = {}  # seed of its own, or None -> generator, made when it is first asked for

    def generator(self, seed=None):
        """Return the generator of the scope, or the one of it that belongs to a seed."""
        if seed not in self._made:
            key = self._key if seed is None else (*self._key, seed)
            self._made[seed] = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))
        return self._made[seed]

    def __enter__(self):
        self._token = _scope.set(self)

    def __exit__(self, *exception):
        _scope.reset(self._token)


def set_random_seed(seed):
    """Seed every random choice that pycnn makes: initial weights, shuffling, dropout, augmentation.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.utils.set_random_seed(0)
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be an integer >= 0. Received: seed={seed!r}")
    _settings["generator"].bit_generator.state = np.random.default_rng(int(seed)).bit_generator.state
