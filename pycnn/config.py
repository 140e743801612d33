"""Process-wide settings: default dtype, fuzz factor, image layout, seed. Imports nothing of pycnn.

Environment variables, read once at import:

``PYCNN_BACKEND``      backend to start with: ``auto``, ``cpu``, ``cuda`` or ``reference`` (default ``cpu``)
``PYCNN_FLOATX``       default dtype: ``float32`` or ``float64`` (default ``float32``)
``PYCNN_ISA``          instruction set of the CPU kernels: ``base``, ``avx2`` or ``avx512`` (default: the best)
``PYCNN_NUM_THREADS``  threads of the CPU kernels (default: ``OMP_NUM_THREADS``, else what the process may use)
``PYCNN_HOME``         cache of downloaded data sets (default ``~/.cache/pycnn``); read when one is loaded
"""

import os

import numpy as np

_FLOAT_DTYPES = ("float32", "float64")
_IMAGE_DATA_FORMATS = ("channels_last", "channels_first")


def _choice(argument, value, choices):
    if value not in choices:
        raise ValueError(f"{argument} must be one of {', '.join(choices)}. Received: {argument}={value!r}")
    return value


_settings = {
    "floatx": _choice("PYCNN_FLOATX", os.environ.get("PYCNN_FLOATX", "float32"), _FLOAT_DTYPES),
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "generator": np.random.default_rng(),
}


def floatx():
    """Name of the default floating-point dtype, ``"float32"`` unless changed."""
    return _settings["floatx"]


def set_floatx(dtype):
    """Set the default floating-point dtype: ``"float32"`` or ``"float64"``."""
    _settings["floatx"] = _choice("dtype", dtype, _FLOAT_DTYPES)


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


def generator():
    """The ``numpy.random.Generator`` behind every random choice that has no seed of its own."""
    return _settings["generator"]


def set_random_seed(seed):
    """Seed every random choice that pycnn makes: initial weights, shuffling, dropout, augmentation.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.utils.set_random_seed(0)
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be an integer >= 0. Received: seed={seed!r}")
    _settings["generator"] = np.random.default_rng(int(seed))
