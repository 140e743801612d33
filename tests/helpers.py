"""What several tests share: peers, comparisons, random arrays."""

import importlib
import os
import warnings

import numpy as np
import pytest

TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 2e-5}
"""Largest allowed error, relative to the largest expected value."""


def peer(name):
    """Import the package ``name`` that pycnn is compared with; without it skip, or fail if peers are required."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module(name)
    except ImportError as error:
        if os.environ.get("PYCNN_REQUIRE_PEERS") == "1":
            pytest.fail(f"PYCNN_REQUIRE_PEERS=1, and the peer {name} is missing: {error}")
        pytest.skip(f"the peer {name} is not installed")
    if name == "torch":
        module.set_num_threads(1)  # two pools of threads that spin against each other are slow
    return module


def assert_close(actual, expected, tolerance=None):
    """Require the same shape and values: the largest error over the largest expected magnitude <= ``tolerance``.

    Without ``tolerance`` the dtype of ``actual`` decides, by ``TOLERANCE``. NaN equals NaN, inf equals inf.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    if tolerance is None:
        tolerance = TOLERANCE[actual.dtype]
    expected = expected.astype(np.float64)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.where(finite, 0, actual), np.where(finite, 0, expected))
    scale = np.abs(expected[finite]).max(initial=0.0)
    error = np.where(finite, np.abs(actual - np.where(finite, expected, 0)), 0)
    if np.isnan(error).any() or error.max(initial=0.0) > tolerance * scale:
        worst = np.unravel_index(np.argmax(error), error.shape)
        raise AssertionError(
            f"values differ: error {error[worst]:.3g} of largest value {scale:.3g} ({error[worst] / (scale or 1):.3g} "
            f"relative, allowed {tolerance:.3g}) at {tuple(int(i) for i in worst)}: "
            f"{actual[worst]!r}, expected {expected[worst]!r}"
        )


def normal(shape, dtype=np.float64, seed=0):
    """Normally distributed numbers, the same at each call."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def strided(x):
    """Return the values of ``x`` in a layout that is contiguous along no axis."""
    wide = np.full([2 * n + 1 for n in reversed(x.shape)], np.nan if x.dtype.kind == "f" else 99, x.dtype)
    view = wide[tuple(slice(1, 2 * n, 2) for n in reversed(x.shape))].T
    view[...] = x
    return view


def inner(a, b):
    """Inner product of two arrays, summed in float64."""
    return float(np.vdot(np.asarray(a, np.float64), np.asarray(b, np.float64)))
