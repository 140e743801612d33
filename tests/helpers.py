"""What several tests share: peers, comparisons, random arrays."""

import importlib
import json
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
        tolerance = TOLERANCE.get(actual.dtype, 0)  # integers are equal or they are not
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


def run_layer_test(make_layer, x, expected_shape, tmp_path, training=False, gradients=True):
    """What every layer must do: build, keep its word on shapes and dtypes, be saved, be trained, have right gradients.

    Parameters
    ----------
    make_layer : callable
        Makes the layer, with the keyword arguments it is given.
    x : float array
        A batch of inputs; not on a kink, and small, for each number is moved to check the gradient.
    expected_shape : tuple
        Of the output for ``x``.
    tmp_path : path
        A folder to save models in.
    training : bool
        Whether the gradients are those of training.
    gradients : bool
        Whether the layer has gradients, in its input and its weights.
    """
    _check_shapes_and_dtypes(make_layer, x, expected_shape)
    _check_configuration(make_layer, x)
    _check_training_and_saving(make_layer, x, tmp_path)
    if gradients:
        _check_gradients(make_layer, x, training)


def _check_shapes_and_dtypes(make_layer, x, expected_shape):
    layer = make_layer()
    assert not layer.weights
    y = layer(x)
    assert layer.built
    assert y.shape == expected_shape
    assert y.dtype == np.float32  # float64 was cast to the layer's dtype
    assert layer.compute_output_shape(x.shape)[1:] == expected_shape[1:]
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *expected_shape[1:])
    assert layer(np.round(x).astype(np.int32)).dtype == np.float32
    assert layer(x[:0]).shape == (0, *expected_shape[1:])
    assert all(w.dtype == np.float32 for w in layer.weights)
    wide = make_layer(dtype="float64")
    assert wide(x.astype(np.float32)).dtype == np.float64
    assert all(w.dtype == np.float64 for w in wide.weights)


def _check_configuration(make_layer, x):
    """A layer made of another's configuration, gone through JSON, and of its weights is the same."""
    layer = make_layer(name="one", trainable=False)
    y = layer(x, training=False).numpy()
    config = json.loads(json.dumps(layer.get_config()))
    twin = type(layer).from_config(config)
    assert json.loads(json.dumps(twin.get_config())) == config
    assert (twin.name, twin.trainable, twin.dtype) == ("one", False, "float32")
    assert not layer.trainable_weights
    twin(x)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(x, training=False).numpy(), y)


def _check_training_and_saving(make_layer, x, tmp_path):
    """One step of training changes every trainable weight; the saved model predicts the same bits."""
    layers, models = importlib.import_module("pycnn.layers"), importlib.import_module("pycnn.models")
    model = models.Sequential([layers.Input(x.shape[1:]), make_layer(), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    before = [np.array(w.numpy()) for w in model.trainable_weights]
    assert np.isfinite(model.train_on_batch(x, normal((len(x), 2))))
    for old, new in zip(before, model.trainable_weights, strict=True):
        assert (old != new.numpy()).any(), new
    model.save(tmp_path / "layer.pycnn")
    loaded = models.load_model(tmp_path / "layer.pycnn")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def _check_gradients(make_layer, x, training):
    """Of the input and of the trainable weights, for random weights, in float64."""
    autograd = importlib.import_module("pycnn.autograd")
    layer = make_layer(dtype="float64")
    layer(x)
    weights = {name: w for name, w in vars(layer).items() if isinstance(w, autograd.Variable) and w.trainable}
    assert len(weights) == len(layer.trainable_weights)

    def outputs(inputs, *values):
        for name, value in zip(weights, values, strict=True):
            setattr(layer, name, value)
        return layer(inputs, training=training)

    values = [normal(w.shape, seed=i + 1) for i, w in enumerate(weights.values())]
    assert autograd.gradcheck(outputs, [np.asarray(x, np.float64), *values])
